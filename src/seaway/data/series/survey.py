"""A look at the times of series under their contract: how many rows are where they should be, and what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from seaway.core.batch import Array, Ids
from seaway.core.contract import Contract
from seaway.data.encode import cases, laying
from seaway.data.encode.clock import Clock
from seaway.data.rows import Table
from seaway.data.series.moments import typed_times


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found. Masks are of rows (n,); `lengths` and `holes` (cases,) count known values and gaps of each series."""

    contract: Contract
    clock: Clock
    ids: list[Ids]
    case: Array
    moment: Array
    timeless: Array
    duplicate: Array
    off_grid: Array
    never: Array
    twice: Array
    has_offsets: bool
    lengths: Array
    holes: Array
    span: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.case)

    @property
    def changes_clocks(self) -> bool:
        """Whether rows of one series stand twice only where clocks are set back: on Sundays in autumn, in the night."""
        at = self.moment[self.duplicate].astype("datetime64[ns]").astype("datetime64[s]").tolist()
        return len(at) > 0 and all(isinstance(one, datetime) and _is_autumn_night(one) for one in at)

    def example(self, where: Array) -> str:
        """Show the first of the marked rows: its time and its series."""
        row = int(np.flatnonzero(where)[0])
        named = ", ".join(self.ids[int(self.case[row])].values())
        return self.clock.texts(self.moment[row : row + 1])[0] + (f" of {named}" if named else "")


def survey(rows: Table, contract: Contract) -> Survey:
    """Look at rows, as read or typed."""
    clock = Clock(contract)
    found = typed_times(rows.frame, clock.column, contract)
    moment = found.series.cast(pl.Datetime("ns")).dt.timestamp("ns").fill_null(0).to_numpy()
    timeless = found.series.is_null().to_numpy()
    case, ids = cases.of_rows(rows, [column.name for column in contract.having("id")])
    at = np.flatnonzero(~timeless)
    _, own = np.unique(case[at], return_inverse=True)
    known = ~_missing(rows, contract)[at]
    count = int(own.max(initial=-1)) + 1
    placed = laying.place(own, moment[at], known, clock.frequency, count)
    duplicate, off_grid = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    duplicate[at], off_grid[at] = placed.faults.duplicate, placed.faults.off_grid
    spans = np.zeros(count, dtype=np.int64)
    np.maximum.at(spans, placed.case, placed.place + 1)
    right = ~(placed.faults.duplicate | placed.faults.off_grid)
    twice = np.zeros(len(rows), dtype=bool)
    if clock.zone is not None:
        shown = clock.zone.instants(clock.zone.wall(moment[at]))
        twice[at] = (shown.first != shown.second) & ~shown.never
    return Survey(
        contract=contract,
        clock=clock,
        ids=ids,
        case=case,
        moment=moment,
        timeless=timeless,
        duplicate=duplicate,
        off_grid=off_grid,
        never=found.broken.get("zone", np.zeros(len(rows), dtype=bool)),
        twice=twice,
        has_offsets=has_offsets(rows.series(clock.column.name)),
        lengths=np.bincount(own, weights=known, minlength=count).astype(np.int64),
        holes=spans - np.bincount(own[right], minlength=count) if count else spans,
        span=int(spans.sum()),
    )


def has_offsets(times: pl.Series) -> bool:
    """Say whether times carry an offset from UTC."""
    if times.dtype == pl.String:
        return bool(times.drop_nulls().head(1000).str.contains(r"\d:\d.*([Zz]|[+-]\d{2}:?\d{2})$").any())
    return isinstance(times.dtype, pl.Datetime) and bool(times.dtype.time_zone)


def _missing(rows: Table, contract: Contract) -> Array:
    target = contract.having("target")[0].name
    if target not in rows.names:
        return np.ones(len(rows), dtype=bool)
    return rows.column(target)[1]


def _is_autumn_night(at: datetime) -> bool:
    return at.month in (10, 11) and at.weekday() == 6 and at.hour < 4
