"""The one door to the sources: an address in, pieces of a table out, each with the same columns and types."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

import polars as pl

from seaway.core.errors import Malformed
from seaway.data.flat import flat
from seaway.data.pieces import Piece, Torn
from seaway.data.rows import Table
from seaway.data.sources.address import Address, Kind, refuse_absent

ROWS = 20_000
"""Rows of a piece, about."""
HOMES: dict[Kind, str] = {
    "excel": "seaway.data.sources.excel",
    "lines": "seaway.data.sources.lines",
    "sqlite": "seaway.data.sources.sqlite",
    "duckdb": "seaway.data.sources.duckdb",
    "postgresql": "seaway.data.sources.postgresql",
}


def pieces(address: Address, rows: int = ROWS) -> Iterator[Piece]:
    """Yield what an address names, about `rows` rows at a time, at least one piece (which may be empty).

    A source whose columns have types (PostgreSQL, DuckDB) keeps them. Where each cell has its own (a workbook, JSON lines,
    SQLite), all are texts as in a CSV file, so that the same guesses make the contract; an empty cell is null.
    """
    refuse_absent(address)
    # A library is imported by who names its kind of source: SQLite must not ask for DuckDB.
    read: Callable[[Address, int], Iterator[Piece]] = importlib.import_module(HOMES[address.kind]).pieces
    for piece in read(address, rows):
        yield Piece(rows=Table(flat(piece.rows.frame)), first=piece.first, torn=piece.torn)


def whole(address: Address, rows: int = ROWS) -> pl.DataFrame:
    """Return all rows at once; raises `Malformed` at the first line that is none."""
    frames = []
    for piece in pieces(address, rows):
        for torn in piece.torn:
            raise refusal(torn, address)
        frames.append(piece.rows.frame)
    return pl.concat(frames)


def refusal(torn: Torn, address: Address) -> Malformed:
    """Return a line that is no row as an error, for who needs all of them."""
    unit = "row" if address.kind == "excel" else "line"
    return Malformed(
        f"{unit.capitalize()} {torn.line} {torn.reason}",
        where=f"{address}, {unit} {torn.line}",
        fix=f"Correct the {unit}, or take it out.",
        code="ragged",
    )
