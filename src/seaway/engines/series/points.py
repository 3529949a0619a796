"""Forecasts that need no training: the last value, the last season, the line from the first value to the last.

Notation: T newest known rows, m season, h step ahead. Location and spread follow Hyndman & Athanasopoulos, Forecasting:
Principles and Practice (3rd ed.), sections 5.2 and 5.5: the spread is the standard deviation of the method's own errors one
step ahead in the history, carried h steps ahead. Missing values: an error over g periods counts as g of one period, and a
value that is a periods old is forecast h + a periods ahead.
"""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.engines.series.window import units

FLOOR = 1e-6
"""Least spread, relative to the largest value: a series that never moved may still move tomorrow."""


def seasonal_naive(history: Array, season: int, horizon: int) -> Array:
    """Repeat the newest known value of each phase of the season: (n, T) -> location and spread (n, horizon, 2).

    A phase without a known value is answered by the last known value of all. Season 1 is the naive forecast.
    """
    unit = units(history)
    phases = _phases(history / unit, season)
    value, age, variance = _last(phases)
    whole, behind, simple = _last(_phases(history / unit, 1))
    ahead, phase = np.divmod(np.arange(horizon), season)
    location, periods = value[:, phase], ahead + 1 + age[:, phase]
    spread = np.sqrt(np.where(np.isnan(variance), simple, variance)[:, None] * periods)
    alone = np.isnan(location)
    location = np.where(alone, whole, location)
    spread = np.where(alone, np.sqrt(simple[:, None] * (np.arange(horizon) + 1 + behind)), spread)
    return _margin(location, spread, whole, unit)


def drift(history: Array, horizon: int) -> Array:
    """Carry on the line from the first known value to the last: (n, T) -> location and spread (n, horizon, 2)."""
    unit = units(history)
    steps = np.arange(horizon) + 1.0
    z = history / unit
    known = ~np.isnan(z)
    last, age, _ = _last(_phases(z, 1))
    start = np.argmax(known, axis=1)[:, None]
    span = (z.shape[1] - 1 - age) - start
    first = np.take_along_axis(z, start, axis=1)
    slope = np.where(span > 0, (last - first) / np.maximum(span, 1), 0.0)
    change, gap = _changes(z[:, :, None])
    errors = (change - slope[:, None] * gap) ** 2 / gap
    count = (~np.isnan(errors)).sum(axis=(1, 2))
    variance = np.where(count > 1, np.nansum(errors, axis=(1, 2)) / np.maximum(count - 1, 1), np.nan)[:, None]
    ahead = steps + age
    spread = np.sqrt(variance * ahead * (1 + ahead / np.maximum(span, 1)))
    return _margin(last + slope * ahead, spread, last, unit)


def _phases(z: Array, season: int) -> Array:
    """Lay histories (n, T) out by season, newest last, missing values in front: (n, seasons, season)."""
    short = -z.shape[1] % season
    return np.pad(z, ((0, 0), (short, 0)), constant_values=np.nan).reshape(
        len(z), (z.shape[1] + short) // season, season
    )


def _last(phases: Array) -> tuple[Array, Array, Array]:
    """Return the newest known value of each phase and its age in seasons (n, season), and the variance per season (n,)."""
    known = ~np.isnan(phases)
    age = np.argmax(known[:, ::-1], axis=1)
    value = np.take_along_axis(phases, (phases.shape[1] - 1 - age)[:, None], axis=1)[:, 0]
    change, gap = _changes(phases)
    count = (~np.isnan(change)).sum(axis=(1, 2))
    variance = np.where(count > 0, np.nansum(change**2 / gap, axis=(1, 2)) / np.maximum(count, 1), np.nan)
    return value, age, variance


def _changes(phases: Array) -> tuple[Array, Array]:
    """Return each known value less the one known before it in its phase, and the seasons between; NaN and 1 elsewhere."""
    known = ~np.isnan(phases)
    place = np.arange(phases.shape[1])[None, :, None]
    newest = np.maximum.accumulate(np.where(known, place, -1), axis=1)
    before = np.concatenate([np.full_like(newest[:, :1], -1), newest[:, :-1]], axis=1)
    paired = known & (before >= 0)
    change = phases - np.take_along_axis(phases, np.maximum(before, 0), axis=1)
    return np.where(paired, change, np.nan), np.where(paired, place - before, 1)


def _margin(location: Array, spread: Array, last: Array, unit: Array) -> Array:
    """Put location and spread side by side in the series' own unit.

    Where a history holds no error to learn from, the spread is as large as the last value, or 1 beside a zero.
    """
    with np.errstate(over="ignore"):  # an infinite answer is refused by whoever reads it
        unknown = np.where(last == 0, 1.0, np.abs(last) * unit)
        wide = np.where(np.isnan(spread), unknown, np.maximum(spread, FLOOR) * unit)
        return np.stack([location * unit, wide], axis=-1)
