"""Numbers that can be compared over time: levels and seasons of series move by themselves, so raw values would cry wolf.

What is about rows is comparable as it stands; of series each value becomes its distance from the value one season before, in
units of what a seasonal naive forecast is wrong by.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.core.sheet import is_stepped
from seaway.data.encode import cases, laying
from seaway.data.encode.clock import Clock
from seaway.data.encode.scale import of_history, scales
from seaway.data.rows import Table


def answers(contract: Contract, batch: Batch, answers: Mapping[str, Array]) -> dict[str, Array]:
    """Return answers (n, ...) by output name: of series one line per asked step, seasonal change over the series' scale.

    The level that a step is held against is the newest known value of its phase in the history; NaN where none is known.
    """
    target, shape = contract.target, contract.series
    if shape is None or target is None:
        return dict(answers)
    steps = batch.steps
    case = np.repeat(np.arange(batch.cases), steps)
    step = np.arange(int(steps.sum())) - np.repeat(np.cumsum(steps) - steps, steps)
    level = _levels(batch, batch.arrays[target.name], shape.season, steps)[case, step]
    scale = scales(batch, contract)[case]
    found: dict[str, Array] = {}
    for name, values in answers.items():
        if not is_stepped(name, contract):
            found[name] = values
            continue
        laid = np.asarray(values[case, step], dtype=np.float64)
        shaped = (-1, *[1] * (laid.ndim - 1))
        found[name] = _over(laid - level.reshape(shaped), scale.reshape(shaped))
    return found


def rows(contract: Contract, rows: Rows) -> Rows:
    """Return rows whose target is its seasonal change over the scale of its series; unchanged without series.

    A change is missing where no value is known one season before.
    """
    target, shape = contract.target, contract.series
    if shape is None or target is None or target.name not in rows.names or not len(rows):
        return rows
    clock = Clock(contract)
    case, ids = cases.of_rows(rows, [column.name for column in contract.having("id")])
    times, timeless = rows.column(clock.column.name)
    values, missing = rows.column(target.name)
    y = np.where(missing | timeless, np.nan, values.astype(np.float64))
    moment = times.astype("datetime64[ns]").astype(np.int64)
    placed = laying.place(case, moment, ~np.isnan(y), clock.frequency, len(ids))
    change = np.full(len(y), np.nan)
    own = y[placed.row]
    for start, end in zip(placed.starts[:-1].tolist(), placed.starts[1:].tolist(), strict=True):
        place = placed.place[start:end]
        if place[-1] >= max(laying.ALWAYS, laying.SPARSE * len(place)):
            continue  # nearly all gaps: nothing stands a season before anything
        value = np.full(place[-1] + 1 + shape.season, np.nan)
        value[place + shape.season] = own[start:end]
        scale = of_history(value[shape.season :], np.array([0]), np.array([place[-1] + 1]), shape.season)
        change[placed.row[start:end]] = _over(own[start:end] - value[place], scale)
    table = rows if isinstance(rows, Table) else Table(pl.DataFrame(rows.records(), infer_schema_length=None))
    series = pl.Series(target.name, change).fill_nan(None)
    return Table(table.frame.with_columns(series), table.formats)


def _levels(batch: Batch, known: Array, season: int, steps: Array) -> Array:
    """Return the newest known value of each step's phase (cases, most steps), NaN where the history holds none."""
    most = int(steps.max(initial=0))
    found = np.full((batch.cases, most), np.nan)
    for case, (start, seen) in enumerate(zip(batch.starts[:-1].tolist(), batch.seen.tolist(), strict=True)):
        history = known[start : start + seen]
        phases = np.pad(history, (-seen % season, 0), constant_values=np.nan).reshape(-1, season)
        held = ~np.isnan(phases)
        newest = len(phases) - 1 - np.argmax(held[::-1], axis=0)
        last = np.where(held.any(axis=0), phases[newest, np.arange(season)], np.nan)
        found[case] = np.resize(last, most)
    return found


def _over(change: Array, scale: Array) -> Array:
    """Divide by the scale; a series that is known for nothing has none, one that is 0 throughout changes by 0."""
    empty = np.full(np.broadcast_shapes(change.shape, scale.shape), np.nan)
    return np.asarray(np.divide(change, scale, out=empty, where=scale > 0))
