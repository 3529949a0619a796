"""What a pass over a file keeps of it: one value per piece, and the sum of all of them is about the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.errors import Cell
from seaway.data import clean, describe
from seaway.data.describe import Description
from seaway.data.encode.truth import text
from seaway.data.pieces import Piece, Torn
from seaway.data.rows import Table
from seaway.data.tally import bars, distinct, drawn
from seaway.data.tally.bars import Bars, Truth
from seaway.data.tally.distinct import Distinct
from seaway.data.tally.drawn import Drawn
from seaway.data.validate import CELLS, Validated, validate

TORN = 100
"""So many torn lines are listed; all are counted."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is counted: where the bars of each column stand, how the target splits them, and which columns tell rows apart."""

    contract: Contract
    columns: Mapping[str, Description]
    labels: tuple[str, ...] = ()
    is_number: bool = False
    telling: tuple[str, ...] = ()
    most: int = drawn.MOST


def plan(sample: Table, contract: Contract, *, most: int = drawn.MOST) -> Plan:
    """Lay out the bars by a sample of rows as read."""
    rows = validate(sample, contract).rows
    described = describe.describe(rows, contract)
    shares = describe.target_shares(rows, contract)
    few = 0 < len(shares) <= describe.MOST_CLASSES
    labels = sorted({*shares, *(contract.classes if len(contract.classes) <= describe.MOST_CLASSES else ())})
    return Plan(
        contract=contract,
        columns={one.name: one for one in described},
        labels=tuple(labels) if few else (),
        is_number=any(one.relation for one in described),
        telling=tuple(clean.telling(rows, contract)),
        most=most,
    )


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Additive figures of rows under a contract. `cells` and `torn` list the first ones; `count` and `tears` count all."""

    rows: int
    broken: int = 0
    count: int = 0
    cells: tuple[Cell, ...] = ()
    by_rule: Mapping[tuple[str, str], int] = field(default_factory=dict)
    soft: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    columns: Mapping[str, Bars] = field(default_factory=dict)
    content: Distinct
    drawn: Drawn
    tears: int = 0
    torn: tuple[Torn, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            rows=self.rows + other.rows,
            broken=self.broken + other.broken,
            count=self.count + other.count,
            cells=(*self.cells, *other.cells)[:CELLS],
            by_rule=_sum(self.by_rule, other.by_rule),
            soft=_sum(self.soft, other.soft),
            unknown=self.unknown,
            columns={name: one + other.columns[name] for name, one in self.columns.items()},
            content=self.content + other.content,
            drawn=self.drawn + other.drawn,
            tears=self.tears + other.tears,
            torn=(*self.torn, *other.torn)[:TORN],
        )

    def described(self, plan: Plan) -> list[Description]:
        """Return every column as it is distributed over all rows."""
        return [self.columns[name].described(one) for name, one in plan.columns.items()]


def tally(piece: Piece, plan: Plan, so_far: Tally | None = None) -> Tally:
    """Return the figures of one piece. `so_far` only saves work: what its sum with this would leave out is left out at once."""
    found = validate(piece.rows, plan.contract)
    truth = _truth(found.rows, plan)
    numbers = piece.numbers
    return Tally(
        rows=len(found.rows),
        broken=len(found.broken),
        count=found.count,
        cells=_moved(found, numbers),
        by_rule=found.by_rule,
        soft=found.soft,
        unknown=found.unknown,
        columns={
            name: bars.count(
                found.rows.series(name), one, truth, level=so_far.columns[name].distinct.level if so_far else 0
            )
            for name, one in plan.columns.items()
        },
        content=distinct.of_rows(found.whole.frame.select(plan.telling), level=so_far.content.level if so_far else 0),
        drawn=drawn.of(piece.rows.frame, numbers, most=plan.most, limit=so_far.drawn.limit if so_far else drawn.LAST),
        tears=len(piece.torn),
        torn=piece.torn[:TORN],
    )


def _moved(found: Validated, numbers: Array) -> tuple[Cell, ...]:
    return tuple(
        Cell(row=int(numbers[cell.row]), column=cell.column, value=cell.value, rule=cell.rule, fix=cell.fix)
        for cell in found.cells
    )


def _truth(rows: Table, plan: Plan) -> Truth:
    target = plan.contract.target
    if target is None or target.name not in rows.names or not (plan.labels or plan.is_number):
        return Truth()
    series = rows.series(target.name)
    if not plan.labels:
        return Truth(values=series.cast(pl.Float64).fill_null(np.nan).to_numpy())
    different = series.drop_nulls().unique()
    place = {label: at for at, label in enumerate(plan.labels)}
    codes = [place.get(text(value), -1) for value in different.to_list()]
    found = series.replace_strict(different, pl.Series(codes, dtype=pl.Int64), default=-1, return_dtype=pl.Int64)
    return Truth(labels=plan.labels, classes=found.fill_null(-1).to_numpy())


def _sum(ours: Mapping[tuple[str, str], int], theirs: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: ours.get(key, 0) + theirs.get(key, 0) for key in (*ours, *(key for key in theirs if key not in ours))}
