"""Numbers for figures: how each column is distributed, overall and by class, as plain data that any room may draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.core.protocols import Rows
from seaway.data.encode import times
from seaway.data.encode.truth import text

BINS = 30
MOST_BARS = 20
MOST_CLASSES = 10
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Description:
    """One column, drawn as bars: `labels` of categories, or `edges` (one more than bars) of a histogram.

    `counts` over all rows; `by_class` the same bars by class of the target. `quantiles` are the 0, 5, 25, 50, 75, 95 and
    100 % of a number. `relation` is the mean of a numeric target in each bar, NaN in an empty one.
    """

    name: str
    kind: str
    role: str
    rows: int
    missing: int
    distinct: int
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    by_class: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    relation: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    mean: float | None = None


def describe(rows: Rows, contract: Contract) -> list[Description]:
    """Describe every column of typed rows, in the contract's order."""
    classes, values = _target(rows, contract)
    return [
        _column(column, *rows.column(column.name), classes, values)
        for column in contract.columns
        if column.name in rows.names
    ]


def target_shares(rows: Rows, contract: Contract) -> dict[str, float]:
    """Return the share of each class of the target, the most frequent first; empty where it is a number."""
    classes, _ = _target(rows, contract)
    if classes is None:
        return {}
    labels, counts = np.unique(classes[classes != ""], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(labels[at]): float(counts[at] / counts.sum()) for at in order}


def _target(rows: Rows, contract: Contract) -> tuple[Array | None, Array | None]:
    """Return (class labels by row, None), (None, numbers by row) or (None, None)."""
    target = contract.target
    if target is None or target.name not in rows.names:
        return None, None
    values, missing = rows.column(target.name)
    distinct = (
        len(np.unique(values[~missing].astype(str))) if values.dtype == object else len(np.unique(values[~missing]))
    )
    is_class = bool(contract.classes) or target.kind in ("category", "boolean") or distinct <= 2
    if is_class:
        labels = np.array(
            ["" if gone else text(value) for value, gone in zip(values, missing, strict=True)], dtype=object
        )
        return (labels, None) if distinct <= MOST_CLASSES else (None, None)
    return None, np.where(missing, np.nan, values.astype(np.float64))


def _column(column: Column, values: Array, missing: Array, classes: Array | None, truth: Array | None) -> Description:
    given = values[~missing]
    if values.dtype == object or values.dtype == np.bool_:
        return _bars(column, values, missing, classes, truth)
    numbers = given.astype(np.int64).astype(np.float64) if values.dtype.kind == "M" else given.astype(np.float64)
    if not len(numbers):
        return _head(column, values, missing)
    edges = _edges(numbers)
    counts = np.histogram(numbers, edges)[0]
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(counts) - 1)
    is_time = values.dtype.kind == "M"
    return replace(
        _head(column, values, missing),
        labels=tuple(times.text(int(edge), "") for edge in edges[:-1]) if is_time else (),
        edges=tuple(map(float, edges)),
        counts=tuple(map(int, counts)),
        by_class=_by_class(place, len(counts), None if classes is None else classes[~missing]),
        relation=_relation(place, len(counts), None if truth is None else truth[~missing]),
        quantiles=tuple(map(float, np.quantile(numbers, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]))),
        mean=float(numbers.mean()),
    )


def _bars(column: Column, values: Array, missing: Array, classes: Array | None, truth: Array | None) -> Description:
    texts = np.array([text(value) for value in values[~missing].tolist()], dtype=object)
    names, counts = np.unique(texts.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = [str(names[at]) for at in order[:MOST_BARS]]
    labels = [*kept, OTHER] if len(names) > MOST_BARS else kept
    bar = {name: at for at, name in enumerate(kept)}
    place = np.array([bar.get(name, len(kept)) for name in texts.tolist()], dtype=np.int64)
    return replace(
        _head(column, values, missing),
        labels=tuple(labels),
        counts=tuple(map(int, np.bincount(place, minlength=len(labels)))),
        by_class=_by_class(place, len(labels), None if classes is None else classes[~missing]),
        relation=_relation(place, len(labels), None if truth is None else truth[~missing]),
    )


def _head(column: Column, values: Array, missing: Array) -> Description:
    given = values[~missing]
    return Description(
        name=column.name,
        kind=column.kind,
        role=column.role,
        rows=len(values),
        missing=int(missing.sum()),
        distinct=len(set(given.tolist())) if values.dtype == object else len(np.unique(given)),
    )


def _edges(numbers: Array) -> Array:
    """Return histogram edges: a bar per value where whole numbers are few, else thirty over the central 99.8 %."""
    distinct = np.unique(numbers)
    if len(distinct) == 1:
        return np.array([distinct[0] - 0.5, distinct[0] + 0.5])
    if len(distinct) <= BINS and np.diff(distinct).min() == 1:
        return np.concatenate([distinct[:1] - 0.5, (distinct[1:] + distinct[:-1]) / 2, distinct[-1:] + 0.5])
    low, high = np.quantile(numbers, [0.001, 0.999])
    if high <= low:
        low, high = float(distinct[0]), float(distinct[-1])
    if (distinct == np.floor(distinct)).all() and high - low < 2.0**50:
        step = max(1.0, np.ceil((high - low + 1) / BINS))  # whole numbers: every bar holds as many of them
        inner = np.arange(np.floor(low) - 0.5, np.ceil(high) + step, step)
    else:
        inner = np.linspace(low, high, BINS + 1)
    inner[0], inner[-1] = min(inner[0], distinct[0]), max(inner[-1], distinct[-1])
    return inner


def _by_class(place: Array, bars: int, classes: Array | None) -> dict[str, tuple[int, ...]]:
    if classes is None:
        return {}
    labels = sorted({label for label in classes.tolist() if label != ""})
    return {label: tuple(map(int, np.bincount(place[classes == label], minlength=bars))) for label in labels}


def _relation(place: Array, bars: int, truth: Array | None) -> tuple[float, ...]:
    if truth is None:
        return ()
    known = ~np.isnan(truth)
    count = np.bincount(place[known], minlength=bars)
    total = np.bincount(place[known], weights=truth[known], minlength=bars)
    return tuple(float(t / c) if c else float("nan") for t, c in zip(total, count, strict=True))
