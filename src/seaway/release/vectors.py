"""Which of the witness's requests ship as parity vectors: few enough to replay at every load, one of every kind at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Json

LIMIT = 2000


def choose(requests: Sequence[Mapping[str, Json]], limit: int = LIMIT) -> Array:
    """Return positions of at most `limit` requests, in order.

    Kept are the first request with each kind of cell (each text and truth value of each column, its null, its absence, and the
    smallest and the largest number), the rest is spread evenly, so that edges keep their neighbours' company.
    """
    if len(requests) <= limit:
        return np.arange(len(requests))
    kept = _one_of_each_kind(requests)[:limit]
    others = np.setdiff1d(np.arange(len(requests)), kept)
    spread = np.linspace(0, len(others) - 1, limit - len(kept)).round().astype(np.int64)
    return np.sort(np.concatenate([kept, others[spread]]).astype(np.int64))


def _one_of_each_kind(requests: Sequence[Mapping[str, Json]]) -> Array:
    columns = sorted({name for row in requests for name in row})
    first: dict[tuple[str, object], int] = {}
    lowest: dict[str, tuple[float, int]] = {}
    highest: dict[str, tuple[float, int]] = {}
    for place, row in enumerate(requests):
        for name in columns:
            value = row.get(name, "") if name in row else ...
            if isinstance(value, int | float) and not isinstance(value, bool):
                lowest[name] = min(lowest.get(name, (value, place)), (value, place))
                highest[name] = max(highest.get(name, (value, -place)), (value, -place))
            else:
                first.setdefault((name, repr(value)), place)
    ends = [place for _, place in lowest.values()] + [-place for _, place in highest.values()]
    return np.unique(np.array([*first.values(), *ends], dtype=np.int64))
