"""Hold rows to a contract: type them, repair them row by row, and list every broken cell.

The rules are those of `encode.cell`, over whole columns; what passes here is encoded without a further question.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from seaway.core.batch import Array, Flag
from seaway.core.contract import Column, Contract
from seaway.core.errors import Cell, NotFound
from seaway.core.protocols import Rows
from seaway.data.cast import Typed, typed
from seaway.data.encode.cell import example, known
from seaway.data.encode.rules import Rules
from seaway.data.rows import Table
from seaway.data.series import moments

CELLS = 100
"""So many broken cells are listed; all are counted."""


@dataclass(frozen=True, kw_only=True)
class Validated:
    """Rows typed and repaired, with what was found.

    `cells` lists broken cells up to a cap, `count` counts them all, `broken` holds the numbers of the rows they are in.
    `soft` counts flags by (column, rule); `flags` are the "blank" ones, which the typed rows no longer show.
    """

    rows: Table
    cells: tuple[Cell, ...]
    count: int
    broken: Array
    by_rule: Mapping[tuple[str, str], int] = field(default_factory=dict)
    soft: Mapping[tuple[str, str], int] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def whole(self) -> Table:
        """The rows without the broken ones."""
        if not len(self.broken):
            return self.rows
        keep = np.ones(len(self.rows), dtype=bool)
        keep[self.broken] = False
        return self.rows.take(keep)


def validate(rows: Rows, contract: Contract, *, cap: int = CELLS) -> Validated:
    """Type and repair `rows` as the contract says; exact counts, at most `cap` cells listed in order of row."""
    raw = _frame_of(rows)
    _refuse_missing_columns(raw, contract)
    cells: list[Cell] = []
    broken = np.zeros(raw.height, dtype=bool)
    columns: list[pl.Series] = []
    by_rule: dict[tuple[str, str], int] = {}
    soft: dict[tuple[str, str], int] = {}
    flags: list[Flag] = []
    formats: dict[str, str] = {}
    for column in contract.columns:
        if column.name not in raw.columns:
            if column.role == "feature":
                columns.append(_absent(column, raw.height))
            continue
        if contract.series is not None and column.role == "time":
            found = moments.typed_times(raw, column, contract)
        else:
            found = typed(raw.get_column(column.name), Rules.of(column))
        columns.append(found.series)
        formats[column.name] = column.format
        for rule, where in found.broken.items():
            numbers = np.flatnonzero(where)
            by_rule[column.name, rule] = len(numbers)
            broken |= where
            cells += [_cell(int(number), column, raw, rule) for number in numbers[:cap]]
        _note_soft(found, column, soft, flags)
    cells.sort(key=lambda cell: cell.row)
    return Validated(
        rows=Table(pl.DataFrame(columns), formats),
        cells=tuple(cells[:cap]),
        count=sum(by_rule.values()),
        broken=np.flatnonzero(broken),
        by_rule=by_rule,
        soft=soft,
        flags=tuple(flags),
        unknown=tuple(name for name in raw.columns if name not in contract.by_name),
    )


def _note_soft(found: Typed, column: Column, soft: dict[tuple[str, str], int], flags: list[Flag]) -> None:
    for rule, where in found.soft.items():
        numbers = np.flatnonzero(where).tolist()
        if not numbers:
            continue
        soft[column.name, rule] = len(numbers)
        if rule == "blank" and column.encoded:
            flags += [Flag(row=number, column=column.name, rule=rule) for number in numbers]


def _frame_of(rows: Rows) -> pl.DataFrame:
    if isinstance(rows, Table):
        return rows.frame
    series = []
    for name in rows.names:
        values, missing = rows.column(name)
        plain = [None if gone else value for value, gone in zip(values.tolist(), missing.tolist(), strict=True)]
        series.append(pl.Series(name, plain, strict=False))
    return pl.DataFrame(series)


def _refuse_missing_columns(raw: pl.DataFrame, contract: Contract) -> None:
    """A file lacks a column as a whole: one clear error says more than a broken cell in each row."""
    needed = [column for column in contract.columns if column.role == "feature"]
    gone = [column.name for column in needed if column.name not in raw.columns]
    required = [name for name in gone if contract.by_name[name].absent == "error"]
    if not required and (not gone or len(gone) < len(needed)):
        return
    name = (required or gone)[0]
    near = difflib.get_close_matches(name, raw.columns, n=1, cutoff=0.5)
    raise NotFound(
        f"The data have no column {name!r}, which the contract asks for",
        where="data",
        fix=f"Did you mean {near[0]!r}?" if near else f"The columns are: {', '.join(raw.columns[:30])}.",
        code="missing-column",
    )


def _absent(column: Column, height: int) -> pl.Series:
    kinds = {"number": pl.Float64(), "integer": pl.Int64(), "boolean": pl.Boolean(), "time": pl.Datetime("ns")}
    return pl.Series(column.name, [None] * height, dtype=kinds.get(column.kind, pl.String()))


def _cell(row: int, column: Column, raw: pl.DataFrame, rule: str) -> Cell:
    value = raw.get_column(column.name)[row]
    shown = "null" if value is None else repr(value) if isinstance(value, str) else str(value)
    return Cell(row=row, column=column.name, value=shown[:80], rule=rule, fix=_fix(column, rule))


def _fix(column: Column, rule: str) -> str:
    name = column.name
    if rule == "range" and column.range:
        return f"Give a number from {column.range[0]:g} to {column.range[1]:g}."
    if rule == "category":
        return known(column.categories)
    if rule == "time":
        return f"Write the time like {example(column.format)!r}, between 1678 and 2261."
    return {
        "zone": f"Clocks never showed the {name!r}: they were set forward. Write it with its offset, or correct the zone.",
        "type": f"{name!r} is of kind {column.kind}: correct the cell, or list the text as blank or mapped in contract.toml.",
        "null": f"Give {name!r} a value: the contract allows no missing one.",
        "exact": f"Give an integer between -2^53 + 1 and 2^53 - 1; mark {name!r} as an id if it is one.",
        "finite": "Give a finite number, or leave the cell empty.",
    }.get(rule, "Correct the cell.")
