"""Numbers into bins people can read: round edges, whole numbers kept whole, far tails gathered at the ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.scale import are_apart, nice_step
from seaway.report.figures.values import TOO_LARGE, Drawable

Floats = npt.NDArray[np.float64]

_FEWEST, _MOST = 8, 50

# The axis stops where the range exceeds this many times the middle 98 % of the values.
_FAR = 2.5


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Counts by bin of several series over the same edges; values beyond the edges are counted in the end bins."""

    edges: Floats
    counts: Mapping[str, Floats]
    missing: Mapping[str, float]
    infinite: Mapping[str, float]
    below: int = 0
    above: int = 0
    is_time: bool = False


def bin_numbers(series: Mapping[str, Drawable], count: int | None = None) -> Bins:
    """The series counted into common bins; at least one series holds a finite number."""
    together = np.concatenate([column.numbers for column in series.values()])
    is_time = any(column.is_time for column in series.values())
    edges = _edges(together, count, is_time=is_time)
    low, high = edges[0], edges[-1]
    counts = {
        name: np.histogram(np.clip(column.numbers, low, high), bins=edges)[0].astype(np.float64)
        for name, column in series.items()
    }
    return Bins(
        edges=edges,
        counts=counts,
        missing={name: float(column.missing) for name, column in series.items()},
        below=int((together < low).sum()),
        above=int((together > high).sum()),
        infinite={name: float(column.infinite) for name, column in series.items()},
        is_time=is_time,
    )


def closed(edges: Floats) -> Floats:
    """The edges with infinite ends brought in, so that an open bin is as wide as the one beside it."""
    inner = edges[np.abs(edges) < TOO_LARGE]
    if not len(inner):
        return np.linspace(0.0, 1.0, len(edges))
    first, last = (float(inner[1] - inner[0]), float(inner[-1] - inner[-2])) if len(inner) > 1 else (1.0, 1.0)
    low = [inner[0] - first] if edges[0] <= -TOO_LARGE else []
    high = [inner[-1] + last] if edges[-1] >= TOO_LARGE else []
    return np.concatenate([low, inner, high])


def _edges(values: Floats, count: int | None, *, is_time: bool) -> Floats:
    low, high = _visible_range(values)
    if not are_apart(low, high):
        # One value stands in the middle, with a bin's room on either side.
        reach = 1.0 if low == round(low) and abs(low) < 1e6 else abs(low) * 0.02 or 1.0
        return low + reach * np.array([-1.5, -0.5, 0.5, 1.5])
    is_whole = not is_time and low >= -(2**53) and high <= 2**53 and bool(np.all(values == np.rint(values)))
    if is_whole and high - low < _MOST and count is None:
        return np.arange(math.floor(low), math.ceil(high) + 2, dtype=np.float64) - 0.5
    wanted = count or _freedman_diaconis(values, low, high)
    if is_time:
        return np.linspace(low, high, wanted + 1)
    step = nice_step(high - low, wanted)
    if is_whole:
        step = max(1.0, float(round(step)))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    if is_whole and last * step <= high:
        last += 1  # a whole number at the upper edge opens a bin of its own: [60, 70) holds 60 to 69
    return np.arange(first, last + 1, dtype=np.float64) * step


def _visible_range(values: Floats) -> tuple[float, float]:
    """Where the axis ends: at the extremes, unless a few values lie far beyond all others."""
    low, high = float(values.min()), float(values.max())
    if len(values) < 50:
        return low, high
    first, last = (float(edge) for edge in np.quantile(values, (0.01, 0.99)))
    span = last - first
    if span <= 0 or high - low <= _FAR * span:
        return low, high
    return max(low, first - span / 4), min(high, last + span / 4)


def _freedman_diaconis(values: Floats, low: float, high: float) -> int:
    """Bin width 2 IQR / n^(1/3) (Freedman and Diaconis 1981), within what a figure can show."""
    quarter, three_quarters = np.quantile(values, (0.25, 0.75))
    bin_width = 2 * float(three_quarters - quarter) / len(values) ** (1 / 3)
    wanted = (high - low) / bin_width if bin_width > 0 else math.log2(len(values)) + 1
    return int(min(_MOST, max(_FEWEST, wanted)))
