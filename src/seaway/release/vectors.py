"""Which of the witness's queries ship as parity vectors: few enough to replay at every load, one of every kind at least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from seaway.core.batch import Array, Json, Query
from seaway.core.contract import Contract

LIMIT, BYTES = 2000, 8 << 20
"""Queries that ship at most, and their JSON: a query about a series is as long as its history."""

Cell = tuple[str, str]
"""Where a value stands: among rows or options, and its column."""


def choose(queries: Sequence[Query], contract: Contract, *, limit: int = LIMIT, size: int = BYTES) -> Array:
    """Return positions of at most `limit` queries of together about `size` bytes, in order; one at least.

    Kept are the first query with each kind of cell (each category and truth value of each column, a text, a null, an
    absence, the smallest and the largest number, the fewest and the most rows), the rest is spread evenly, so that edges keep
    their neighbours' company.
    """
    if not queries:
        return np.zeros(0, dtype=np.int64)
    sizes = np.array([len(msgspec.json.encode(query)) for query in queries])
    if len(queries) <= limit and sizes.sum() <= size:
        return np.arange(len(queries))
    kinds = _one_of_each_kind(queries, contract)
    while True:
        chosen = _spread(kinds, len(queries), limit)
        total = int(sizes[chosen].sum())
        if total <= size or limit <= 1:
            return chosen
        limit = max(1, min(limit - 1, int(len(chosen) * size / total)))


def _spread(kinds: Array, total: int, limit: int) -> Array:
    kept = kinds[:limit]
    others = np.setdiff1d(np.arange(total), kept)
    places = np.linspace(0, len(others) - 1, min(limit - len(kept), len(others))).round().astype(np.int64)
    return np.sort(np.concatenate([kept, others[places]]).astype(np.int64))


def _one_of_each_kind(queries: Sequence[Query], contract: Contract) -> Array:
    """Return the positions of the first query with each kind of cell, in the order in which the kinds appear."""
    first: dict[tuple[Cell, object], int] = {}
    lowest: dict[Cell, tuple[float, int]] = {}
    highest: dict[Cell, tuple[float, int]] = {}
    for place, query in enumerate(queries):
        for cell, value in _cells(query, contract):
            if isinstance(value, int | float) and not isinstance(value, bool):
                lowest[cell] = min(lowest.get(cell, (value, place)), (value, place))
                highest[cell] = max(highest.get(cell, (value, -place)), (value, -place))
            else:
                first.setdefault((cell, _kind(cell, value, contract)), place)
    ends = [place for _, place in lowest.values()] + [-place for _, place in highest.values()]
    return np.unique(np.array([*first.values(), *ends], dtype=np.int64))


def _cells(query: Query, contract: Contract) -> Iterator[tuple[Cell, Json]]:
    """Yield every cell of a query; a column that a row leaves out is `...`."""
    yield ("", "rows"), len(query.rows)
    for option in contract.options:
        yield ("options", option.name), query.options.get(option.name, ...)
    for row in query.rows:
        for column in contract.columns:
            if column.role != "target" or column.name in row:
                yield ("rows", column.name), row.get(column.name, ...)


def _kind(cell: Cell, value: Json, contract: Contract) -> object:
    """Return what tells a cell's kind from another: the category itself, but of an id or a moment only that it is a text."""
    column = contract.by_name.get(cell[1]) if cell[0] == "rows" else None
    is_free = (
        column is not None and isinstance(value, str) and (column.role != "feature" or column.kind in ("time", "text"))
    )
    return str if is_free else repr(value)
