"""What is said of cells that break the contract."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seaway.core.batch import Json
from seaway.core.errors import BrokenContract, Cell

CELLS = 100
"""So many broken cells are listed; all are counted."""


def cell_of(row: int, column: str, value: Json, rule: str, fix: str) -> Cell:
    """Return a broken cell, its value as JSON shows it, cut short."""
    try:
        shown = msgspec.json.encode(value).decode()
    except (TypeError, msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        shown = type(value).__name__  # a Python object that is no JSON
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return Cell(row=row, column=column[:80], value=shown, rule=rule, fix=fix)


def refusal(refused: Mapping[int, Sequence[Cell]], count: int) -> BrokenContract:
    """Return the error for refused cases, by case or row; `count` counts all of their broken cells."""
    cells = [found for one in refused.values() for found in one]
    rows = len({found.row for found in cells})
    first = cells[0]
    return BrokenContract(
        f"{count} cell{'s' * (count > 1)} in {rows} row{'s' * (rows > 1)} break the contract; "
        f"the first is {first.column!r} = {first.value} (rule: {first.rule})",
        cells=tuple(cells[:CELLS]),
        count=count,
        where=f"$.rows[{first.row}].{first.column}",
        fix=first.fix,
    )


def meant(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is nearest, or nothing."""
    near = difflib.get_close_matches(name[:80], sorted(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
