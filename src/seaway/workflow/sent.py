"""A table's rows as a client would send them: what a file holds as text is typed by the contract."""

from __future__ import annotations

from typing import Any

from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.data import read
from seaway.data.rows import Table
from seaway.data.validate import validate

KEPT = frozenset({"null", "range"})
"""Rules that a cell breaks with a value of the right kind (or none): what typing made of it breaks them too."""


def as_sent(rows: Rows, contract: Contract) -> list[dict[str, Json]]:
    """Return the rows as JSON objects: without the target, unless it is a series' history.

    A cell that breaks the contract stays as it stands, so that the model's own encoder refuses it and says why: who
    refuses is one place.
    """
    block = typed(rows, contract)
    return block if isinstance(block, list) else block.records()


def typed(rows: Rows, contract: Contract) -> Rows | list[dict[str, Json]]:
    """Return the rows with their values typed by the contract, as `as_sent` does; as a table where none is broken."""
    table = read.table(rows)
    target = contract.target if contract.series is None else None
    frame = table.frame.drop(target.name, strict=False) if target else table.frame
    asked = Table(frame, table.formats)
    found = validate(asked, contract, cap=len(asked) * len(contract.columns))
    if not len(found.broken):
        return found.rows
    records: list[dict[str, Any]] = found.rows.records()
    for cell in found.cells:
        if cell.rule not in KEPT:
            records[cell.row][cell.column] = frame.item(cell.row, cell.column)
    return records
