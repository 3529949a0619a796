"""Figures of groups that nobody has named before: no truth is known, so the answers are held against one another.

Lines of one case, in their order, are the answers of fits that learnt from different rows: they tell how stable groups are.
"""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.metrics.figure import Figure


def silhouette(outcomes: Outcomes) -> float:
    """Simplified silhouette (Hruschka et al. 2004): (b - a) / max(a, b), a the distance to the own centre, b to the next one."""
    distances, own = outcomes.answer["distances"], _codes(outcomes)
    if distances.shape[1] < 2:
        return float("nan")
    lines = np.arange(len(own))
    a = distances[lines, own]
    others = distances.copy()
    others[lines, own] = np.inf
    b = others.min(axis=1)
    widest = np.maximum(a, b)
    return float(
        np.average(np.where(widest > 0, (b - a) / np.where(widest > 0, widest, 1.0), 0.0), weights=outcomes.weight)
    )


def stability(outcomes: Outcomes) -> float:
    """Mean adjusted Rand index (Hubert & Arabie 1985) of every two fits over the cases that both answered; 1 for one fit."""
    fits = _by_fit(outcomes)
    found = [
        _adjusted_rand(fits[:, one], fits[:, other], _of_cases(outcomes))
        for one in range(fits.shape[1])
        for other in range(one)
    ]
    return float(np.mean(found)) if found else 1.0


def stable_silhouette(outcomes: Outcomes) -> float:
    """Silhouette times stability: groups must lie apart, and be found again in other rows of the same kind."""
    return silhouette(outcomes) * max(0.0, stability(outcomes))


def _codes(outcomes: Outcomes) -> Array:
    """Return the group of each line (n,): the answers' one array of codes."""
    return next(values for values in outcomes.answer.values() if values.dtype.kind == "i")


def _by_fit(outcomes: Outcomes) -> Array:
    """Return the codes (cases, fits) of the cases that every fit answered, -1 elsewhere."""
    order = np.argsort(outcomes.case, kind="stable")
    _, first, place = np.unique(outcomes.case[order], return_index=True, return_inverse=True)
    turn = np.arange(len(order)) - first[place]
    codes = np.full((len(first), int(turn.max(initial=0)) + 1), -1, dtype=np.int64)
    codes[place, turn] = _codes(outcomes)[order]
    return codes


def _of_cases(outcomes: Outcomes) -> Array:
    """Return the weight of each case (cases,)."""
    order = np.argsort(outcomes.case, kind="stable")
    _, first = np.unique(outcomes.case[order], return_index=True)
    return np.ones(len(first)) if outcomes.weight is None else outcomes.weight[order][first]


def _adjusted_rand(one: Array, other: Array, w: Array) -> float:
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return float("nan")
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one[both], other[both]), w[both])
    pairs, rows, columns = (_pairs(counts).sum() for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = rows * columns / max(float(_pairs(table.sum())), 1e-300)
    most = (rows + columns) / 2
    return float((pairs - expected) / (most - expected)) if most > expected else 1.0


def _pairs(counts: Array) -> Array:
    return np.asarray(counts * (counts - 1) / 2)


FIGURES = (
    Figure(
        name="stable_silhouette", reads="distances", greater_is_better=True, over=stable_silhouette, needs_truth=False
    ),
    Figure(name="silhouette", reads="distances", greater_is_better=True, over=silhouette, needs_truth=False),
    Figure(name="stability", reads="distances", greater_is_better=True, over=stability, needs_truth=False),
)
