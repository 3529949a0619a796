"""The one door to the sources: an address in, frames out, each with the same columns and types."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

import polars as pl

from seaway.data.sources.address import Address, Kind, refuse_absent

ROWS = 20_000
"""Rows of a frame, about."""
HOMES: dict[Kind, str] = {
    "excel": "seaway.data.sources.excel",
    "lines": "seaway.data.sources.lines",
    "sqlite": "seaway.data.sources.sqlite",
    "duckdb": "seaway.data.sources.duckdb",
    "postgresql": "seaway.data.sources.postgresql",
}


def frames(address: Address, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """Yield what an address names, about `rows` rows at a time, at least one frame.

    A source whose columns have types (PostgreSQL, DuckDB) keeps them. Where each cell has its own (a workbook, JSON lines,
    SQLite), all are texts as in a CSV file, so that the same guesses make the contract; an empty cell is null.
    """
    refuse_absent(address)
    # A library is imported by who names its kind of source: SQLite must not ask for DuckDB.
    read: Callable[[Address, int], Iterator[pl.DataFrame]] = importlib.import_module(HOMES[address.kind]).frames
    yield from read(address, rows)
