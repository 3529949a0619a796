"""Many points as few bytes: path data, and thinning that keeps every peak."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seaway.report.markup import coordinate

Floats = npt.NDArray[np.float64]

_MOST = 600  # points of a path: more than one in two pixels cannot be seen


def polyline(x: Floats, y: Floats) -> str:
    """The path through the points, in pixels."""
    return "M" + "L".join(f"{coordinate(a)} {coordinate(b)}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def band(x: Floats, low: Floats, high: Floats) -> str:
    """The closed path between two lines."""
    return polyline(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])) + "Z"


def thin(values: Floats, most: int = _MOST) -> npt.NDArray[np.int64]:
    """Row numbers of at most about `most` points: first, last, lowest and highest of each stretch, so that no peak is lost."""
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 4 + 1).astype(np.int64)
    kept = [
        place
        for start, end in pairwise(edges.tolist())
        for place in (start, start + np.argmin(values[start:end]), start + np.argmax(values[start:end]), end - 1)
    ]
    return np.unique(np.array(kept, dtype=np.int64))
