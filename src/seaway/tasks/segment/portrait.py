"""What the training rows of each segment are like, beside all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.engines.clusters import Space


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """Segments over the training rows: `counts` (K,).

    By matrix column that has a say: `means` (K + 1,) of numbers as they stand, all rows last, NaN where none is known;
    `shares` (K + 1, codes) of categories. `apart` (K, columns) is how far a segment lies from the mean of all rows, in
    standard deviations of the space, and `parted` the share of the column's variance that lies between segments;
    for a category both are of the code that differs most, whose number is in `code` (K, columns), -1 for numbers.
    """

    counts: Array
    columns: Array
    means: Mapping[int, Array]
    shares: Mapping[int, Array]
    apart: Array
    code: Array
    parted: Array

    @property
    def segments(self) -> int:
        """Number of segments K."""
        return len(self.counts)

    def importance(self, features: int) -> Array:
        """Return each matrix column's share of the variance between segments (features,), summing to 1."""
        found = np.zeros(features)
        found[self.columns] = self.parted
        return found / found.sum() if found.sum() > 0 else found


def portrait(space: Space, x: Array, z: Array, segment: Array, segments: int) -> Portrait:
    """Measure rows x (rows, features), at points z (rows, D), whose segments are known (rows,)."""
    counts = np.bincount(segment, minlength=segments)
    groups = [segment == k for k in range(segments)]
    columns, means, shares = [*space.numbers.tolist(), *space.codes.tolist()], {}, {}
    apart, code = np.zeros((segments, len(columns))), np.full((segments, len(columns)), -1)
    parted = np.zeros(len(columns))
    for at, place in enumerate(columns):
        if at < len(space.numbers):
            means[place] = np.array([_mean(x[group, place]) for group in [*groups, np.ones(len(x), dtype=bool)]])
            indicators = z[:, [at]]
        else:
            table = space.tables[at - len(space.numbers)]
            codes = np.eye(len(table))[x[:, place].astype(np.int64)]
            shares[place] = _by_segment(codes, groups)
            indicators = codes
        by = _by_segment(indicators, groups)
        gap, variance = by[:-1] - by[-1], indicators.var(axis=0)
        steps = gap / np.where(variance > 0, np.sqrt(variance), 1.0)
        furthest = np.abs(steps).argmax(axis=1)
        apart[:, at] = steps[np.arange(segments), furthest]
        if at >= len(space.numbers):
            code[:, at] = furthest
        between = (counts[:, None] * gap**2).sum() / len(x)
        parted[at] = between / variance.sum() if variance.sum() > 0 else 0.0
    return Portrait(
        counts=counts,
        columns=np.array(columns, dtype=np.int64),
        means=means,
        shares=shares,
        apart=apart,
        code=code,
        parted=parted,
    )


def _by_segment(values: Array, groups: list[Array]) -> Array:
    """Return the means (K + 1, columns) by segment, then of all rows; a segment without rows is like all of them."""
    whole = values.mean(axis=0)
    return np.stack([*(values[group].mean(axis=0) if group.any() else whole for group in groups), whole])


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)].astype(np.float64)
    return float(known.mean()) if len(known) else float("nan")
