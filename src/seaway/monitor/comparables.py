"""What series show that can be held against training: one value for each series and stretch of moments.

Levels and seasons move by themselves, so values are compared in the form of `data.comparable`; neighbouring moments of a series say
nearly the same, so one of a stretch stands for it, and a window tells no more than it has stretches. Features of series follow the
calendar, or trends of their own, which is no drift: what they do to the answers is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, join
from seaway.core.contract import Contract
from seaway.data import comparable
from seaway.data.encode.clock import Clock, time_of
from seaway.data.encode.series import scales
from seaway.monitor import decode, judged
from seaway.monitor.answered import Entry, Record
from seaway.monitor.decode import Values
from seaway.monitor.index import subject
from seaway.monitor.window import Case, Window


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What `count` cases that stand for the window show, by name.

    `columns` are features as they came (of series those of the newest history row), `moving` the columns whose distribution is
    compared with training, `answers` likewise (of series at one step each).
    """

    count: int = 0
    columns: Mapping[str, Values] = field(default_factory=dict)
    moving: Mapping[str, Values] = field(default_factory=dict)
    answers: Mapping[str, Array] = field(default_factory=dict)


def shown(window: Window, contract: Contract) -> Shown:
    """Return what a window shows: each row and answer of a table, and of series one case for each stretch."""
    if contract.series is not None:
        return _of_series(window.entries, contract)
    columns = decode.frame(window.rows, contract)
    answers = decode.answer_columns(decode.answers(window.predictions, contract), contract)
    return Shown(count=window.cases, columns=columns, moving=columns, answers=answers)


def _of_series(entries: Sequence[Entry], contract: Contract) -> Shown:
    """Asked twice about the same moment, a series shows it once."""
    encoder = encoder_of(contract)
    found: dict[tuple[str, int], tuple[Entry, Batch]] = {}
    for entry in entries:
        batch = judged.batch_of(entry.rows, entry.options, encoder)
        if batch is not None and batch.time is not None:
            found.setdefault((subject(entry.ids), int(batch.time[batch.seen[0] - 1])), (entry, batch))
    kept = [found[key] for key in _of_stretches(sorted(found), stretch(contract))]
    if not kept:
        return Shown()
    batch = join([one for _, one in kept])
    return Shown(
        count=len(kept),
        columns=decode.frame([_newest(entry.rows, contract) for entry, _ in kept], contract),
        moving=_target(batch, contract),
        answers=_answers([entry for entry, _ in kept], batch, contract),
    )


def truths(cases: Sequence[Case], contract: Contract) -> Array:
    """Return what came true (n,), compared with the value a season before: one truth for each stretch of a series.

    A truth counts at a step of which the value a season before was known when it was asked about.
    """
    series, encoder = contract.series, encoder_of(contract)
    near = [case for case in cases if series is not None and 0 < case.step <= series.season and case.rows]
    once = {(case.subject, case.number): case for case in near}
    found = []
    for key in _of_stretches(sorted(once), stretch(contract)):
        case = once[key]
        batch = judged.batch_of(case.rows, case.options, encoder)
        if batch is not None:
            told = np.full((1, int(batch.steps[0])), np.nan)
            told[0, case.step - 1] = decode.truths([case.value], contract)[0]
            name = next(output.name for output in contract.outputs if output.axes == ("step",))
            found.append(comparable.answers(contract, batch, {name: told})[name][case.step - 1])
    values = np.array(found, dtype=np.float64)
    return values[np.isfinite(values)]


def stretch(contract: Contract) -> int:
    """Return how many moments of a series tell one thing: a season, or what one forecast covers, if that is longer."""
    return max(contract.series.season, contract.series.horizon) if contract.series else 1


def _of_stretches(keys: Sequence[tuple[str, int]], length: int) -> list[tuple[str, int]]:
    """Return the newest key (series, moment) of each `length` keys of a series, of keys in order."""
    by_series: dict[str, list[tuple[str, int]]] = {}
    for key in keys:
        by_series.setdefault(key[0], []).append(key)
    return [key for held in by_series.values() for key in held[::-length]]


def _newest(rows: Sequence[Record], contract: Contract) -> Record:
    """Return the newest row of history."""
    clock, time, target = Clock(contract), time_of(contract).name, contract.having("target")[0].name
    return max((row for row in rows if row.get(target) is not None), key=lambda row: clock.read(row[time])[0])


def _target(batch: Batch, contract: Contract) -> dict[str, Values]:
    """Return how far the newest known value of each case lies from the one a season before it, over the series' own scale."""
    (target,), series = contract.having("target"), contract.series
    if series is None:
        return {}
    last = batch.starts[:-1] + batch.seen - 1
    before = np.maximum(last - series.season, 0)
    known = batch.seen > series.season
    y, scale = batch.arrays[target.name], scales(batch, contract)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(known & (scale > 0), (y[last] - y[before]) / scale, np.nan)
    return {target.name: Values(column=target, values=values, missing=np.isnan(values))}


def _answers(entries: Sequence[Entry], batch: Batch, contract: Contract) -> dict[str, Array]:
    """Return answers at one step of each case, in turn: together they show every step, and no case counts twice."""
    found = comparable.answers(contract, batch, decode.answers([entry.prediction for entry in entries], contract))
    ends = np.cumsum(batch.steps)
    place = ends - batch.steps + np.arange(batch.cases) % np.maximum(batch.steps, 1)
    columns: dict[str, Array] = {}
    for output in contract.outputs:
        if output.name in found:
            values = found[output.name][place]
            levels = zip(output.labels, values.T, strict=True) if values.ndim == 2 else ()
            columns |= {f"{output.name}.{label}": level for label, level in levels} or {output.name: values}
    return {name: values[np.isfinite(values)] for name, values in columns.items()}
