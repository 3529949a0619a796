"""Rows of many series laid on their grids: sorted, trimmed to the newest, gaps opened, the steps ahead behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import BadInput
from seaway.data.encode.frequency import Frequency, Grid

SPARSE, ALWAYS = 50, 1_000_000
"""A layout may be 50 times longer than the rows it is of, or have a million lines: beyond, the frequency is too fine."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Rows (n,) as they were given that cannot stand where they do, and series (cases,) without a known value or with gaps."""

    duplicate: Array
    off_grid: Array
    unknown: Array
    gap: Array

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return any(bool(where.any()) for where in (self.duplicate, self.off_grid, self.unknown, self.gap))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where rows stand: case c has the lines `starts[c]:starts[c + 1]`, of which the first `seen[c]` are history.

    row (k,) numbers the given rows that have a line, in order of case and time; line (k,) is where they stand; time (lines,).
    `beyond` (cases,) says where rows lay behind the last step, `gap` (cases,) the first line of history without a row, or -1.
    """

    starts: Array
    seen: Array
    row: Array
    line: Array
    time: Array
    beyond: Array
    gap: Array

    @property
    def lines(self) -> int:
        """Number of lines."""
        return int(self.starts[-1])

    @property
    def case(self) -> Array:
        """The case of each line (lines,)."""
        return np.repeat(np.arange(len(self.seen)), np.diff(self.starts))

    @property
    def ahead(self) -> Array:
        """Whether each line is a step asked about (lines,)."""
        return np.asarray(np.arange(self.lines) >= (self.starts[:-1] + self.seen)[self.case])

    def spread(self, values: Array, blank: object) -> Array:
        """Return values (n, ...) of the given rows by line, `blank` where no row stands."""
        found = np.full((self.lines, *values.shape[1:]), blank, dtype=values.dtype)
        found[self.line] = values[self.row]
        return found


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Given rows sorted by case and time, each with its place on the grid; series s = starts[s]:starts[s + 1]."""

    row: Array
    case: Array
    moment: Array
    place: Array
    starts: Array
    grid: Grid
    origin: Array
    faults: Faults


def place(case: Array, moment: Array, known: Array, frequency: Frequency, cases: int) -> Placed:
    """Find the place of each row (n,) on the grid of its case; `origin` (cases,) is the place of the newest known value."""
    row = np.lexsort((moment, case))
    own, when = case[row], moment[row]
    starts = np.searchsorted(own, np.arange(cases + 1))
    grid = frequency.grid(when, starts)
    places, off = frequency.places(when, grid.take(own))
    origin = np.full(cases, -1, dtype=np.int64)
    told = known[row]
    np.maximum.at(origin, own[told], places[told])
    again = np.zeros(len(row), dtype=bool)
    again[1:] = (own[1:] == own[:-1]) & (when[1:] == when[:-1])
    duplicate, off_grid = np.zeros(len(row), dtype=bool), np.zeros(len(row), dtype=bool)
    duplicate[row], off_grid[row] = again, off & ~again
    faults = Faults(duplicate=duplicate, off_grid=off_grid, unknown=origin < 0, gap=np.zeros(cases, dtype=bool))
    return Placed(row=row, case=own, moment=when, place=places, starts=starts, grid=grid, origin=origin, faults=faults)


def lay(placed: Placed, frequency: Frequency, history: int | Array, steps: Array) -> Layout:
    """Lay rows out: the newest `history` lines up to the origin (0 = all; one number or (cases,)), then `steps` (cases,)."""
    history = np.broadcast_to(np.asarray(history, dtype=np.int64), steps.shape)
    last = placed.origin + steps
    held = placed.place <= last[placed.case]
    held &= (placed.place > (placed.origin - history)[placed.case]) | (history == 0)[placed.case]
    case, places = placed.case[held], placed.place[held]
    first = places[np.searchsorted(case, np.arange(len(last)))]  # a window never begins with a gap
    starts = np.concatenate([[0], np.cumsum(last - first + 1)])
    if starts[-1] > max(ALWAYS, SPARSE * len(placed.row)):
        raise BadInput(
            f"{len(placed.row)} rows would become {starts[-1]} at the frequency {frequency}: nearly all of them gaps",
            where="contract, [series] frequency",
            fix="Set the frequency at which rows really come.",
            code="frequency",
        )
    line = starts[case] + places - first[case]
    owner = np.repeat(np.arange(len(first)), np.diff(starts))
    every = np.arange(starts[-1]) - starts[owner] + first[owner]
    # A month's last day is told by the rows that are held, so that the same rows give the same times wherever they come from.
    day = frequency.grid(placed.moment[held], np.searchsorted(case, np.arange(len(first) + 1))).day
    time = frequency.moments(every, Grid(placed.grid.anchor, day).take(owner))
    empty = np.ones(len(time), dtype=bool)
    time[line], empty[line] = placed.moment[held], False
    seen = placed.origin - first + 1
    return Layout(
        starts=starts,
        seen=seen,
        row=placed.row[held],
        line=line,
        time=time,
        beyond=np.bincount(placed.case[placed.place > last[placed.case]], minlength=len(first)) > 0,
        gap=_first_gap(empty, starts, seen),
    )


def _first_gap(empty: Array, starts: Array, seen: Array) -> Array:
    """Return the first empty line of each case's history, -1 where there is none."""
    found = np.full(len(seen), -1, dtype=np.int64)
    lines = np.flatnonzero(empty)[::-1]
    owner = np.searchsorted(starts, lines, side="right") - 1
    inside = lines < (starts[:-1] + seen)[owner]
    found[owner[inside]] = lines[inside]
    return found
