"""What trees see of a series: one row of numbers for each step ahead of each origin, the same in training and serving.

Notation: n origins, T rows of the window, H steps, m the first season. Everything is relative: values less the seasonal naive
forecast of their step (the level), over the mean absolute seasonal change in the window (the scale). Trees predict
(y - level) / scale, so the forecast follows a series to any height, and one forest serves series of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract
from seaway.engines.series import calendar
from seaway.engines.series.anchors import anchors, average, change, level, spread
from seaway.engines.series.calendar import Part
from seaway.engines.series.window import asked, newest, units

BLOCK = 1 << 21
"""Values of windows looked at together: some tens of megabytes of working memory."""

LEAST = 1e-6
"""Least scale relative to the largest value, for series that repeat themselves to the letter."""

Rows = Annotated[int, msgspec.Meta(ge=1, le=1 << 15)]
Place = Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]


class Design(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back, which seasons (shortest first), which calendar parts, and which columns of the matrix.

    `past` are columns known up to the origin only, `ahead` also for the steps, `fixed` one value for the whole series.
    """

    window: Rows
    seasons: tuple[Rows, ...]
    zone: str
    calendar: tuple[Part, ...]
    past: tuple[Place, ...] = ()
    ahead: tuple[Place, ...] = ()
    fixed: tuple[Place, ...] = ()

    def faults(self, columns: int) -> list[str]:
        """Say what does not hold of a design that came from outside, for a matrix of so many columns."""
        places = (*self.past, *self.ahead, *self.fixed)
        calendar.zone_of(self.zone)
        found = {
            "its seasons are not 1 to 8 different lengths": not 1 <= len(set(self.seasons)) == len(self.seasons) <= 8,
            "a season is longer than the window": max(self.seasons, default=0) > self.window,
            "a calendar part stands twice": len(set(self.calendar)) != len(self.calendar),
            "a column stands twice": len(set(places)) != len(places),
            "it reads a column that is not there": max(places, default=-1) >= columns,
        }
        return [what for what, is_so in found.items() if is_so]


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where forecasts start: the first row of each series, the first row ahead, and how many steps are wanted (n,)."""

    first: Array
    origin: Array
    steps: Array

    @staticmethod
    def of(batch: Batch) -> Origins:
        """Return the origins that a batch asks about, one per case."""
        return Origins(first=batch.starts[:-1], origin=batch.starts[:-1] + batch.seen, steps=batch.steps)

    def take(self, index: Array | slice) -> Origins:
        """Return some of the origins."""
        return Origins(first=self.first[index], origin=self.origin[index], steps=self.steps[index])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Rows for the trees (pairs, features) float32, and where each belongs: origin, step (pairs,), level and scale."""

    x: Array
    place: Array
    step: Array
    level: Array
    scale: Array


def plan(design: Design, batch: Batch, target: str, horizon: int, origins: Origins) -> Plan:
    """Return one row for each wanted step of each origin, origins in order, steps ascending."""
    block = max(1, BLOCK // design.window)
    made = [
        _block(design, batch, target, horizon, origins.take(slice(start, start + block)))
        for start in range(0, max(1, len(origins.origin)), block)
    ]
    wanted = asked(origins.steps, horizon)
    place, step = np.nonzero(wanted)
    return Plan(
        x=np.concatenate([x for x, _, _ in made]),
        place=place,
        step=step + 1,
        level=np.concatenate([level for _, level, _ in made]),
        scale=np.concatenate([scale for _, _, scale in made])[place],
    )


def names(design: Design, horizon: int) -> list[str]:
    """Return the names of the features in order; columns of the matrix as `past.3`, `ahead.0` and `fixed.1`."""
    columns = 1 + max((*design.past, *design.ahead, *design.fixed), default=0)
    none = np.zeros(0, dtype=np.int64)
    empty = Batch(x=np.zeros((0, columns), dtype=np.float32), starts=np.zeros(1, dtype=np.int64), seen=none, time=none)
    window = np.zeros((0, design.window))
    return list(_features(design, empty, horizon, Origins.of(empty), window)[0])


def codes(design: Design, contract: Contract) -> list[str]:
    """Return the features that hold codes of a category."""
    return [
        *(f"ahead.{place}" for place in design.ahead if place in contract.codes),
        *(f"past.{place}" for place in design.past if place in contract.codes),
        *(f"fixed.{place}" for place in design.fixed if place in contract.codes),
    ]


def _block(design: Design, batch: Batch, target: str, horizon: int, origins: Origins) -> tuple[Array, Array, Array]:
    """Return features (pairs, F), level (pairs,) and scale (n,) of some origins."""
    window = newest(batch.arrays[target], origins.first, origins.origin, design.window)
    unit, wanted = units(window), asked(origins.steps, horizon)
    # Infinities pass on to the answer, where they are refused; beyond float32 is as far as a tree can look.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        features, start, scale = _features(design, batch, horizon, origins, window / unit)
        x = np.empty((int(wanted.sum()), len(features)), dtype=np.float32)
        for column, values in enumerate(features.values()):
            x[:, column] = np.broadcast_to(values, wanted.shape)[wanted]
        return x, (start * unit)[wanted], (scale * unit)[:, 0]


def _features(
    design: Design, batch: Batch, horizon: int, origins: Origins, z: Array
) -> tuple[dict[str, Array], Array, Array]:
    """Return the features by name, (n, 1) or (n, H), the level (n, H) and the scale (n, 1), both of z."""
    season, steps, last = design.seasons[0], np.arange(horizon), _last(z)
    found = {length: anchors(z, length, season, steps) for length in design.seasons}
    around = anchors(z, season, season, np.arange(-1, horizon + 1)).newest
    start = np.where(np.isnan(around[:, 1:-1]), last, around[:, 1:-1])
    scale = _scale(z, season)
    near = {"last": last, "before": around[:, :-2], "after": around[:, 2:]}
    for length, one in found.items():
        near |= {f"second.{length}": one.second, f"moved.{length}": one.moved, f"grown.{length}": one.grown}
        if length != season:
            near[f"newest.{length}"] = one.newest
    features = {"step": steps[None, :] + 1.0}
    features |= {name: (values - start) / scale for name, values in near.items()}
    features["profile"] = (start - level(z, season, 0)[:, None]) / scale
    features |= _of_window(design, z, scale)
    features |= _of_backtest(design, z, scale, horizon)
    features |= _of_calendar(design, batch, horizon, origins)
    features |= _of_columns(design, batch, horizon, origins)
    return features, start, scale


def _of_window(design: Design, z: Array, scale: Array) -> dict[str, Array]:
    """Return how the window moves, how much, and how its newest rows differ from a season before (n, 1)."""
    season = design.seasons[0]
    now = level(z, season, 0)
    found = {
        "noise": average(np.abs(change(z, 1)), axis=1),
        "swing": spread(z[:, -season:]),
        "width": spread(z),
        "trend.1": now - level(z, season, season),
        "trend.2": level(z, season, season) - level(z, season, 2 * season),
        "height": now,
        "rest": now - average(z, axis=1),
        "step.1": z[:, -1] - z[:, -2] if z.shape[1] > 1 else np.full(len(z), np.nan),
    }
    for length in design.seasons:
        apart = change(z, length)
        for rows in sorted({1, 3, max(1, season // 4), season}):
            found[f"apart.{length}.{rows}"] = average(apart[:, -rows:], axis=1)
        if length != season:
            found[f"change.{length}"] = average(np.abs(apart), axis=1)
    return {name: values[:, None] / scale for name, values in found.items()}


def _of_backtest(design: Design, z: Array, scale: Array, horizon: int) -> dict[str, Array]:
    """Return what each forecast would have missed by from whole seasons ago (n, H), and by how much on average (n, 1)."""
    season, steps = design.seasons[0], np.arange(horizon)
    back = season * -(-horizon // season)
    if z.shape[1] < back + 2 * season:
        return {}
    then, truth = z[:, :-back], z[:, z.shape[1] - back :][:, :horizon]
    features: dict[str, Array] = {}
    for length in design.seasons:
        one = anchors(then, length, season, steps)
        for name, values in (("newest", one.newest), ("moved", one.moved), ("grown", one.grown)):
            missed = (truth - values) / scale
            features[f"missed.{name}.{length}"] = missed
            features[f"error.{name}.{length}"] = average(np.abs(missed), axis=1)[:, None]
    return features


def _of_calendar(design: Design, batch: Batch, horizon: int, origins: Origins) -> dict[str, Array]:
    """Return the calendar of each step (n, H)."""
    if batch.time is None or not design.calendar:
        return {}
    rows = _rows_ahead(batch, horizon, origins)
    found = calendar.parts(_at(batch.time, rows), calendar.zone_of(design.zone), design.calendar)
    return {part: values.astype(np.float64) for part, values in found.items()}


def _of_columns(design: Design, batch: Batch, horizon: int, origins: Origins) -> dict[str, Array]:
    """Return the columns of the matrix: at the steps, beside the season before, and as last known."""
    season = design.seasons[0]
    features: dict[str, Array] = {}
    rows, back = _rows_ahead(batch, horizon, origins), np.arange(horizon) % season
    for place in design.ahead:
        value = _at(batch.x[:, place], rows).astype(np.float64)
        window = newest(batch.x[:, place], origins.first, origins.origin, min(season, design.window))
        features[f"ahead.{place}"] = value
        features[f"ahead.{place}.change"] = value - window[:, np.minimum(back, window.shape[1] - 1)]
    for place in design.past:
        window = newest(batch.x[:, place], origins.first, origins.origin, design.window)
        value = _last(window)
        features[f"past.{place}"] = value
        features[f"past.{place}.change"] = value - average(window[:, -season:], axis=1)[:, None]
    for place in design.fixed:
        features[f"fixed.{place}"] = _last(newest(batch.x[:, place], origins.first, origins.origin, design.window))
    return features


def _rows_ahead(batch: Batch, horizon: int, origins: Origins) -> Array:
    """Return the row of each step (n, H); steps that are not wanted stand on the last that is."""
    step = np.minimum(np.arange(horizon), np.maximum(origins.steps - 1, 0)[:, None])
    return np.asarray(origins.origin[:, None] + step)


def _at(values: Array, rows: Array) -> Array:
    """Return the values of rows; rows behind the end are those of cases without a step."""
    return values[np.minimum(rows, len(values) - 1)] if len(values) else np.zeros(rows.shape, dtype=values.dtype)


def _last(z: Array) -> Array:
    """Return the newest known value of each window (n, 1)."""
    age = np.argmax(~np.isnan(z)[:, ::-1], axis=1)
    return np.take_along_axis(z, (z.shape[1] - 1 - age)[:, None], axis=1)


def _scale(z: Array, season: int) -> Array:
    """Return the mean absolute change over a season, else from row to row, else the mean size (n, 1), never zero."""
    scale = np.full(len(z), np.nan)
    for values in (change(z, season), change(z, 1), z):
        size = average(np.abs(values), axis=1)
        scale = np.where(scale > 0, scale, size)
    return np.where(scale > LEAST, scale, LEAST)[:, None]
