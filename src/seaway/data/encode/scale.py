"""The in-sample error that scaled figures divide by: what a seasonal naive forecast was wrong by (Hyndman & Koehler 2006)."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract


def scales(batch: Batch, contract: Contract) -> Array:
    """Return the scale of each case (cases,) over the history that the batch holds; NaN where nothing is known."""
    target, shape = contract.target, contract.series
    if target is None or shape is None:
        return np.full(batch.cases, np.nan)
    starts = batch.starts[:-1]
    return of_history(batch.arrays[target.name], starts, starts + batch.seen, shape.season)


def of_history(values: Array, starts: Array, ends: Array, season: int) -> Array:
    """Return the mean |y_t - y_(t - season)| of each stretch `starts[c]:ends[c]` of values, missing ones left out.

    A stretch in which no two values are a season apart, or in which they never differ, falls back to a season of 1, then to
    the mean |y|.
    """
    found = np.full(len(starts), np.nan)
    for case, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        y = values[start:end]
        known = y[~np.isnan(y)]
        for gap in dict.fromkeys((season, 1)):
            change = np.abs(y[gap:] - y[:-gap]) if len(y) > gap else y[:0]
            change = change[~np.isnan(change)]
            if len(change) and change.any():
                found[case] = change.mean()
                break
        else:
            if known.any():
                found[case] = np.abs(known).mean()
    return found
