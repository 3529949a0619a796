"""D002: one column that gives the target away."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Column
from seaway.core.verdict import Verdict
from seaway.data.checks.subject import ENOUGH, Subject, not_applicable, or_pass, verdict

CODE = "D002"
CERTAIN, SUSPICIOUS = 0.995, 0.97
"""How well one column may predict the target on rows the rule was not learnt from: balanced accuracy, or R2."""
BINS = 200


def check(subject: Subject) -> list[Verdict]:
    """Learn the best rule from each single column on half of the rows, test it on the other half."""
    target = subject.target
    if target is None:
        return not_applicable(CODE, "There is no target to be given away")
    if len(target) < 2 * ENOUGH:
        return not_applicable(CODE, f"{len(target)} rows are too few to tell")
    found = []
    for column in subject.telling:
        score = strength(subject, column, target)
        if score < SUSPICIOUS:
            continue
        sure = score >= CERTAIN
        message = f"{column.name!r} alone predicts the target ({_named(subject)} {score:.4f})"
        fix = f'If {column.name!r} is not known before the target, give it the role "ignore" in contract.toml.'
        found.append(
            verdict(CODE, "fail" if sure else "warn", column.name, message, fix, value=score, limit=SUSPICIOUS)
        )
    return or_pass(CODE, found, "No single column gives the target away")


def strength(subject: Subject, column: Column, target: Array) -> float:
    """Return how well the column alone predicts the target on unseen rows: balanced accuracy, or R2, at best 1."""
    learn, test = subject.halves
    known = ~np.isnan(target)
    learn, test = learn[known[learn]], test[known[test]]
    if len(learn) < ENOUGH or len(test) < ENOUGH:
        return 0.0
    bins = _binned(subject, column, learn)
    if subject.labels:
        return _balanced_accuracy(bins, target.astype(np.int64, copy=False) if known.all() else target, learn, test)
    return _explained(bins, target, learn, test)


def _named(subject: Subject) -> str:
    return "balanced accuracy" if subject.labels else "R2"


def _binned(subject: Subject, column: Column, learn: Array) -> Array:
    """Return a small code per row: categories as they are, many numbers by quantile; missing is a bin of its own."""
    if column.kind in ("category", "boolean"):
        return subject.codes(column)
    values, missing = subject.numbers(column)
    given = values[learn][~missing[learn]]
    distinct = np.unique(given)
    if len(distinct) > BINS:
        distinct = np.unique(np.quantile(given, np.linspace(0, 1, BINS + 1)))
    middle = (distinct[1:] + distinct[:-1]) / 2 if len(distinct) <= BINS else distinct[1:-1]
    return np.where(missing, len(middle) + 1, np.searchsorted(middle, values))


def _balanced_accuracy(bins: Array, target: Array, learn: Array, test: Array) -> float:
    classes = int(np.nanmax(target)) + 1
    y = target.astype(np.int64)
    table = np.zeros((int(bins.max()) + 1, classes))
    np.add.at(table, (bins[learn], y[learn]), 1)
    # Weighed by class, so that the best answer in a bin is the one that helps balanced accuracy.
    totals = np.maximum(table.sum(axis=0), 1)
    answer = np.where(table.sum(axis=1) > 0, (table / totals).argmax(axis=1), -1)
    right = answer[bins[test]] == y[test]
    recalls = [right[y[test] == c].mean() for c in range(classes) if (y[test] == c).any()]
    return float(np.mean(recalls)) if len(recalls) > 1 else 0.0


def _explained(bins: Array, target: Array, learn: Array, test: Array) -> float:
    size = int(bins.max()) + 1
    count = np.bincount(bins[learn], minlength=size)
    total = np.bincount(bins[learn], weights=target[learn], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), target[learn].mean())
    spread = np.mean((target[test] - target[test].mean()) ** 2)
    return float(1 - np.mean((target[test] - mean[bins[test]]) ** 2) / spread) if spread > 0 else 0.0
