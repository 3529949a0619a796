"""Figures of merit with their direction and unit, and the bootstrap that gives each its interval.

n cases, C classes; p (n, C) probabilities, y (n,) true codes or values, w (n,) weights (ones where none are given).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Score
from seaway.core.chance import rng
from seaway.core.errors import NotFound

Function = Callable[[Array, Array, Array], float]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A metric over one output: `function(answer, truth, weight)`; `classes` limits it to so many classes (0 = any)."""

    name: str
    reads: str
    greater_is_better: bool
    function: Function
    unit: str = ""
    classes: int = 0
    needs_truth: bool = True
    needs_scale: bool = False

    def __call__(self, outcomes: Outcomes) -> float:
        """Return the figure over the cases whose truth is known and that weigh something; NaN where they cannot tell."""
        if outcomes.truth is None:
            return float("nan")
        weight = np.ones(len(outcomes)) if outcomes.weight is None else outcomes.weight
        known = ~np.isnan(outcomes.truth) & (weight > 0)
        if not known.any():
            return float("nan")
        return float(self.function(outcomes.answer[self.reads][known], outcomes.truth[known], weight[known]))


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


METRICS: dict[str, Figure] = {
    figure.name: figure
    for figure in (
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
        Figure(name="rmse", reads="value", greater_is_better=False, function=_rmse, unit="target"),
        Figure(name="mae", reads="value", greater_is_better=False, function=_mae, unit="target"),
        Figure(name="r2", reads="value", greater_is_better=True, function=_r2),
        Figure(name="rmsle", reads="value", greater_is_better=False, function=_rmsle),
    )
}


def metric(name: str) -> Figure:
    """Return the metric called `name`."""
    if name not in METRICS:
        raise NotFound(f"There is no metric {name!r}", where="train.metric", fix=f"Use one of: {', '.join(METRICS)}.")
    return METRICS[name]


def score(figure: Figure, outcomes: Outcomes, *, rounds: int = 200, seed: int = 0) -> Score:
    """Return the figure with its 95 % percentile interval from a bootstrap by case (Efron & Tibshirani 1993)."""
    value = figure(outcomes)
    draws = [figure(resampled) for resampled in bootstrap(_sorted(figure, outcomes), rounds, seed)]
    known = [draw for draw in draws if not np.isnan(draw)]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (float("nan"), float("nan"))
    n = 0 if outcomes.truth is None else len(np.unique(outcomes.case[~np.isnan(outcomes.truth)]))
    return Score(value=value, low=float(low), high=float(high), n=n)


def bootstrap(outcomes: Outcomes, rounds: int, seed: int) -> Iterator[Outcomes]:
    """Yield `rounds` resamples with replacement; all rows of a case go together.

    A resample is the same rows weighted by how often their case was drawn, which costs no copy. Outcomes of the same
    cases under the same seed are resampled alike, so differences between two models are paired.
    """
    generator = rng("bootstrap", seed)
    cases, where = np.unique(outcomes.case, return_inverse=True)
    weight = np.ones(len(outcomes)) if outcomes.weight is None else outcomes.weight
    for _ in range(rounds):
        drawn = np.bincount(generator.integers(0, len(cases), len(cases)), minlength=len(cases))
        yield replace(outcomes, weight=weight * drawn[where])


def _sorted(figure: Figure, outcomes: Outcomes) -> Outcomes:
    """Sort by score once, so that the sorting in each of the rounds finds nothing left to do."""
    answer = outcomes.answer.get(figure.reads)
    if answer is None or answer.ndim != 2 or answer.shape[1] != 2:
        return outcomes
    return outcomes.take(np.argsort(answer[:, 1], kind="stable"))
