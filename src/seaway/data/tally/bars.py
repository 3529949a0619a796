"""One column's figures, counted into bars that were fixed beforehand: exact over all rows, and additive.

Where the bars stand comes from a description of a sample (`describe`); what they hold is counted. Of all rows are the counts,
shares by class, means in a bar, the mean, the ends and the missing; of the sample only the quantiles and where bars begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.data.describe import MOST_BARS, OTHER, Description
from seaway.data.encode import times
from seaway.data.encode.truth import text
from seaway.data.rows import arrays
from seaway.data.tally import distinct
from seaway.data.tally.distinct import Distinct


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What bars are split by: the class of each row as a place in `labels` (-1: none of them), or a number (NaN: none)."""

    labels: tuple[str, ...] = ()
    classes: Array | None = None
    values: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Additive figures of one column: `counts` (bars,), by class (classes, bars), the target's count and sum by bar."""

    rows: int
    missing: int
    distinct: Distinct
    counts: Array
    by_class: Array
    known: Array
    total: Array
    sum: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    labels: tuple[str, ...] = ()

    def __add__(self, other: Bars) -> Bars:
        return Bars(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            distinct=self.distinct + other.distinct,
            counts=self.counts + other.counts,
            by_class=self.by_class + other.by_class,
            known=self.known + other.known,
            total=self.total + other.total,
            sum=self.sum + other.sum,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            labels=self.labels,
        )

    def described(self, plan: Description) -> Description:
        """Return the plan with what was counted."""
        edges, bars = plan.edges, len(self.counts)
        if edges and self.counts.sum():
            edges = (min(edges[0], self.low), *edges[1:-1], max(edges[-1], self.high))
        labels = _moments(edges) if plan.kind == "time" and edges else ()
        if not edges:  # the last bar holds what the sample did not show, or no bar of its own has room for
            labels = (*plan.labels[:MOST_BARS], OTHER) if self.counts[-1] else plan.labels[:MOST_BARS]
            bars = len(labels)
        given = self.rows - self.missing
        by_class = {
            label: tuple(map(int, counts[:bars]))
            for label, counts in zip(self.labels, self.by_class, strict=True)
            if counts.any()
        }
        relation = tuple(
            float(t / k) if k else float("nan") for t, k in zip(self.total[:bars], self.known[:bars], strict=True)
        )
        ends = (self.low, *plan.quantiles[1:-1], self.high) if plan.quantiles and given else plan.quantiles
        return replace(
            plan,
            rows=self.rows,
            missing=self.missing,
            distinct=self.distinct.values,
            labels=labels,
            edges=edges,
            counts=tuple(map(int, self.counts[:bars])),
            by_class=by_class,
            relation=relation if plan.relation else (),
            quantiles=ends,
            mean=self.sum / given if plan.mean is not None and given else plan.mean,
        )


def count(series: pl.Series, plan: Description, truth: Truth, *, cap: int = distinct.CAP, level: int = 0) -> Bars:
    """Count one column of typed rows into the bars of a plan."""
    values, missing = arrays(series)
    different = distinct.of_series(series, cap=cap, level=level)
    bars = len(plan.edges) - 1 if plan.edges else len(plan.labels[:MOST_BARS]) + 1
    if plan.edges:
        numbers = values[~missing]
        numbers = (numbers.astype(np.int64) if numbers.dtype.kind == "M" else numbers).astype(np.float64)
        place = np.clip(np.searchsorted(np.asarray(plan.edges), numbers, side="right") - 1, 0, bars - 1)
        ends = (
            (float(numbers.min()), float(numbers.max()), float(numbers.sum()))
            if len(numbers)
            else (np.inf, -np.inf, 0.0)
        )
    else:
        place, ends = _places(series, plan), (np.inf, -np.inf, 0.0)
    return Bars(
        rows=len(series),
        missing=int(missing.sum()),
        distinct=different,
        counts=np.bincount(place, minlength=bars),
        **_split(place, bars, truth, missing),
        low=ends[0],
        high=ends[1],
        sum=ends[2],
        labels=truth.labels,
    )


def _places(series: pl.Series, plan: Description) -> Array:
    """Return the bar of each cell that holds something: its category's, or the last one of all others."""
    given = series.drop_nulls()
    names = plan.labels[:MOST_BARS]
    if given.dtype == pl.Boolean:
        given = given.replace_strict([False, True], [text(False), text(True)], return_dtype=pl.String)
    elif given.dtype != pl.String:
        return np.full(len(given), len(names), dtype=np.int64)
    places = pl.Series(range(len(names)), dtype=pl.Int64)
    found = given.replace_strict(pl.Series(names, dtype=pl.String), places, default=len(names), return_dtype=pl.Int64)
    return found.to_numpy()


def _split(place: Array, bars: int, truth: Truth, missing: Array) -> Mapping[str, Array]:
    known: Array = np.zeros(bars, dtype=np.int64)
    total: Array = np.zeros(bars)
    by_class = np.zeros((len(truth.labels), bars), dtype=np.int64)
    if bars and truth.classes is not None:
        code = truth.classes[~missing]
        has = code >= 0
        flat = np.bincount(code[has] * bars + place[has], minlength=by_class.size)
        by_class = flat.reshape(by_class.shape)
    if bars and truth.values is not None:
        value = truth.values[~missing]
        has = ~np.isnan(value)
        known = np.bincount(place[has], minlength=bars)
        total = np.bincount(place[has], weights=value[has], minlength=bars)
    return {"by_class": by_class, "known": known, "total": total}


def _moments(edges: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(times.text(int(edge), "") for edge in edges[:-1])
