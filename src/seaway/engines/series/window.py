"""What a forecast may look at: the newest rows before its origin, always as many columns wide, missing ones in front.

A fixed width makes a window cut from a long history and one of a short request the same array, bit by bit.
"""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Batch


def newest(values: Array, first: Array, origin: Array, width: int) -> Array:
    """Return the `width` values before each origin row (n, width) float64, NaN before the `first` row of its series."""
    places = origin[:, None] + np.arange(-width, 0)
    held = values[np.maximum(places, 0)].astype(np.float64) if len(values) else np.full(places.shape, np.nan)
    return np.where(places >= first[:, None], held, np.nan)


def histories(batch: Batch, target: str, width: int) -> Array:
    """Return the newest known rows of each case (cases, width)."""
    first = batch.starts[:-1]
    return newest(batch.arrays[target], first, first + batch.seen, width)


def units(history: Array) -> Array:
    """Return a power of two (n, 1) near the largest value of each history: dividing by it is exact and never overflows."""
    largest = np.max(np.abs(np.where(np.isfinite(history), history, 0.0)), axis=1, keepdims=True, initial=0.0)
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)


def asked(steps: Array, horizon: int) -> Array:
    """Say which steps each case is asked about: bool (cases, horizon)."""
    return np.asarray(np.arange(horizon) < steps[:, None])
