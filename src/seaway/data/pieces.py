"""What a file gives when it is read piece by piece: rows, and what should have been rows but is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import Cell
from seaway.data.rows import Table

SHOWN = 80
"""So many signs of a broken line are kept."""


@dataclass(frozen=True, kw_only=True)
class Torn:
    """A line that is no row. `row` counts all rows of the file from 0, torn ones too; `line` from 1 (0: it has no lines)."""

    row: int
    line: int
    reason: str
    text: str = ""

    @property
    def cell(self) -> Cell:
        """The line as a finding beside those of cells."""
        name = f"line {self.line}" if self.line else "row"
        return Cell(row=self.row, column=name, value=repr(self.text), rule="ragged", fix=f"{self.reason}.")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows that stand together, nothing typed yet; `first` is the number of the first row, torn or not."""

    rows: Table
    first: int = 0
    torn: tuple[Torn, ...] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.torn)

    @property
    def numbers(self) -> Array:
        """The number in the file of each row (rows,) int64."""
        numbers = np.arange(self.first, self.first + len(self), dtype=np.int64)
        return np.delete(numbers, [torn.row - self.first for torn in self.torn]) if self.torn else numbers
