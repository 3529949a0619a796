"""From a contract to what clients could ask under it.

These queries become a bundle's parity vectors, so what they leave out is never proved.
"""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.batch import Array, Query
from seaway.core.contract import Contract
from seaway.data import sample_rows, sample_series


def sample(contract: Contract, edges: Mapping[int, Array], count: int, seed: int) -> list[Query]:
    """Return queries of one case each; `edges` are the values of matrix columns at which a model's answer jumps.

    Of tables at least `count`, one row each; of series as many as their kinds of history need.
    """
    if contract.per == "series":
        return sample_series.queries(contract, seed)
    return [Query(rows=[row]) for row in sample_rows.rows(contract.columns, edges, count, seed)]
