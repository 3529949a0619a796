"""Generalised linear models with an elastic net penalty, fitted by L-BFGS-B.

Minimises  sum_i w_i loss(y_i, m_i) / sum_i w_i + strength * (ratio |W|_1 + (1 - ratio) / 2 |W|_2^2)  over coefficients
W (P, T) and intercepts b (T,), with margins m = X W + b; intercepts are not penalised. Loss: half the squared error,
the logistic or the softmax loss. An L1 term is made smooth by W = U - V with U, V >= 0 (Andrew & Gao 2007, section 2),
so one solver (Zhu et al. 1997, from scipy) does them all, exactly to its tolerance, and can be stopped at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.sparse import csr_array

from seaway.core.batch import Array
from seaway.core.chance import monotonic
from seaway.tasks.tabular.start import Problem

ITERATIONS = 2000
GRADIENT = 1e-6
"""Largest projected gradient at which the fit counts as done; columns and targets are of unit size."""

Loss = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """X = [dense (rows, d) | one-hot (rows, h)], kept apart because one-hot columns are nearly all zeros."""

    dense: Array
    onehot: csr_array

    @property
    def width(self) -> int:
        """Number of columns P."""
        return int(self.dense.shape[1] + self.onehot.shape[1])

    def times(self, coefficients: Array) -> Array:
        """Return X W (rows, T)."""
        d = self.dense.shape[1]
        return np.asarray(self.dense @ coefficients[:d] + self.onehot @ coefficients[d:])

    def transposed_times(self, residuals: Array) -> Array:
        """Return X' R (P, T)."""
        return np.concatenate([self.dense.T @ residuals, self.onehot.T @ residuals])


def fit(
    matrix: Matrix,
    loss: Loss,
    intercept: Array,
    *,
    free: Array,
    strength: float,
    ratio: float,
    until: float,
) -> tuple[Array, Array]:
    """Return (W, b). Targets that are not `free` (T,) keep their intercept and have no coefficients."""
    width, count = matrix.width, len(intercept)
    parts = 2 if ratio > 0 else 1

    def objective(theta: Array) -> tuple[float, Array]:
        w, b = _unpacked(theta, width, count, parts)
        value, residuals = loss(matrix.times(w) + b)
        smooth = matrix.transposed_times(residuals) + strength * (1 - ratio) * w
        value += strength * (1 - ratio) / 2 * float((w * w).sum())
        if parts == 1:
            return value, np.concatenate([residuals.sum(axis=0), smooth.ravel()])
        value += strength * ratio * float(theta[count:].sum())
        push = strength * ratio
        return value, np.concatenate([residuals.sum(axis=0), (push + smooth).ravel(), (push - smooth).ravel()])

    def stop(xk: Any) -> None:
        if monotonic() >= until:
            raise StopIteration

    theta = np.concatenate([intercept, np.zeros(parts * width * count)])
    found = minimize(
        objective,
        theta,
        jac=True,
        method="L-BFGS-B",
        bounds=_bounds(intercept, free, width, parts),
        callback=stop,
        options={"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "gtol": GRADIENT, "ftol": 1e-11, "maxcor": 20},
    )
    return _unpacked(np.asarray(found.x), width, count, parts)


def loss_of(problem: Problem, y: Array, weight: Array) -> Loss:
    """Return margins (rows, T) -> (mean loss, its gradient by margin (rows, T))."""
    share = (weight / weight.sum())[:, None]
    if problem == "regression":
        values = y[:, None]

        def squared(margin: Array) -> tuple[float, Array]:
            gap = margin - values
            return float((share * gap * gap).sum()) / 2, share * gap

        return squared
    if problem == "binary":
        sign = 2 * y[:, None] - 1

        def logistic(margin: Array) -> tuple[float, Array]:
            z = sign * margin
            small = np.exp(-np.abs(z))
            chance = np.where(z >= 0, small, 1.0) / (1.0 + small)  # of the class that did not come true
            return float((share * (np.log1p(small) + np.maximum(-z, 0))).sum()), -share * sign * chance

        return logistic
    codes, rows = y.astype(np.int64), np.arange(len(y))

    def softmax(margin: Array) -> tuple[float, Array]:
        z = margin - margin.max(axis=1, keepdims=True)
        parts = np.exp(z)
        total = parts.sum(axis=1, keepdims=True)
        gradient = parts / total
        gradient[rows, codes] -= 1
        return float((share[:, 0] * (np.log(total[:, 0]) - z[rows, codes])).sum()), share * gradient

    return softmax


def _unpacked(theta: Array, width: int, count: int, parts: int) -> tuple[Array, Array]:
    b, halves = theta[:count], theta[count:].reshape(parts, width, count)
    return (halves[0] - halves[1] if parts == 2 else halves[0]), b


def _bounds(intercept: Array, free: Array, width: int, parts: int) -> Bounds:
    """Return (low, high) by unknown: halves of a split are not negative, targets that are not free stay put."""
    low = np.where(free, 0.0 if parts == 2 else -np.inf, 0.0)
    high = np.where(free, np.inf, 0.0)
    return Bounds(
        np.concatenate([np.where(free, -np.inf, intercept), np.tile(low, parts * width)]),
        np.concatenate([np.where(free, np.inf, intercept), np.tile(high, parts * width)]),
    )
