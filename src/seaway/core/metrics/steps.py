"""Figures of values ahead: mean (n,) or quantiles (n, L) by line, one line for each step of each case.

y (n,) truth, w (n,) weights; the levels of the quantiles are `core.contract.LEVELS`.
"""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import LEVELS
from seaway.core.metrics.figure import Figure


def _mae(mean: Array, y: Array, w: Array) -> float:
    """Mean absolute error; of values over their scale it is MASE (Hyndman & Koehler 2006)."""
    return float(np.average(np.abs(mean - y), weights=w))


def _smape(mean: Array, y: Array, w: Array) -> float:
    """Symmetric mean absolute percentage error, 0 to 200 (Makridakis et al. 2020, M4); a nought forecast exactly counts 0."""
    size = np.abs(y) + np.abs(mean)
    return float(np.average(200 * np.abs(mean - y) / np.where(size > 0, size, 1.0), weights=w))


def _wape(mean: Array, y: Array, w: Array) -> float:
    """Sum of absolute errors over the sum of absolute truths."""
    total = (w * np.abs(y)).sum()
    return float((w * np.abs(mean - y)).sum() / total) if total > 0 else float("nan")


def _pinball(quantiles: Array, y: Array, w: Array) -> float:
    """Mean pinball loss over the levels (Koenker & Bassett 1978)."""
    level, gap = np.asarray(LEVELS), y[:, None] - quantiles
    return float(np.average(np.maximum(level * gap, (level - 1) * gap).mean(axis=1), weights=w))


def _coverage(quantiles: Array, y: Array, w: Array) -> float:
    """Share of the truths inside the outermost two quantiles."""
    return float(np.average((quantiles[:, 0] <= y) & (y <= quantiles[:, -1]), weights=w))


FIGURES = (
    Figure(name="mase", reads="mean", greater_is_better=False, function=_mae, needs_scale=True),
    Figure(name="smape", reads="mean", greater_is_better=False, function=_smape, unit="%"),
    Figure(name="wape", reads="mean", greater_is_better=False, function=_wape),
    Figure(name="pinball", reads="quantiles", greater_is_better=False, function=_pinball, needs_scale=True),
    Figure(name="coverage", reads="quantiles", greater_is_better=True, function=_coverage),
)
