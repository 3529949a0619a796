"""A table's rows as a client would send them: what a file holds as text is typed by the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seaway.core.batch import Flag, Json
from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.data import read
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.validate import Validated, validate
from seaway.serve.offline import Parted

KEPT = frozenset({"null", "range"})
"""Rules that a cell breaks with a value of the right kind (or none): what typing made of it breaks them too."""


def as_sent(rows: Rows, contract: Contract) -> list[dict[str, Json]]:
    """Return the rows as JSON objects: without the target, unless it is a series' history.

    A cell that breaks the contract stays as it stands, so that the model's own encoder refuses it and says why: who
    refuses is one place.
    """
    asked, found = _held(rows, contract)
    records: list[dict[str, Json]] = found.rows.records()
    _restore(records, range(len(records)), found, asked)
    return records


def parted(piece: Piece, contract: Contract) -> Parted:
    """Return a piece of a file as `serve.offline` answers it: whole rows typed by the contract, broken and torn ones apart."""
    asked, found = _held(piece.rows, contract)
    numbers = piece.numbers - piece.first
    broken = found.broken.tolist()
    records: list[dict[str, Json]] = found.rows.records(found.broken) if broken else []
    _restore(records, broken, found, asked)
    return Parted(
        rows=found.whole,
        size=len(piece),
        broken={int(numbers[row]): record for row, record in zip(broken, records, strict=True)},
        torn={torn.row - piece.first: torn.cell for torn in piece.torn},
        flags=_flags_of_whole(found),
    )


def _flags_of_whole(found: Validated) -> list[Flag]:
    """Return the flags of the rows that are not broken, by their place among those."""
    broken = set(found.broken.tolist())
    kept = [flag for flag in found.flags if flag.row not in broken]
    before = np.searchsorted(found.broken, [flag.row for flag in kept])
    return [replace(flag, row=flag.row - int(shift)) for flag, shift in zip(kept, before, strict=True)]


def _held(rows: Rows, contract: Contract) -> tuple[Table, Validated]:
    table = read.table(rows)
    target = contract.target if contract.series is None else None
    frame = table.frame.drop(target.name, strict=False) if target else table.frame
    asked = Table(frame, table.formats)
    return asked, validate(asked, contract, cap=len(asked) * len(contract.columns))


def _restore(records: list[dict[str, Json]], numbers: Sequence[int], found: Validated, asked: Table) -> None:
    """Put back what stood in the broken cells of these rows."""
    place = dict(zip(numbers, records, strict=True)) if found.cells else {}
    for cell in found.cells:
        if cell.rule not in KEPT:
            place[cell.row][cell.column] = asked.frame.item(cell.row, cell.column)
