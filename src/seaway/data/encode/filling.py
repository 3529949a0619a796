"""From rows on their grid to the batch: gaps and steps ahead are filled in, and what nobody can know ahead is taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array, Batch, Flag, Ids
from seaway.core.contract import CODE_MISSING, Contract
from seaway.data.encode import times
from seaway.data.encode.clock import Clock
from seaway.data.encode.laying import Layout

STATIC = "static"
"""The part of a column that never changes within a series."""


class Filler:
    """Makes batches of one contract."""

    def __init__(self, contract: Contract, clock: Clock) -> None:
        self._clock = clock
        self._target = contract.having("target")[0].name
        self._fill = 0.0 if contract.series is not None and contract.series.gaps == "zero" else np.nan
        fed = [column for column in contract.columns if column.encoded]
        names = [name for column in fed for name in column.encoded]
        own = [column.role == "time" for column in fed for _ in column.encoded]
        self._parts = [(place, names[place].rpartition(".")[2]) for place, is_time in enumerate(own) if is_time]
        self._given = np.flatnonzero(~np.array(own, dtype=bool))
        given = [column for column in fed if column.role != "time" for _ in column.encoded]
        self._blank = np.array(
            [CODE_MISSING if column.kind == "category" else np.nan for column in given], dtype=np.float32
        )
        self._static = np.flatnonzero([column.part == STATIC for column in given])
        self._past = np.flatnonzero([not column.ahead and column.part != STATIC for column in given])
        self._ahead = {column.name for column in given if column.ahead or column.part == STATIC}
        self._width = len(names)

    def batch(self, layout: Layout, x: Array, target: Array, ids: Sequence[Ids], flags: Sequence[Flag] = ()) -> Batch:
        """Return the batch of laid-out rows: x (n, features without the time's parts) and target (n,) of the given rows.

        `flags` count the given rows; those of rows without a line, and of what is taken out, are dropped.
        """
        ahead = layout.ahead
        steps = (np.diff(layout.starts) - layout.seen).tolist()
        return Batch(
            x=self._matrix(layout, x, ahead),
            starts=layout.starts,
            seen=layout.seen,
            arrays={self._target: self.values(layout, target, ahead)},
            time=layout.time,
            options=[{"horizon": step, "ids": one} for step, one in zip(steps, ids, strict=True)],
            flags=self._flags(layout, flags, ahead),
        )

    def values(self, layout: Layout, target: Array, ahead: Array) -> Array:
        """Return the target by line: gaps as the contract says, unknown ahead."""
        found = layout.spread(target, self._fill)
        found[ahead] = np.nan
        return found

    def truth(self, layout: Layout, truth: Array, is_asked: Array) -> Array:
        """Return by line what came true, of the asked rows and of the gaps between them; NaN for all else."""
        found = layout.spread(np.where(is_asked, truth, np.nan), self._fill)
        case, asked = layout.case, layout.spread(is_asked, False)
        lines = np.arange(layout.lines)
        first = np.full(len(layout.seen), layout.lines)
        last = np.full(len(layout.seen), -1)
        np.minimum.at(first, case[asked], lines[asked])
        np.maximum.at(last, case[asked], lines[asked])
        found[(lines < first[case]) | (lines > last[case])] = np.nan
        return found

    def _matrix(self, layout: Layout, x: Array, ahead: Array) -> Array:
        made = np.empty((layout.lines, self._width), dtype=np.float32)
        given = np.empty((layout.lines, len(self._blank)), dtype=np.float32)
        given[:] = self._blank
        given[layout.line] = x[layout.row]
        given[np.ix_(ahead, self._past)] = self._blank[self._past]
        if len(self._static):
            self._carry(given, layout)
        made[:, self._given] = given
        if self._parts:
            wall = self._clock.wall(layout.time)
            for place, part in self._parts:
                made[:, place] = times.PARTS[part](wall)
        return made

    def _carry(self, given: Array, layout: Layout) -> None:
        """Write the newest value of what never changes into the lines behind it that have none."""
        lines = np.arange(layout.lines)
        first = layout.starts[:-1][layout.case]
        for column in self._static.tolist():
            values, blank = given[:, column], self._blank[column]
            empty = np.isnan(values) if np.isnan(blank) else values == blank
            newest = np.maximum.accumulate(np.where(empty, -1, lines))
            given[:, column] = np.where(newest >= first, values[newest], values)

    def _flags(self, layout: Layout, flags: Sequence[Flag], ahead: Array) -> list[Flag]:
        """Return the flags by line, each said once of a case and column, and what the laying out did to the rows."""
        line_of = dict(zip(layout.row.tolist(), layout.line.tolist(), strict=True)) if flags else {}
        found: dict[tuple[int, str, str], Flag] = {}
        for flag in flags:
            line = line_of.get(flag.row)
            if line is not None and (not ahead[line] or flag.column in self._ahead):
                self._say(found, layout, line, flag.column, flag.rule)
        name = self._clock.column.name
        for line in layout.gap[layout.gap >= 0].tolist():
            self._say(found, layout, line, name, "gap")
        for case in np.flatnonzero(layout.beyond).tolist():
            self._say(found, layout, int(layout.starts[case + 1]) - 1, name, "beyond-horizon")
        return sorted(found.values(), key=lambda flag: (flag.row, flag.column, flag.rule))

    @staticmethod
    def _say(found: dict[tuple[int, str, str], Flag], layout: Layout, line: int, column: str, rule: str) -> None:
        case = int(np.searchsorted(layout.starts, line, side="right")) - 1
        former = found.get((case, column, rule))
        if former is None or line < former.row:
            found[case, column, rule] = Flag(row=line, column=column, rule=rule)
