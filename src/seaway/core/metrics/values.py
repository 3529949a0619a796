"""Figures of one number per case: value (n,), y (n,) truth, w (n,) weights."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.metrics.figure import Figure


def _rmse(value: Array, y: Array, w: Array) -> float:
    return float(np.sqrt(np.average((value - y) ** 2, weights=w)))


def _mae(value: Array, y: Array, w: Array) -> float:
    return float(np.average(np.abs(value - y), weights=w))


def _r2(value: Array, y: Array, w: Array) -> float:
    spread = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
    return float(1 - np.average((value - y) ** 2, weights=w) / spread) if spread > 0 else float("nan")


def _rmsle(value: Array, y: Array, w: Array) -> float:
    if (y < 0).any():
        return float("nan")
    return _rmse(np.log1p(np.maximum(value, 0)), np.log1p(y), w)


FIGURES = (
    Figure(name="rmse", reads="value", greater_is_better=False, function=_rmse, unit="target"),
    Figure(name="mae", reads="value", greater_is_better=False, function=_mae, unit="target"),
    Figure(name="r2", reads="value", greater_is_better=True, function=_r2),
    Figure(name="rmsle", reads="value", greater_is_better=False, function=_rmsle),
)
