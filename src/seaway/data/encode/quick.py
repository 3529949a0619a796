"""The ordinary request of a table, from bytes to numbers, and its answer back to bytes: one generated function per contract.

msgspec reads the body straight into the slots of a struct made of the contract, which checks every type on the way; the
generated function then takes each slot's value where nothing is to be repaired, flagged or refused. For anything else `read`
returns None and the request is read again by the encoder, which explains every broken cell: this file never says no.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from seaway.core.batch import Array, Glance, Ids
from seaway.core.contract import CODE_MISSING, Contract, Output
from seaway.core.settings import ServeSettings
from seaway.data.encode import cell, generate, message
from seaway.data.encode.masks import Masks
from seaway.data.encode.rules import Rules

Take = Callable[[Any], bytes | None]
"""Returns the numbers of one row (features,) float32, packed, or None where the row is not an ordinary one."""

TYPES: Mapping[str, Any] = {"number": float, "integer": int, "boolean": bool, "category": str, "time": str}

ESCAPED = re.compile(r'[\\"\x00-\x1f]')

_encode = msgspec.json.Encoder().encode
_objects = msgspec.json.Decoder().decode


class Quick:
    """Implements `core.protocols.Quick` for tables."""

    def __init__(
        self, contract: Contract, fed: Sequence[Rules], ids: Sequence[str], masks: Masks, limits: ServeSettings
    ) -> None:
        self._limits, self._masks, self._ids = limits, masks, ids
        self._left_out: list[int] = []
        row, self._take = _reader(fed, ids, self._left_out)
        self._decode = msgspec.json.Decoder(_asked(row)).decode
        self._is_logged_whole = not ids and masks.are_whole(rules.column.name for rules in fed)
        words = [word for rules in fed for word in (rules.column.name, *rules.codes)]
        has_colons = ids or any(rules.column.kind == "time" for rules in fed) or any(":" in word for word in words)
        self._fields = 0 if has_colons else len(fed)
        """Colons of a whole row, which are those of its keys; 0 where its texts may hold some too."""
        self.cases: Callable[[Mapping[str, Array]], list[Any]] = _writer(contract.outputs)

    def read(self, body: bytes) -> Glance | None:
        """Read a request with nothing in it to be said; None for every other, and for what is no request."""
        if b"\\" in body or len(body) > self._limits.max_text:
            return None
        try:
            asked = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        rows = asked.rows
        if not 0 < len(rows) <= self._limits.max_rows:
            return None
        self._left_out.clear()
        packed = [self._take(one) for one in rows]
        if None in packed or not self._is_once(body, asked):
            return None
        ids: Sequence[Ids] = ()
        if self._ids:
            ids = [_texts(one, self._ids) for one in rows]
            ids = ids if any(ids) else ()
        return Glance(
            x=b"".join(packed),  # type: ignore[arg-type]
            rows=len(rows),
            logged=self._logged(body, asked),
            ids=ids,
            request_id="" if asked.request_id is UNSET else asked.request_id,
            key="" if asked.key is UNSET else asked.key,
        )

    def _is_once(self, body: bytes, asked: Any) -> bool:
        """Say whether no key stands twice: such a key is lost when a struct is read, and with it at least one colon.

        Nothing is escaped here, so as many colons go in as were read.
        """
        held = self._fields * len(asked.rows) - len(self._left_out) if self._fields else _encode(asked.rows).count(b":")
        return body.count(b":") == held + _colons_beside(asked)

    def _logged(self, body: bytes, asked: Any) -> bytes:
        if not self._is_logged_whole:
            return self._masks.json(_objects(body)["rows"])
        if asked.request_id is UNSET and asked.key is UNSET and body.startswith(b'{"rows":[') and body.endswith(b"]}"):
            return body[8:-1]
        return _encode(asked.rows)


def _asked(row: type) -> type[Any]:
    """Return the struct of a request; what a caller rarely sends is left to the encoder, as an unknown field."""
    word = (str | UnsetType, UNSET)
    fields: list[Any] = [("rows", list[row]), ("request_id", *word), ("key", *word)]  # type: ignore[valid-type]
    return msgspec.defstruct("Asked", fields, forbid_unknown_fields=True, gc=False)


def _reader(fed: Sequence[Rules], ids: Sequence[str], left_out: list[int]) -> tuple[type[Any], Take]:
    """Return the struct of a row, and what takes its numbers and notes in `left_out` which fields the row does not have.

    The text holds positions only, nothing of the contract.
    """
    fields: list[Any] = []
    names: dict[str, str] = {}
    held: dict[str, Any] = {"U": UNSET, "NAN": cell.NAN, "out": left_out.append}
    lines, packed, width = ["def take(r):"], [], 0
    for place, rules in enumerate(fed):
        column = rules.column
        names[f"f{place}"] = column.name
        fields.append((f"f{place}", TYPES[column.kind] | None | UnsetType, UNSET))
        lines += _lines(place, rules, held)
        packed.append(f"*v{place}" if column.kind == "time" else f"v{place}")
        width += len(column.encoded)
    for place, name in enumerate(ids):
        names[f"i{place}"] = name
        fields.append((f"i{place}", str | int | None | UnsetType, UNSET))
        lines.append(f"    if r.i{place}.__class__ is str and len(r.i{place}) > {message.LONGEST_ID}: return None")
    held["pack"] = struct.Struct(f"={width}f").pack
    lines.append(f"    return pack({', '.join(packed)})")
    exec("\n".join(lines), held)  # noqa: S102 - the text is made of the templates below and positions alone
    row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)
    return row, held["take"]


def _lines(place: int, rules: Rules, held: dict[str, Any]) -> list[str]:
    """Lines that put one cell's number into `v<place>`, or return None."""
    column, value = rules.column, f"v{place}"
    no_null = column.null == "error"
    no_absent = no_null or column.absent == "error"
    if column.kind in ("category", "boolean"):
        codes: dict[Any, float] = dict(rules.codes) if column.kind == "category" else {True: 1.0, False: 0.0}
        missing = float(CODE_MISSING) if column.kind == "category" else cell.NAN
        held |= {f"C{place}": (codes if no_null else codes | {None: missing}).get, f"M{place}": missing}
        return [
            f"    {value} = C{place}(r.f{place})",
            f"    if {value} is None:",
            "        return None" if no_absent else f"        if r.f{place} is not U: return None",
            *([] if no_absent else [f"        {value} = M{place}; out({place})"]),
        ]
    if column.kind == "time":
        held[f"R{place}"] = _timed(cell.reader(rules))
        return [
            f"    {value} = R{place}(r.f{place})",
            f"    if {value} is None: return None",
            f"    if r.f{place} is U: out({place})",
        ]
    low, high = generate.untouched(rules)
    held |= {f"L{place}": low, f"H{place}": high, f"S{place}": column.shift}
    return [
        f"    {value} = r.f{place}",
        f"    if {value} is None: " + ("return None" if no_null else f"{value} = NAN"),
        f"    elif {value} is U: " + ("return None" if no_absent else f"{value} = NAN; out({place})"),
        f"    elif L{place} <= {value} <= H{place}: {value} = "
        + (f"{value} - S{place}" if column.shift else f"{value} + 0.0"),
        "    else: return None",
    ]


def _timed(read: cell.Reader) -> Callable[[Any], tuple[float, ...] | None]:
    def parts(value: Any) -> tuple[float, ...] | None:
        flags: list[Any] = []
        try:
            found = read(cell.ABSENT if value is UNSET else value, 0, flags)
        except cell.Broken:
            return None
        return None if flags else found

    return parts


def _colons_beside(asked: Any) -> int:
    """Count the colons of the fields beside the rows; a word that may not pass counts as none could."""
    found = 1
    for word in (asked.request_id, asked.key):
        if word is not UNSET:
            if len(word) > message.LONGEST_WORD or not word.isprintable():
                return -1
            found += 1 + word.count(":")
    return found


def _texts(row: Any, names: Sequence[str]) -> dict[str, str]:
    values = [getattr(row, f"i{place}") for place in range(len(names))]
    return {
        name: str(value) for name, value in zip(names, values, strict=True) if value is not None and value is not UNSET
    }


# ------------------------------------------------------------------------------------------------------ answers


def _writer(outputs: Sequence[Output]) -> Callable[[Mapping[str, Array]], list[Any]]:
    """Return what turns answers into one struct per case that msgspec writes as `render` would have it written."""
    ordered = sorted(outputs, key=lambda output: len(output.axes))
    held: dict[str, Any] = {}
    names: dict[str, str] = {}
    values = []
    for place, output in enumerate(ordered):
        names[f"f{place}"] = output.name
        held[f"N{place}"] = output.name
        shown = f"v{place}"
        if output.kind == "code" and output.labels:
            held[f"L{place}"] = output.labels
            shown = f"L{place}[{shown}]"
        elif output.axes:
            labels = {f"f{number}": label for number, label in enumerate(output.labels)}
            held[f"P{place}"] = msgspec.defstruct("Parts", [(key, float) for key in labels], rename=labels, gc=False)
            shown = f"P{place}(*{shown})"
        values.append(shown)
    held["Case"] = msgspec.defstruct("Case", [(key, Any) for key in names], rename=names, gc=False)
    each = "".join(f"v{place}, " for place in range(len(ordered)))
    given = ", ".join(f"answers[N{place}].tolist()" for place in range(len(ordered)))
    text = f"def cases(answers): return [Case({', '.join(values)}) for {each}in zip({given})]"
    exec(text, held)  # noqa: S102 - positions alone, as above
    found: Callable[[Mapping[str, Array]], list[Any]] = held["cases"]
    return found


def fits(contract: Contract) -> bool:
    """Say whether a contract has ordinary requests, answered by a number, a label, or one number per label.

    Names that JSON writes with an escape are left to the encoder, as msgspec writes the names of slots as they are.
    """
    outputs = contract.outputs
    labels = [label for output in outputs if output.axes for label in output.labels]
    names = [*contract.by_name, *(output.name for output in outputs), *labels]
    return (
        bool(outputs)
        and not contract.options
        and not any(ESCAPED.search(name) for name in names)
        and all(
            (output.kind == "code" and not output.axes)
            or (output.kind == "number" and output.axes in ((), ("class",), ("level",)))
            for output in outputs
        )
    )
