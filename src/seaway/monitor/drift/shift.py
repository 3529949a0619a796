"""How far a column has moved: the probability that chance did it, and how large the move is.

n values now, m values in the reference (itself a sample: every test and interval here has both sizes in it); p_i, q_i the shares of
bin i now and then, over B bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from seaway.core.batch import Array, Json

LEAST = 50
"""Fewer values than this, now or then, are too few to compare."""
_Z = 1.6448536269514722
"""The 95 % quantile of the normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The population stability index with its upper 95 % bound: the size of a move, whatever the number of values."""

    value: float
    upper: float


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One comparison. `figures` hold what a report draws."""

    column: str
    detector: str
    p: float
    effect: Effect
    figures: Mapping[str, Json]


def psi(now: Array, then: Array) -> Effect:
    """Return the population stability index of two tables of counts (bins,), less what chance alone would show.

    PSI = sum (p_i - q_i) ln(p_i / q_i). Two samples of one distribution give (B - 1)(1/n + 1/m) on average, with variance
    2 (B - 1)(1/n + 1/m)^2 (Yurdakul & Naranjo 2020); the variance of a real move follows by the delta method.
    """
    n, m, bins = float(now.sum()), float(then.sum()), len(now)
    if bins < 2 or not n or not m:
        return Effect(value=0.0, upper=0.0)
    # Half a count in every bin keeps the logarithm finite where one sample has none (Jeffreys).
    p, q = (now + 0.5) / (n + 0.5 * bins), (then + 0.5) / (m + 0.5 * bins)
    log_ratio = np.log(p / q)
    slope_p, slope_q = log_ratio + 1 - q / p, -log_ratio + 1 - p / q
    sampling = 1 / n + 1 / m
    value = float(((p - q) * log_ratio).sum()) - (bins - 1) * sampling
    variance = _variance(p, slope_p) / n + _variance(q, slope_q) / m + 2 * (bins - 1) * sampling**2
    return Effect(value=max(value, 0.0), upper=max(value, 0.0) + _Z * float(np.sqrt(variance)))


def chi_square(now: Array, then: Array) -> float:
    """Return the p-value of Pearson's test that two tables of counts (bins,) have the same shares.

    Bins that expect fewer than five are put together first, rarest first, for the approximation to hold (Cochran 1954).
    """
    now, then = _pooled(now.astype(np.float64), then.astype(np.float64))
    if len(now) < 2:
        return 1.0
    n, m = now.sum(), then.sum()
    total = now + then
    expected = np.stack([total * n / (n + m), total * m / (n + m)])
    statistic = ((np.stack([now, then]) - expected) ** 2 / expected).sum()
    return float(special.chdtrc(len(now) - 1, statistic))


def more_often(now: float, then: float, n: float, m: float) -> float:
    """Return the p-value that something seen `now` of n and `then` of m times has become no more frequent (exact, one-sided).

    Given that it was seen so often in all, each time fell into either sample by their sizes (conditional binomial test).
    """
    return float(special.bdtrc(int(now) - 1, int(now + then), n / (n + m))) if now else 1.0


def kolmogorov_smirnov(now: Array, then: Array) -> tuple[float, float]:
    """Return (largest distance of the distribution functions at the bins' edges, p-value), of counts in order (bins,).

    Looking at the edges only can but lower the distance, so the p-value errs on the safe side (Kolmogorov 1933).
    """
    n, m = now.sum(), then.sum()
    distance = float(np.abs(np.cumsum(now) / n - np.cumsum(then) / m).max())
    return distance, float(special.kolmogorov(np.sqrt(n * m / (n + m)) * distance))


def _variance(shares: Array, slope: Array) -> float:
    return float((shares * slope**2).sum() - (shares * slope).sum() ** 2)


def _pooled(now: Array, then: Array) -> tuple[Array, Array]:
    total = now + then
    smaller = min(now.sum(), then.sum()) / total.sum()
    order = np.argsort(total, kind="stable")
    # The rarest bins whose sum first expects five become one; empty bins say nothing and go into it too.
    lacking = int((total * smaller < 5).sum())
    if lacking == 0:
        return now, then
    held = np.cumsum(total[order]) * smaller
    last = min(max(lacking, int(np.searchsorted(held, 5)) + 1), len(order))
    rare, kept = order[:last], np.sort(order[last:])
    return tuple(np.append(counts[kept], counts[rare].sum()) for counts in (now, then))  # type: ignore[return-value]
