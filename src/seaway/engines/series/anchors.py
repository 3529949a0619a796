"""Forecasts by one season of a window, for all its steps at once; missing values are left out of every mean.

z (n, T) windows, newest last, NaN where nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array

CYCLES = 3
"""Newest seasons that a mean is taken over."""

MOST_GROWTH = 8.0
"""Largest ratio of a value to the level before it that is carried on; beyond it the series has broken."""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """By step (n, steps): the newest value of the phase, the one a season before, and the newest level plus or times what
    the newest seasons held beside the levels before them.
    """

    newest: Array
    second: Array
    moved: Array
    grown: Array


def anchors(z: Array, season: int, span: int, steps: Array) -> Anchors:
    """Forecast `steps` (counted from 0) by one season; a level is the mean of `span` rows up to a season's first."""
    phases = _phases(z, season)
    newest = phases[:, : -CYCLES - 1 : -1]
    now = level(z, span, 0)[:, None]
    before = np.stack([level(z, span, back * season) for back in range(1, newest.shape[1] + 1)], axis=1)[:, :, None]
    moved = now + average(newest - before, axis=1)
    ratio = np.clip(newest / np.where(before > 0, before, np.nan), 0.0, MOST_GROWTH)
    grown = now * average(ratio, axis=1)
    second = newest[:, 1] if newest.shape[1] > 1 else np.full_like(moved, np.nan)
    place = steps % season
    return Anchors(
        newest=_latest(phases)[:, place],
        second=second[:, place],
        moved=moved[:, place],
        grown=np.where((now > 0) & ~np.isnan(grown), grown, moved)[:, place],
    )


def average(values: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the mean of the known values, NaN where there is none."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def change(z: Array, lag: int) -> Array:
    """Return each value less the one `lag` rows before it (n, T - lag); (n, 1) of NaN where the window is too short."""
    return z[:, lag:] - z[:, :-lag] if z.shape[1] > lag else np.full((len(z), 1), np.nan)


def spread(z: Array) -> Array:
    """Return the standard deviation of the known values (n,)."""
    return np.asarray(np.sqrt(average((z - average(z, axis=1)[:, None]) ** 2, axis=1)))


def level(z: Array, span: int, back: int) -> Array:
    """Return the mean of the `span` rows that end `back` rows before the origin (n,)."""
    end = z.shape[1] - back
    return average(z[:, max(0, end - span) : end], axis=1) if end > 0 else np.full(len(z), np.nan)


def _phases(z: Array, season: int) -> Array:
    short = -z.shape[1] % season
    return np.pad(z, ((0, 0), (short, 0)), constant_values=np.nan).reshape(
        len(z), (z.shape[1] + short) // season, season
    )


def _latest(phases: Array) -> Array:
    """Return the newest known value of each phase (n, season)."""
    age = np.argmax(~np.isnan(phases)[:, ::-1], axis=1)
    return np.take_along_axis(phases, (phases.shape[1] - 1 - age)[:, None], axis=1)[:, 0]
