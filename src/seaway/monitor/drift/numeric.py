"""Numbers: a moved middle by Kolmogorov and Smirnov's test, anything else (spread, tails, gaps) by chi-square over the bins."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.monitor.drift.shift import Shift, chi_square, kolmogorov_smirnov, psi

BINS = 10
"""Bins that effect and chi-square are measured on; more would measure chance."""


def compare(column: str, values: Array, edges: Array, then: Array) -> Shift:
    """Compare values (n,) with a reference's counts (len(edges) + 1,) between `edges`; bin i ends with edge i included."""
    now = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).astype(np.float64)
    distance, p_middle = kolmogorov_smirnov(now, then)
    keep = _coarse(then)
    coarse_now, coarse_then = np.add.reduceat(now, keep), np.add.reduceat(then, keep)
    p_shape = chi_square(coarse_now, coarse_then)
    return Shift(
        column=column,
        detector="Kolmogorov-Smirnov and chi-square",
        p=min(1.0, 2 * min(p_middle, p_shape)),  # two tests, one answer (Bonferroni)
        effect=psi(coarse_now, coarse_then),
        figures={
            "distance": distance,
            "edges": [float(edge) for edge in edges[keep[1:] - 1]],
            "then": _shares(coarse_then),
            "now": _shares(coarse_now),
            "median": float(np.median(values)),
        },
    )


def _coarse(then: Array) -> Array:
    """Return where bins begin: the reference's own, or about BINS of equal parts where it has more than twice as many."""
    if len(then) <= 2 * BINS:
        return np.arange(len(then))
    share = np.cumsum(then) / then.sum()
    before = np.concatenate([[0.0], share[:-1]])
    bins = np.minimum((before * BINS + 1e-9).astype(np.int64), BINS - 1)
    starts = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1]]))
    return np.asarray(starts)


def _shares(counts: Array) -> list[float]:
    return [float(share) for share in counts / max(counts.sum(), 1)]
