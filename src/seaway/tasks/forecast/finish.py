"""Quantiles by step from backtests: conformal prediction on residuals that are measured in the model's own spread.

n lines, each one step of one series at one origin: residual r = (truth - location) / spread (n,), step (n,), weight w (n,).
Source: Vovk et al. 2005, Lei et al. 2018 (finite-sample correction); lines of one series and origin move together, so the
correction counts as many lines as they are worth (Kish 1965), and no series weighs more than another (Lee et al. 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Program
from seaway.core.contract import LEVELS, Contract
from seaway.engines.series import finish as engine

FEWEST = 200
"""Residuals that a step's quantiles rest on; where it has fewer of its own, those of the steps around it count too."""

NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


class Finished:
    """The last step as plain values; `name` says which: normal (nothing was fitted) or conformal."""

    def __init__(self, name: str, value: engine.Finish) -> None:
        self.name = name
        self.value = value

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return margin (cases, steps, 2), mean (cases, steps) and quantiles (cases, steps, levels)."""
        return engine.answers(self.value, raw["margin"])

    def export(self) -> Program:
        """Return the same step as a program."""
        return engine.program(self.value)


def fit(oof: Outcomes, contract: Contract, *, calibrate: bool) -> Finished:
    """Return the finish fitted on the backtests, or normal quantiles where there are none or none are wanted."""
    horizon = contract.series.horizon if contract.series else 1
    lines = residuals(oof) if calibrate else None
    if lines is None:
        return Finished("normal", _value(np.tile(NORMAL, (horizon, 1)), contract))
    return Finished("conformal", _value(offsets(lines, horizon), contract))


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What backtests left unexplained, one line per step of a series at an origin; `rows` (n,) are places in the outcomes.

    `group` (n,) is equal for the steps of one series at one origin, `origin` (n,) counts backtests, 0 the newest.
    """

    rows: Array
    r: Array
    step: Array
    w: Array
    group: Array
    origin: Array

    def take(self, index: Array) -> Residuals:
        """Return the lines at `index` (positions or a mask)."""
        return Residuals(
            rows=self.rows[index],
            r=self.r[index],
            step=self.step[index],
            w=self.w[index],
            group=self.group[index],
            origin=self.origin[index],
        )


def residuals(oof: Outcomes) -> Residuals | None:
    """Return the residuals of the lines whose truth is known, or None where there are none."""
    if oof.truth is None or "margin" not in oof.answer or oof.answer["margin"].ndim != 2:
        return None
    location, spread = oof.answer["margin"].T
    known = np.isfinite(oof.truth) & np.isfinite(location) & (spread > 0)
    rows = np.flatnonzero(known if oof.weight is None else known & (oof.weight > 0))
    if not len(rows):
        return None
    origin = origins(oof)[rows]
    _, place, lines = np.unique(oof.case[rows], return_inverse=True, return_counts=True)
    given = np.ones(len(rows)) if oof.weight is None else oof.weight[rows]
    return Residuals(
        rows=rows,
        r=(oof.truth[rows] - location[rows]) / spread[rows],
        step=oof.step[rows],
        w=given / lines[place],
        group=place * (int(origin.max()) + 1) + origin,
        origin=origin,
    )


def origins(outcomes: Outcomes) -> Array:
    """Return which backtest each line belongs to (n,), 0 the newest: lines of one series and step stand oldest first."""
    count = len(outcomes)
    _, place = np.unique(np.column_stack([outcomes.case, outcomes.step]), axis=0, return_inverse=True)
    order = np.lexsort((-np.arange(count), place.ravel()))
    first = np.searchsorted(place.ravel()[order], place.ravel()[order])
    turn = np.empty(count, dtype=np.int64)
    turn[order] = np.arange(count) - first
    return turn


def offsets(lines: Residuals, horizon: int) -> Array:
    """Return the quantiles of r (horizon, levels), each step's from the narrowest window of steps that holds enough."""
    lines = lines.take(np.argsort(lines.r, kind="stable"))
    held = np.bincount(np.clip(lines.step, 1, horizon) - 1, minlength=horizon)
    found = np.empty((horizon, len(LEVELS)))
    for step in range(1, horizon + 1):
        width = _width(held, step)
        window = lines.take(np.abs(lines.step - step) <= width)
        found[step - 1] = _quantiles(window) if len(window.r) else NORMAL
    return found


def crossfitted(oof: Outcomes, horizon: int) -> Array:
    """Return quantiles (n, levels) of lines under offsets fitted on all other origins; NaN where there is no other one."""
    found = np.full((len(oof), len(LEVELS)), np.nan)
    lines = residuals(oof)
    if lines is None or len(np.unique(lines.origin)) < 2:
        return found
    for origin in np.unique(lines.origin):
        mine = lines.take(lines.origin == origin)
        fitted = offsets(lines.take(lines.origin != origin), horizon)[mine.step - 1]
        location, spread = oof.answer["margin"][mine.rows].T
        found[mine.rows] = location[:, None] + spread[:, None] * fitted
    return found


def coverage_by_step(quantiles: Array, outcomes: Outcomes, horizon: int) -> Array:
    """Return the share of truths inside the outermost two quantiles (n, levels), by step (horizon,); NaN where unknown."""
    if outcomes.truth is None:
        return np.full(horizon, np.nan)
    known = np.isfinite(outcomes.truth) & np.isfinite(quantiles).all(axis=1) & (outcomes.step >= 1)
    truth, held, place = outcomes.truth[known], quantiles[known], outcomes.step[known] - 1
    w = np.ones(len(truth)) if outcomes.weight is None else outcomes.weight[known]
    inside = w * ((held[:, 0] <= truth) & (truth <= held[:, -1]))
    total = np.bincount(place, weights=w, minlength=horizon)
    hit = np.bincount(place, weights=inside, minlength=horizon)
    return np.where(total > 0, hit / np.where(total > 0, total, 1.0), np.nan)


def _value(found: Array, contract: Contract) -> engine.Finish:
    low, high = _limits(contract)
    return engine.Finish(format=1, offsets=tuple(tuple(step) for step in found.tolist()), low=low, high=high)


def _limits(contract: Contract) -> tuple[float | None, float | None]:
    """Return what no answer may leave: limits that a person made hard; what has been nought and never less, is never less."""
    target = contract.target
    if target is None or target.range is None:
        return None, None
    if target.hard:
        return float(target.range[0]), float(target.range[1])
    return (0.0 if target.range[0] == 0 else None), None


def _width(held: Array, step: int) -> int:
    """Return how far around a step residuals must be taken so that they are enough."""
    total = np.concatenate([[0], np.cumsum(held)])
    for width in range(len(held)):
        if total[min(step + width, len(held))] - total[max(step - 1 - width, 0)] >= FEWEST:
            return width
    return len(held)


def _quantiles(window: Residuals) -> Array:
    """Return the corrected quantiles of sorted residuals, never inside one another."""
    worth = _worth(window)
    upper = {level: _upper(window.r, window.w, level, worth) for level in {max(q, 1 - q) for q in LEVELS}}
    lower = {level: -_upper(-window.r[::-1], window.w[::-1], level, worth) for level in upper}
    found = []
    for level in LEVELS:
        high, low = upper[max(level, 1 - level)], lower[max(level, 1 - level)]
        found.append((high + low) / 2 if level == 0.5 else high if level > 0.5 else low)
    return np.maximum.accumulate(found)


def _upper(r: Array, w: Array, level: float, worth: float) -> float:
    """Return the smallest r with the share `level` at or below it, a new line counted above all: ceil((n + 1) level)-th of n.

    Where n is too small to tell that far tail, the largest is returned, or the quantile of a normal distribution that is as
    wide as the residuals if that lies further out.
    """
    share = np.cumsum(w) / w.sum() * worth / (worth + 1)
    place = int(np.searchsorted(share, level - 1e-12))
    if place < len(r):
        return float(r[place])
    size = float(np.sqrt(np.average(r**2, weights=w)))
    return max(float(r[-1]), size * NormalDist().inv_cdf(level))


def _worth(window: Residuals) -> float:
    """Return how many independent lines the window is worth: n / (1 + (m - 1) correlation), m lines to a group (Kish 1965)."""
    _, group, sizes = np.unique(window.group, return_inverse=True, return_counts=True)
    lines, groups = len(window.r), len(sizes)
    if groups == lines:
        return float(lines)
    if groups < 2:
        return 1.0
    # Ranks rather than residuals: one wild value would hide how much the others move together.
    rank = np.arange(lines) / lines - 0.5
    mean = np.bincount(group, weights=rank) / sizes
    between = (sizes * (mean - rank.mean()) ** 2).sum() / (groups - 1)
    within = ((rank - mean[group]) ** 2).sum() / (lines - groups)
    size = (lines - (sizes**2).sum() / lines) / (groups - 1)
    shared = np.clip((between - within) / (between + (size - 1) * within), 0.0, 1.0)
    return float(lines / (1 + (size - 1) * shared))
