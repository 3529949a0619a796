"""One column from a file or frame to its contract's type: repaired, with masks of what is broken or soft-broken.

These are the rules of `encode.cell` over a whole column. Texts are dealt with once per distinct text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.data.encode import times
from seaway.data.encode.cell import number_of
from seaway.data.encode.rules import EXACT, LARGEST, Rules
from seaway.data.facts import plain_numbers
from seaway.data.rows import TIMES

FEW = 1_000
"""Distinct texts that are looked at one by one."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A typed column; masks (rows,) by rule."""

    series: pl.Series
    broken: dict[str, Array] = field(default_factory=dict)
    soft: dict[str, Array] = field(default_factory=dict)


def typed(raw: pl.Series, rules: Rules) -> Typed:
    """Type and repair one column."""
    kind = rules.column.kind
    blank = np.zeros(len(raw), dtype=bool)
    if raw.dtype == pl.String:
        raw, blank = repaired(raw, rules)
    if kind in ("number", "integer"):
        values, wrong = _numbers(raw, rules)
    elif kind == "boolean":
        values, wrong = _booleans(raw)
    elif kind == "time":
        values, wrong = _times(raw, rules.column.format)
    else:
        values, wrong = _texts(raw, rules)
    broken: dict[str, Array] = dict(wrong)
    soft: dict[str, Array] = {"blank": blank}
    if kind in ("number", "integer"):
        values = _limited(values, rules, broken, soft)
    elif kind == "category" and rules.column.role == "feature":
        _held_to_categories(values, rules, broken, soft)
    if rules.column.null == "error":
        broken["null"] = raw.is_null().to_numpy()
    if rules.column.role not in ("feature", "target", "time", "group", "weight"):
        broken = {}  # what is kept but neither learnt from nor predicted refuses no row
    return Typed(
        series=values,
        broken={rule: where for rule, where in broken.items() if where.any()},
        soft={rule: where for rule, where in soft.items() if where.any()},
    )


def distinct(raw: pl.Series, function: Callable[[str], Any], dtype: Any) -> pl.Series:
    """Apply a function of one text to a column, once per distinct text."""
    texts = raw.unique().drop_nulls()
    made = pl.Series([function(text) for text in texts.to_list()], dtype=dtype)
    return raw.replace_strict(texts, made, default=None, return_dtype=dtype)


def few(raw: pl.Series) -> list[str] | None:
    """Return the distinct texts of a column where there are few of them, so that looking at those saves looking at all."""
    texts = raw.unique().drop_nulls()
    return texts.to_list() if len(texts) <= FEW else None


def repaired(raw: pl.Series, rules: Rules) -> tuple[pl.Series, Array]:
    """Trim, map, blank; returns the texts and the mask of those that mean "missing"."""
    if not rules.mapping and not rules.trim:
        if not any(text.strip() in rules.blank for text in few(raw) or ("",)):
            return raw, np.zeros(len(raw), dtype=bool)
        blank = raw.str.strip_chars().is_in(list(rules.blank)).fill_null(False)
        return raw.set(blank, None), blank.to_numpy()
    made = distinct(raw, rules.text, pl.String())
    return made, (made.is_null() & raw.is_not_null()).to_numpy()


def _numbers(raw: pl.Series, rules: Rules) -> tuple[pl.Series, dict[str, Array]]:
    integer = rules.column.kind == "integer"
    kind = raw.dtype
    if kind == pl.String:
        texts = raw.str.strip_chars()
        if rules.column.format:
            texts = plain_numbers(texts, rules.column.format)
        numbers = texts.cast(pl.Float64, strict=False)
        odd = texts.is_not_null() & numbers.is_null()
        if odd.any():  # Python knows spellings that polars does not; what neither reads is no number
            rescued = distinct(texts.filter(odd), lambda text: number_of(text, integer=False), pl.Float64())
            numbers = numbers.scatter(odd.arg_true(), rescued)
    elif kind.is_numeric():
        numbers = raw.cast(pl.Float64).fill_nan(None)
    else:
        return pl.Series(raw.name, [None] * len(raw), dtype=pl.Float64), {"type": raw.is_not_null().to_numpy()}
    values = numbers.fill_null(np.nan).to_numpy()
    given = raw.is_not_null().to_numpy() if not kind.is_float() else ~np.isnan(values)
    infinite = np.isinf(values) | (given & (np.abs(values) > LARGEST))
    wrong = {"type": given & np.isnan(values), "finite": infinite}
    if integer:
        fractional = given & np.isfinite(values) & (values != np.floor(values))
        wrong["type"] = wrong["type"] | fractional
        wrong["exact"] = given & ~infinite & (np.abs(values) > EXACT)
    return numbers.rename(raw.name), wrong


def _limited(numbers: pl.Series, rules: Rules, broken: dict[str, Array], soft: dict[str, Array]) -> pl.Series:
    if np.isfinite(rules.low) or np.isfinite(rules.high):
        numbers = numbers.clip(rules.low, rules.high)
    values = numbers.fill_null(np.nan).to_numpy()
    bad = np.zeros(len(values), dtype=bool)
    for where in broken.values():
        bad |= where
    good = ~bad & ~np.isnan(values)
    limits = rules.column.range
    if limits is not None:
        outside = good & ~((limits[0] <= values) & (values <= limits[1]))
        (broken if rules.outside == "error" else soft)["range" if rules.outside == "error" else "outside"] = outside
    if rules.column.shift:
        broken["finite"] = broken.get("finite", bad) | (good & ~(np.abs(values - rules.column.shift) <= LARGEST))
    if rules.column.kind == "integer":
        held = pl.Series(np.where(good, values, 0.0).astype(np.int64))
        return held.set(pl.Series(~good), None).rename(numbers.name)
    return numbers.set(pl.Series(~good), None)


def _booleans(raw: pl.Series) -> tuple[pl.Series, dict[str, Array]]:
    if raw.dtype == pl.Boolean:
        return raw, {}
    if raw.dtype == pl.String:
        words = {"true": True, "false": False}
        values = distinct(raw, lambda text: words.get(text.strip().lower()), pl.Boolean())
        return values, {"type": (raw.is_not_null() & values.is_null()).to_numpy()}
    return pl.Series(raw.name, [None] * len(raw), dtype=pl.Boolean), {"type": raw.is_not_null().to_numpy()}


def _times(raw: pl.Series, form: str) -> tuple[pl.Series, dict[str, Array]]:
    if raw.dtype in TIMES:
        earliest, latest = times.EARLIEST, times.LATEST
        inside = ((raw.cast(pl.Datetime("us")) >= earliest) & (raw.cast(pl.Datetime("us")) < latest)).fill_null(True)
        held = raw.set(~inside, None).cast(pl.Datetime("us")).cast(pl.Datetime("ns"))
        return held, {"time": (~inside).to_numpy()}
    if raw.dtype == pl.String:
        moments = distinct(raw, times.parser(form), pl.Int64())
        return moments.cast(pl.Datetime("ns")), {"time": (raw.is_not_null() & moments.is_null()).to_numpy()}
    return pl.Series(raw.name, [None] * len(raw), dtype=pl.Datetime("ns")), {"type": raw.is_not_null().to_numpy()}


def _texts(raw: pl.Series, rules: Rules) -> tuple[pl.Series, dict[str, Array]]:
    """Categories and texts: whole numbers count as their decimal text, as they do in a request."""
    if raw.dtype == pl.String:
        return raw, {}
    made = raw
    if raw.dtype.is_float():
        whole = (raw == raw.floor()).fill_null(True) & raw.is_not_nan().fill_null(True)
        if whole.all():
            made = raw.cast(pl.Int64)
    if raw.dtype in TIMES:
        moments = raw.cast(pl.Datetime("ns")).dt.timestamp("ns").to_list()
        made = pl.Series(raw.name, [None if m is None else times.text(m, "") for m in moments], dtype=pl.String)
    return made.cast(pl.String), {}


def _held_to_categories(values: pl.Series, rules: Rules, broken: dict[str, Array], soft: dict[str, Array]) -> None:
    texts = few(values)
    if texts is not None and rules.codes.keys() >= set(texts):
        return
    unseen = (values.is_not_null() & ~values.is_in(list(rules.codes))).fill_null(False).to_numpy()
    if rules.unseen == "error":
        broken["category"] = unseen
    else:
        soft["unseen"] = unseen
