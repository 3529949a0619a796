"""One decision over many tests: the share of false findings among all findings is held (Benjamini & Hochberg 1995)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array


def adjusted(p: Sequence[float]) -> Array:
    """Return the p-values adjusted for their number (tests,): those at or below a rate are findings at that rate.

    Where nothing has moved at all, this also holds the probability of any finding to the rate (Simes 1986).
    """
    values = np.asarray(p, dtype=np.float64)
    count = len(values)
    order = np.argsort(values, kind="stable")
    steps = values[order] * count / np.arange(1, count + 1)
    result = np.empty(count)
    result[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return result
