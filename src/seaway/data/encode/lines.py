"""Rows of a request, line by line: each one's numbers, or every cell of it that breaks the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seaway.core.batch import Array, Flag, Json
from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput, Cell
from seaway.data.encode import cell, generate
from seaway.data.encode.refusal import CELLS, cell_of, meant
from seaway.data.encode.rules import Rules

Beside = Callable[[Mapping[str, Json]], object]
"""Reads of a whole row what it holds beside its features; raises `Broken`."""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What was read: `x` (accepted rows, features) and flags count accepted rows; `refused` goes by row of the request.

    `count` counts every broken cell, listed or not.
    """

    x: Array
    flags: Sequence[Flag] = ()
    refused: Mapping[int, tuple[Cell, ...]] = field(default_factory=dict)
    count: int = 0


class LineReader:
    """Reads rows under one contract: `fed` are the columns of the matrix.

    `others` say, by column, what is wrong with a row's cells beside them; they are asked about broken rows only.
    """

    def __init__(self, contract: Contract, fed: Sequence[Rules], others: Mapping[str, Beside]) -> None:
        self.fed = fed
        self._readers = {rules.column.name: cell.reader(rules) for rules in fed}
        self._row = generate.row_function(fed, list(self._readers.values()))
        self._others = others
        self._known = frozenset(contract.by_name)
        self._open_ended = contract.extra == "ignore"
        self._width = sum(len(rules.column.encoded) for rules in fed)

    def read(self, rows: Sequence[Mapping[str, Json]], beside: Beside | None = None) -> Lines:
        """Read every row that may pass; `beside` is called with each row whose features may."""
        numbers: list[float] = []
        flags: list[Flag] = []
        refused: dict[int, tuple[Cell, ...]] = {}
        broken, listed = 0, 0
        known, encode, open_ended = self._known, self._row, self._open_ended
        for number, row in enumerate(rows):
            places, flagged = len(numbers), len(flags)
            try:
                if not (open_ended or known.issuperset(row)):
                    raise cell.Broken("unknown", "")
                encode(row, number - len(refused), numbers, flags)
                if beside is not None:
                    beside(row)
            except cell.Broken:
                del numbers[places:], flags[flagged:]
                cells, count = self._broken_cells(number, row, max(1, CELLS - listed))
                refused[number] = cells
                broken, listed = broken + count, listed + len(cells)
        x = np.array(numbers, dtype=np.float32).reshape(len(rows) - len(refused), self._width)
        return Lines(x=x, flags=flags, refused=refused, count=broken)

    def _broken_cells(self, number: int, row: Mapping[str, Json], room: int) -> tuple[tuple[Cell, ...], int]:
        """List up to `room` broken cells of a row and count all: the slow path, taken only for a row that has one."""
        unknown = [] if self._open_ended else [name for name in row if name not in self._known]
        found = [
            cell_of(number, name, row[name], "unknown", f"The contract has no such column.{meant(name, self._known)}")
            for name in unknown[:room]
        ]
        count = len(unknown)
        for name in dict.fromkeys((*self._readers, *self._others)):
            try:
                if name in self._readers:
                    self._readers[name](row.get(name, cell.ABSENT), number, [])
                if name in self._others:
                    self._others[name](row)
            except cell.Broken as broken:
                count += 1
                if len(found) < room:
                    found.append(cell_of(number, name, row.get(name), broken.rule, broken.fix))
        return tuple(found), count


def refuse_foreign(contract: Contract, per: str) -> None:
    """Raise `BadInput` where a contract is about other cases, or feeds a model what is no number or category."""
    fed: list[Column] = [column for column in contract.columns if column.encoded or column.encode == "array"]
    strange = [
        column
        for column in fed
        if column.role == "feature" and (column.kind in ("text", "image", "array", "table") or column.encode == "array")
    ]
    if strange or contract.per != per:
        what = f"column {strange[0].name!r} of kind {strange[0].kind!r}" if strange else f"per = {contract.per!r}"
        raise BadInput(
            f"A {'table' if per == 'row' else per} cannot feed {what} to a model",
            where="contract",
            fix='Set its role to "ignore", or turn it into numbers or categories first.',
            code="contract",
        )
