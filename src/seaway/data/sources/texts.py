"""Pieces of texts, gathered row by row, for sources in which each cell has a type of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from seaway.data.pieces import SHOWN, Piece, Torn
from seaway.data.rows import Table


class Gathering:
    """Rows on their way into pieces. None is an empty cell."""

    def __init__(self, names: Sequence[str], size: int) -> None:
        self._names, self._size = list(names), size
        self._rows: list[Sequence[str | None]] = []
        self._torn: list[Torn] = []
        self._first = 0
        self._is_first = True

    def add(self, cells: Sequence[str | None]) -> None:
        """Take a row, one cell per column."""
        self._rows.append(cells)

    def tear(self, line: int, reason: str, text: str = "") -> None:
        """Take note of a line that is no row; `reason` goes on after its number: "has 3 cells ..."."""
        row = self._first + len(self._rows) + len(self._torn)
        self._torn.append(Torn(row=row, line=line, reason=reason, text=text[:SHOWN]))

    def full(self) -> Iterator[Piece]:
        """Yield the piece that is full, if one is."""
        if len(self._rows) + len(self._torn) >= self._size:
            yield self._piece()

    def rest(self) -> Iterator[Piece]:
        """Yield what is left at the end; an empty piece where there was nothing at all."""
        if self._rows or self._torn or self._is_first:
            yield self._piece()

    def _piece(self) -> Piece:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._names)
        frame = pl.DataFrame(
            [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(self._names, columns, strict=True)]
        )
        piece = Piece(rows=Table(frame), first=self._first, torn=tuple(self._torn))
        self._first += len(self._rows) + len(self._torn)
        self._rows, self._torn, self._is_first = [], [], False
        return piece
