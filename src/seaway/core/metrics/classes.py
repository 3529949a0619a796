"""Figures of classes: p (n, C) probabilities or (n,) codes, y (n,) true codes, w (n,) weights."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.metrics.figure import Figure


def _log_loss(p: Array, y: Array, w: Array) -> float:
    chosen = np.clip(p[np.arange(len(y)), y.astype(np.int64)], 1e-15, 1.0)
    return float(np.average(-np.log(chosen), weights=w))


def _brier(p: Array, y: Array, w: Array) -> float:
    """Mean squared error of the probabilities (Brier 1950): of class 1 for two classes, summed over classes otherwise."""
    if p.shape[1] == 2:
        return float(np.average((p[:, 1] - y) ** 2, weights=w))
    truth = np.zeros_like(p)
    truth[np.arange(len(y)), y.astype(np.int64)] = 1.0
    return float(np.average(((p - truth) ** 2).sum(axis=1), weights=w))


def _accuracy(codes: Array, y: Array, w: Array) -> float:
    return float(np.average(codes == y, weights=w))


def _area(scores: Array, positive: Array, w: Array) -> float:
    """Area under the ROC curve by midranks (Mann & Whitney 1947), weighted."""
    if positive.all() or not positive.any():
        return float("nan")
    order = np.argsort(scores, kind="stable")
    scores, positive, w = scores[order], positive[order], w[order]
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    negative_weight = np.add.reduceat(w * ~positive, starts)
    positive_weight = np.add.reduceat(w * positive, starts)
    below = np.cumsum(negative_weight) - negative_weight / 2
    return float((positive_weight * below).sum() / (positive_weight.sum() * negative_weight.sum()))


def _roc_auc(p: Array, y: Array, w: Array) -> float:
    if p.shape[1] == 2:
        return _area(p[:, 1], y == 1, w)
    areas = [_area(p[:, c], y == c, w) for c in range(p.shape[1])]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def _average_precision(p: Array, y: Array, w: Array) -> float:
    """Mean precision over the recall gained at each distinct score: the area under the precision-recall steps."""
    positive = y == 1
    if not positive.any():
        return float("nan")
    order = np.argsort(p[:, 1], kind="stable")[::-1]
    scores, hits = p[order, 1], (w * positive)[order]
    ends = np.flatnonzero(np.concatenate([scores[1:] != scores[:-1], [True]]))
    found = np.cumsum(hits)[ends]
    precision = found / np.cumsum(w[order])[ends]
    recall = np.concatenate([[0.0], found / found[-1]])
    return float((np.diff(recall) * precision).sum())


def _f1(codes: Array, y: Array, w: Array) -> float:
    """Harmonic mean of precision and recall of class 1; 0 where the class is neither there nor named."""
    hit = (w * ((codes == 1) & (y == 1))).sum()
    total = (w * (codes == 1)).sum() + (w * (y == 1)).sum()
    return float(2 * hit / total) if total else 0.0


def _f1_macro(codes: Array, y: Array, w: Array) -> float:
    """Mean of F1 over the classes that are there or named."""
    return float(np.mean([_f1(codes == c, y == c, w) for c in np.union1d(codes, y)]))


def _balanced_accuracy(codes: Array, y: Array, w: Array) -> float:
    recalls = [np.average(codes[y == c] == c, weights=w[y == c]) for c in np.unique(y)]
    return float(np.mean(recalls))


FIGURES = (
    Figure(name="roc_auc", reads="probabilities", greater_is_better=True, function=_roc_auc),
    Figure(name="log_loss", reads="probabilities", greater_is_better=False, function=_log_loss, unit="nats"),
    Figure(name="brier", reads="probabilities", greater_is_better=False, function=_brier),
    Figure(
        name="average_precision",
        reads="probabilities",
        greater_is_better=True,
        function=_average_precision,
        classes=2,
    ),
    Figure(name="accuracy", reads="label", greater_is_better=True, function=_accuracy),
    Figure(name="balanced_accuracy", reads="label", greater_is_better=True, function=_balanced_accuracy),
    Figure(name="f1", reads="label", greater_is_better=True, function=_f1, classes=2),
    Figure(name="f1_macro", reads="label", greater_is_better=True, function=_f1_macro),
)
