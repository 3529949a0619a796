"""What a row must look like, what may be asked with it, what comes back, and the truth that arrives later."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal

import msgspec

from seaway.core import canonical
from seaway.core.errors import BadInput

Kind = Literal["number", "integer", "boolean", "category", "time", "text", "image", "array", "table"]
Role = Literal["feature", "target", "id", "time", "group", "weight", "ignore"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What models, tasks and recipes may be called: names are looked up, never joined to a path unchecked."""

CODE_MISSING, CODE_OTHER, CODE_FIRST = 0, 1, 2
"""Codes of a category in the matrix: missing, unseen, then the categories in the contract's order.

The first two are fixed so that adding a category moves no other."""

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Levels of the quantiles that a series' answers state; the outermost two make the 90 % interval."""


def _settle_defaults(value: msgspec.Struct) -> None:
    """Put the default itself where a field equals it: `omit_defaults` knows a default by identity only.

    Without this, equal contracts read from different places would have different bytes, hence different digests.
    """
    defaults = value.__struct_defaults__
    for name, default in zip(reversed(value.__struct_fields__), reversed(defaults), strict=False):
        given = getattr(value, name)
        if given is not default and type(given) is type(default) and given == default:
            msgspec.structs.force_setattr(value, name, default)


class Trim(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="trim", forbid_unknown_fields=True):
    """Remove white space around a text."""


class Blank(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="blank", forbid_unknown_fields=True):
    """Texts that mean "missing", compared after trimming."""

    words: tuple[str, ...]


class Map(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="map", forbid_unknown_fields=True):
    """Replace a text by another one."""

    to: dict[str, str]


class Clip(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="clip", forbid_unknown_fields=True):
    """Hold a number inside `low` and `high`, both included."""

    low: float | None = None
    high: float | None = None


Rule = Trim | Blank | Map | Clip


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column: what its values are, what they are for, and what happens when they are not as expected.

    `shift` is subtracted in float64 before the value is rounded to float32. Inferred `categories` and `range` are soft
    (answered, flagged, logged) until a person sets `hard`.
    """

    name: str
    kind: Kind
    role: Role = "feature"
    encode: Literal["x", "array", "none"] = "x"
    part: str = ""
    unit: str = ""
    format: str = ""
    categories: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    shift: float = 0.0
    parts: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    clean: tuple[Rule, ...] = ()
    absent: Literal["error", "null"] = "null"
    null: Literal["error", "missing"] = "missing"
    unseen: Literal["other", "missing", "error"] = "other"
    outside: Literal["flag", "missing", "error"] = "flag"
    hard: bool = False
    personal: str = ""
    protected: bool = False
    ahead: bool = False
    log: Literal["full", "digest", "none"] = "full"

    def __post_init__(self) -> None:
        _settle_defaults(self)
        if self.range is not None:  # a whole number given as an int would have other bytes than what is read back
            msgspec.structs.force_setattr(self, "range", (float(self.range[0]), float(self.range[1])))

    @property
    def encoded(self) -> tuple[str, ...]:
        """Names of this column's places in the matrix; the time that orders the rows may show a model its parts."""
        if self.role not in ("feature", "time") or self.encode != "x":
            return ()
        if self.role == "time" and self.kind != "time":
            return ()
        if self.kind == "time":
            return tuple(f"{self.name}.{part}" for part in self.parts)
        return (self.name,)


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One named part of an answer: `axes` after the case, `labels` of the class or level axis.

    In JSON a class or level axis becomes an object by label, a step or rank axis a list, a code its label. `notes` say in
    words what each label means, where training found that out. Along a step axis arrays are as long as the contract's
    horizon, NaN beyond the steps asked for.
    """

    name: str
    kind: Literal["number", "code", "document"]
    axes: tuple[Literal["class", "step", "level", "rank"], ...] = ()
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        _settle_defaults(self)


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shape of a series; `season`, `history` and `horizon` count rows.

    `frequency` is a count and a unit: s, m, h (instants), d, bd (weekdays), w, mo, q, y (civil dates): "15m", "1h", "1mo".
    `zone` is where clocks show times without an offset. A model looks at the newest `history` rows, and answers up to
    `horizon` rows ahead. A period without a row counts as `gaps` says.
    """

    frequency: str
    zone: str = "UTC"
    season: int = 1
    history: int = 0
    horizon: int = 1
    gaps: Literal["error", "missing", "zero"] = "missing"

    def __post_init__(self) -> None:
        _settle_defaults(self)


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """The whole agreement between the data, the model and everyone who calls it.

    `per` says what one prediction is about: a row, a series (the rows of one id in time order) or a whole request.
    `truth` describes the value that arrives later; for classes its `categories` are the labels in code order.
    """

    task: str
    per: Literal["row", "series", "request"]
    columns: tuple[Column, ...]
    options: tuple[Column, ...] = ()
    truth: Column | None = None
    outputs: tuple[Output, ...] = ()
    series: Series | None = None
    extra: Literal["error", "ignore"] = "error"

    def __post_init__(self) -> None:
        _settle_defaults(self)
        for group in (self.columns, self.options):
            names = [column.name for column in group]
            double = sorted({name for name in names if names.count(name) > 1})
            if double:
                raise BadInput(
                    f"Column {double[0]!r} stands twice in the contract",
                    where="contract",
                    fix="Give every column a name of its own.",
                    code="duplicate-column",
                )

    @cached_property
    def digest(self) -> str:
        """Content digest over the canonical JSON."""
        return canonical.digest(canonical.encode(self))

    @cached_property
    def encoded(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order."""
        return tuple(name for column in self.columns for name in column.encoded)

    @cached_property
    def codes(self) -> dict[int, int]:
        """Matrix columns that hold category codes, with the number of codes (missing and other included)."""
        widths: dict[int, int] = {}
        place = 0
        for column in self.columns:
            if column.kind == "category" and column.encoded:
                widths[place] = len(column.categories) + CODE_FIRST
            place += len(column.encoded)
        return widths

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    def having(self, role: Role) -> tuple[Column, ...]:
        """Return the columns with `role`."""
        return tuple(column for column in self.columns if column.role == role)

    @property
    def target(self) -> Column | None:
        """The column to be predicted, if the data hold one."""
        return next(iter(self.having("target")), None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of a classification in code order; empty for numbers."""
        if self.truth is None or self.truth.kind not in ("category", "boolean"):
            return ()
        return self.truth.categories

    def output(self, name: str) -> Output:
        """Return the output called `name`."""
        for output in self.outputs:
            if output.name == name:
                return output
        known = ", ".join(output.name for output in self.outputs)
        raise BadInput(f"The contract has no output {name!r}", where="contract", fix=f"Its outputs are: {known}.")
