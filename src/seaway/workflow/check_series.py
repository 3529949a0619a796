"""The part of the data page that only series have: how long they are, and what they look like over time."""

from __future__ import annotations

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.data.rows import Table
from seaway.report import figures, text
from seaway.report.elements import Tile, gallery, tiles
from seaway.report.figures import Line
from seaway.report.markup import Html
from seaway.report.page import Section, section

SHOWN = 6
"""Series that are drawn: from the largest to the smallest in even steps."""


def sections(rows: Table, contract: Contract) -> list[Section]:
    """Return the section of series; none where the contract is not about series."""
    if contract.series is None or contract.target is None or not len(rows):
        return []
    case = encoder_of(contract).cases(rows)
    return [
        section(
            "Series",
            _tiles(case, contract),
            gallery(*(_drawn(rows, contract, case == one) for one in _chosen(rows, contract, case))),
            intro=f"By their size, from the largest to the smallest; times are those of {contract.series.zone}.",
        )
    ]


def _tiles(case: Array, contract: Contract) -> Html:
    shape = contract.series
    assert shape is not None  # asked before
    lengths = np.bincount(case)
    return tiles(
        Tile(label="Series", value=text.integer(len(lengths))),
        Tile(label="Rows of the shortest, median and longest", value=_three(lengths)),
        Tile(label="Frequency and season", value=f"{shape.frequency}, {shape.season} rows"),
        Tile(label="Answered ahead, from the newest", value=f"{shape.horizon} from {shape.history} rows"),
    )


def _three(lengths: Array) -> str:
    return ", ".join(text.integer(int(one)) for one in (lengths.min(), np.median(lengths), lengths.max()))


def _chosen(rows: Table, contract: Contract, case: Array) -> list[int]:
    """Return some series from the largest mean of the target to the smallest."""
    values, missing = _target(rows, contract)
    known = ~missing
    total = np.bincount(case[known], weights=np.abs(values[known]), minlength=int(case.max()) + 1)
    mean = total / np.maximum(1, np.bincount(case[known], minlength=len(total)))
    order = np.argsort(-mean, kind="stable")
    return [int(order[place]) for place in np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(int))]


def _drawn(rows: Table, contract: Contract, own: Array) -> Html:
    values, missing = _target(rows, contract)
    at = rows.column(contract.having("time")[0].name)[0][own]
    order = np.argsort(at, kind="stable")
    y = np.where(missing, np.nan, values)[own][order]
    name = _named(rows, contract, own)
    unit = contract.target.unit if contract.target else ""
    return figures.lines(
        [Line(name=name, x=at[order], y=y)], title=name, unit=unit, is_time=True, width=figures.HALF, height=220
    )


def _named(rows: Table, contract: Contract, own: Array) -> str:
    first = int(np.flatnonzero(own)[0])
    parts = [str(rows.column(column.name)[0][first]) for column in contract.having("id")]
    return ", ".join(parts) or (contract.target.name if contract.target else "")


def _target(rows: Table, contract: Contract) -> tuple[Array, Array]:
    assert contract.target is not None  # asked before
    values, missing = rows.column(contract.target.name)
    return values.astype(np.float64), missing
