"""The single guesses behind a draft: a column's kind, its role, its shift, the parts of a time."""

from __future__ import annotations

import re
from typing import Protocol

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.core.contract import Blank, Clip, Column, Kind, Map, Role, Trim
from seaway.data.cast import typed
from seaway.data.encode import times
from seaway.data.encode.rules import LARGEST, Rules
from seaway.data.facts import CODE, DECIMAL, NUMBER, Facts, plain_numbers

CATEGORIES, SHARE, MOST = 50, 0.05, 1000
"""A text column is a category with at most 50 distinct texts, or 5 % of the rows up to 1,000."""
NUMERIC = 0.99
"""So many of the cells have to be numbers before the rest counts as mistakes in a column of numbers."""
FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%Y.%m.%d",
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S")
TARGET_NAMES = {"target", "label", "class", "y", "outcome", "churn", "default", "response"}
ID_NAME = re.compile(
    r"(^|[_\W])(id|uid|uuid|guid|key|no|nr|num|number|index|idx|udi|code|ref|reference|row)s?$|[a-z]I[Dd]$"
)
MERGED = 0.001
"""The share of distinct values that float32 may merge without harm."""


class Listener(Protocol):
    """Takes findings."""

    def say(
        self, code: str, subject: str, message: str, fix: str = "", *, warn: bool = False, **evidence: object
    ) -> None:
        """Add a finding."""
        ...


def kind(facts: Facts, notes: Listener, *, is_target: bool = False, is_time: bool = False) -> Column:
    """Return the column with its kind, its blank words, and how its numbers or times are written."""
    if not facts.is_text:
        return _typed_kind(facts, is_target=is_target)
    if not facts.words.height:
        return Column(name=facts.name, kind="text", clean=_blank(facts.blanks))
    for attempt in (_boolean, _number, _time):
        column = attempt(facts, notes)
        if column is not None:
            return _noted(facts, column, notes, is_target=is_target)
    column = Column(name=facts.name, kind=_wordy(facts, is_target=is_target), clean=_words_clean(facts))
    return _noted(facts, column, notes, is_target=is_target)


def _typed_kind(facts: Facts, *, is_target: bool) -> Column:
    dtype = facts.series.dtype
    name = facts.name
    if dtype == pl.Boolean:
        return Column(name=name, kind="boolean")
    if dtype.is_integer():
        return Column(name=name, kind="integer")
    if dtype.is_numeric():
        return Column(name=name, kind="integer" if is_target and _is_coded(facts.series) else "number")
    return Column(name=name, kind="time")


def _is_coded(series: pl.Series) -> bool:
    """Say whether floats are whole-numbered codes of a few classes, as pandas writes them."""
    distinct = series.drop_nulls().unique()
    return len(distinct) <= 20 and bool((distinct == distinct.floor()).all())


def _boolean(facts: Facts, notes: Listener) -> Column | None:
    if facts.solid.height in (1, 2) and facts.solid["text"].str.contains("(?i)^(true|false)$").all():
        return Column(name=facts.name, kind="boolean", clean=_blank(facts.wide_blanks))
    return None


def _number(facts: Facts, notes: Listener) -> Column | None:
    texts = facts.solid["text"]
    form = _number_form(facts)
    if form is None or texts.str.contains(CODE).any():  # 00123: a code whose zeros count
        return None
    numeric = plain_numbers(texts, form).str.contains(NUMBER)
    others = facts.solid.filter(~numeric)
    if others.height:
        notes.say(
            "I002",
            facts.name,
            f"{facts.name!r} holds numbers, but {others['count'].sum()} cells are something else",
            "Correct the cells, or list their texts as blank in contract.toml.",
            warn=True,
            texts=others["text"].head(10).to_list(),
        )
    if form:
        notes.say(
            "I002",
            facts.name,
            f"Numbers are taken to be written like {form}",
            f"Change `format` of {facts.name!r} in contract.toml if {texts.filter(numeric)[0]!r} means something else.",
            warn=True,
        )
    whole = not plain_numbers(texts.filter(numeric), form).str.contains(DECIMAL).any()
    return Column(name=facts.name, kind="integer" if whole else "number", format=form, clean=_blank(facts.wide_blanks))


def _number_form(facts: Facts) -> str | None:
    """Return how the column's numbers are written; None where they are no numbers."""
    texts, counts = facts.solid["text"], facts.solid["count"]
    for form in ("", "1,234.5", "1.234,5"):
        if form and not _is_grouped(texts, form):
            continue
        good = plain_numbers(texts, form).str.contains(NUMBER)
        share = int(counts.filter(good).sum()) / max(int(counts.sum()), 1)
        if share == 1.0 or (share >= NUMERIC and good.sum() >= 10):
            return form
    return None


_COMMAS = {
    "1,234.5": r"^[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?$",
    "1.234,5": r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?$",
}


def _is_grouped(texts: pl.Series, form: str) -> bool:
    signed = texts.filter(texts.str.contains(",", literal=True))
    return len(signed) > 0 and bool(signed.str.contains(_COMMAS[form]).all())


def _time(facts: Facts, notes: Listener) -> Column | None:
    if not facts.solid.height or not re.match(r"[0-9]+[-/.:]", facts.example):
        return None
    texts = facts.solid["text"].to_list()
    sample = texts[:200]
    forms = [form + clock for clock in CLOCKS for form in FORMATS]
    fitting = [form for form in ("", *forms) if reads(sample, form)]
    fitting = [form for form in fitting if reads(texts, form)]
    if not fitting:
        return None
    form = fitting[0]
    rivals = [other for other in fitting[1:] if _order(other) != _order(form)] if form else []
    if rivals:
        notes.say(
            "I003",
            facts.name,
            f"Dates such as {texts[0]!r} could be {form} or {rivals[0]}: {form} is taken",
            f"Set `format` of {facts.name!r} in contract.toml.",
            warn=True,
        )
    return Column(name=facts.name, kind="time", format=form, clean=_blank(facts.wide_blanks))


def _order(form: str) -> str:
    return "".join(sign for sign in form if sign in "Ymd")


def reads(texts: list[str], form: str) -> bool:
    """Say whether every text is a time in that form."""
    parse = times.parser(form)
    # ISO also reads bare digits such as 20251125, which are far more often numbers.
    return all((form or not text.isdigit()) and parse(text) is not None for text in texts)


def _wordy(facts: Facts, *, is_target: bool) -> Kind:
    distinct, total = facts.words.height, int(facts.words["count"].sum())
    if is_target or distinct <= CATEGORIES or (distinct <= MOST and distinct <= SHARE * total):
        return "category"
    return "text"


def _words_clean(facts: Facts) -> tuple[Trim | Map | Blank | Clip, ...]:
    trim = (Trim(),) if facts.padded else ()
    return (*trim, *_blank(facts.blanks))


def _blank(found: dict[str, int]) -> tuple[Blank, ...]:
    return (Blank(words=tuple(sorted(found))),) if found else ()


def _noted(facts: Facts, column: Column, notes: Listener, *, is_target: bool) -> Column:
    words = [word for rule in column.clean if isinstance(rule, Blank) for word in rule.words]
    count = sum(facts.wide_blanks.get(word, 0) for word in words)
    if count:
        shown = ", ".join(repr(word) for word in words)
        notes.say(
            "I001",
            facts.name,
            f"{count} cells of {facts.name!r} are blank ({shown}) and count as missing",
            "" if set(words) == {""} else f"Remove the word from `blank` of {facts.name!r} if it is a value.",
            words=words,
            count=count,
        )
    if column.kind == "number" and is_target:
        values = typed(facts.series, Rules.of(column)).series
        if _is_coded(values):
            return Column(name=column.name, kind="integer", clean=column.clean)
    return column


# --------------------------------------------------------------------------------------------------------- roles


def role(facts: Facts, column: Column, notes: Listener) -> Role:
    """Return what the column is for, as far as its values say."""
    name = facts.name
    values = typed(facts.series, Rules.of(column)).series
    given = values.drop_nulls()
    if len(given) == 0:
        notes.say("I004", name, f"{name!r} is empty and left out", warn=True)
        return "ignore"
    distinct = given.n_unique()
    if distinct == 1 and len(given) == facts.rows:
        notes.say("I004", name, f"{name!r} is the same in every row ({given[0]!r}) and left out", warn=True)
        return "ignore"
    if column.kind == "integer" and is_index(given):
        notes.say(
            "I004",
            name,
            f"{name!r} counts the rows and is left out: a model would learn their order",
            'Set its role to "feature" in contract.toml if the number means something.',
            warn=True,
        )
        return "ignore"
    if is_identifier(column, given):
        notes.say(
            "I004",
            name,
            f"{name!r} names each row ({distinct} distinct values in {len(given)} rows): taken as an id, not learnt from",
            'Set its role to "feature" in contract.toml if it is a measurement.',
            warn=True,
        )
        return "id"
    if column.kind == "text":
        notes.say(
            "I004",
            name,
            f"{name!r} is free text or has very many categories ({distinct}), which tables do not learn from",
            'Left out; map it to categories, or set its kind to "category" in contract.toml.',
            warn=True,
        )
        return "ignore"
    return "feature"


def is_index(values: pl.Series) -> bool:
    """Say whether integers count the rows: consecutive and in order, from any start."""
    if len(values) < 20:
        return False
    steps = values.diff().drop_nulls()
    return bool((steps == 1).all())


def is_identifier(column: Column, values: pl.Series) -> bool:
    """Say whether values name rows.

    Texts: nearly all distinct, short and without spaces. Integers: all distinct where chance would make them collide
    (the birthday problem: n values among R give about n^2 / 2R collisions), or all distinct under an id's name.
    """
    rows = len(values)
    if rows < 20:
        return False
    distinct = values.n_unique()
    if column.kind == "text":
        texts = values.head(1000)
        spaced = texts.str.contains(r"\s").mean()
        return distinct >= 0.95 * rows and float(spaced or 0.0) < 0.05 and float(texts.str.len_chars().max() or 0) <= 64  # type: ignore[arg-type]
    if column.kind != "integer" or distinct < rows:
        return False
    reach = int(values.max()) - int(values.min()) + 1  # type: ignore[arg-type]
    return rows * rows / (2 * reach) > 20 or bool(ID_NAME.search(column.name))


# ------------------------------------------------------------------------------------------------------- numbers


def merged(distinct: Array, shift: float) -> tuple[float, float]:
    """Return how much of a column the matrix cannot tell apart: (share of distinct values merged, gap over spread).

    The gap is the widest distance between values that become one float32, the spread the central 90 % of the column.
    """
    if len(distinct) < 2:
        return 0.0, 0.0
    ordered = np.sort(distinct)
    shifted = ordered - shift
    held = np.clip(shifted, -LARGEST, LARGEST).astype(np.float32)
    same = held[1:] == held[:-1]
    if not same.any():
        return 0.0, 0.0
    low, high = np.quantile(ordered, [0.05, 0.95])
    spread = float(high - low) or float(ordered[-1] - ordered[0])
    return float(same.sum() / len(ordered)), float(np.diff(ordered)[same].max() / spread)


def is_harmful(share: float, gap: float) -> bool:
    """Say whether merging loses anything: more than 0.1 % of the values, and gaps a histogram could show.

    Values of full double precision always share float32s with near neighbours; that is rounding, not loss.
    """
    return share > MERGED and gap > 1e-5


def shift(values: pl.Series, notes: Listener) -> float:
    """Return what to subtract before rounding to float32; 0 where rounding loses nothing."""
    distinct = values.unique().cast(pl.Float64).to_numpy()
    before = merged(distinct, 0.0)
    if not is_harmful(*before):
        return 0.0
    centre = float(np.round(np.median(distinct)))
    after = merged(distinct, centre)
    if after >= before:
        return 0.0
    notes.say(
        "I005",
        values.name,
        f"float32 would merge {before[0]:.1%} of the values of {values.name!r}: {centre:.0f} is subtracted first",
        share=before[0],
        after=after[0],
    )
    return centre


# --------------------------------------------------------------------------------------------------------- times


def parts(values: pl.Series) -> tuple[str, ...]:
    """Return the parts of a time that vary."""
    moments = values.cast(pl.Int64).to_numpy()
    varying = [name for name, part in times.PARTS.items() if len(np.unique(part(moments[:200_000]))) > 1]
    if "dayofyear" in varying and len(np.unique(times.PARTS["year"](moments))) < 2:
        varying.remove("dayofyear")  # within one year it says nothing that month and day do not
    return tuple(varying)


def in_order(raw: pl.Series, column: Column) -> bool:
    """Say whether the rows stand in the order of this time, with enough distinct moments to mean it."""
    moments = typed(raw, Rules.of(column)).series
    return moments.null_count() == 0 and moments.n_unique() >= 20 and moments.is_sorted()
