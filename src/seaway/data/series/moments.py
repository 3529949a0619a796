"""The times of series as a column of instants: the rules of `encode.clock` over a file's texts or a frame's times."""

from __future__ import annotations

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.data.cast import Typed, distinct, repaired, typed
from seaway.data.encode import cases
from seaway.data.encode.clock import Clock
from seaway.data.encode.rules import Rules
from seaway.data.rows import Table


def typed_times(raw: pl.DataFrame, column: Column, contract: Contract) -> Typed:
    """Type the time of series. Where their zone is another than UTC it is of instants that know the zone.

    Typing what is typed already changes nothing. A row without a time stands nowhere, so a missing one is broken.
    """
    clock, rules = Clock(contract), Rules.of(column)
    series = raw.get_column(column.name)
    if series.dtype.is_integer() and column.format:
        series = series.cast(pl.String)
    found = _civil(series, rules) if clock.frequency.is_civil else typed(series, rules)
    if clock.zone is not None:
        found = _zoned(series, rules, clock, contract, raw)
    empty = found.series.is_null().to_numpy() & ~_any(found.broken, len(series))
    return Typed(series=found.series, broken=found.broken | ({"null": empty} if empty.any() else {}), soft=found.soft)


def _civil(series: pl.Series, rules: Rules) -> Typed:
    """Type dates as they stand, whatever offset is written beside them."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        series = series.dt.replace_time_zone(None)
    elif kind == pl.String and not rules.column.format:
        series = series.str.replace(r"([Zz]|[+-]\d{2}:?\d{2}(:\d{2})?)$", "")
    return typed(series, rules)


def _zoned(series: pl.Series, rules: Rules, clock: Clock, contract: Contract, raw: pl.DataFrame) -> Typed:
    """Type instants: those with an offset as they are, wall times by the clocks of the zone in the order of the rows."""
    assert clock.zone is not None  # the caller has looked
    kind = series.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return Typed(series=_in_zone(series.cast(pl.Datetime("ns")).dt.timestamp("ns"), clock.zone.name))
    if kind == pl.String:
        texts, _ = repaired(series, rules)
        read = {text: clock.moment(text) for text in texts.unique().drop_nulls().to_list()}
        moment = distinct(texts, lambda text: (read[text] or (None, False))[0], pl.Int64())
        is_instant = distinct(texts, lambda text: (read[text] or (None, False))[1], pl.Boolean()).fill_null(True)
        wrong = {"time": (texts.is_not_null() & moment.is_null()).to_numpy()}
    else:
        plain = typed(series, rules)
        moment, wrong = plain.series.cast(pl.Datetime("ns")).dt.timestamp("ns"), dict(plain.broken)
        is_instant = pl.Series([False] * len(series))
    case, _ = cases.of_rows(Table(raw), [column.name for column in contract.having("id")])
    known = moment.is_not_null().to_numpy()
    instants, never = np.zeros(len(raw), dtype=np.int64), np.zeros(len(raw), dtype=bool)
    given = moment.drop_nulls().to_numpy(), is_instant.to_numpy()[known], case[known]
    instants[known], never[known] = clock.instants(*given)
    held = pl.Series(series.name, instants).set(pl.Series(never | ~known), None)
    wrong["zone"] = never
    return Typed(
        series=_in_zone(held, clock.zone.name), broken={rule: where for rule, where in wrong.items() if where.any()}
    )


def _in_zone(moments: pl.Series, zone: str) -> pl.Series:
    return moments.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _any(masks: dict[str, Array], rows: int) -> Array:
    return np.asarray(np.any([np.zeros(rows, dtype=bool), *masks.values()], axis=0))
