"""What a file gives when it is read piece by piece: rows, and what should have been rows but is none."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows that stand together, nothing typed yet; `first` is the number of the first row, torn or not."""

    rows: Table
    first: int = 0
    torn: tuple[Torn, ...] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.torn)
