"""How the times of a contract's series are read and written.

Of steps shorter than a day a time is an instant: its own offset says which, or the clocks of the series' zone do. Days and
longer steps are civil dates, taken as they stand: an offset that is written beside them means nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput, BrokenContract, Cell
from seaway.data.encode import times, zones
from seaway.data.encode.cell import ABSENT, Broken, example
from seaway.data.encode.frequency import Frequency, frequency
from seaway.data.encode.rules import Rules

NEVER = "Clocks in {zone} never showed this time: they were set forward. Send it with its offset from UTC."

_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001 - wall time until a zone is known


class Clock:
    """Reads and writes the times of one contract. Moments are int64 nanoseconds since 1970; civil dates as if in UTC."""

    def __init__(self, contract: Contract) -> None:
        self.column = time_of(contract)
        if contract.series is None:
            raise _no_series("no [series] table")
        self.frequency: Frequency = frequency(contract.series.frequency)
        named = contract.series.zone
        self.zone = None if self.frequency.is_civil or named == "UTC" else zones.zone(named)
        self._form = self.column.format
        self._rules = Rules.of(self.column)
        self._is_plain = not self._form and not self.column.clean

    def read(self, value: Json) -> tuple[int, bool]:
        """Return (moment, is an instant); a moment that is none is what clocks showed. Raises `Broken`."""
        if value.__class__ is str and self._is_plain:  # the usual time, with no further question
            try:
                when = datetime.fromisoformat(value)
            except ValueError:
                raise self._no_time() from None
            if when.tzinfo is None and times.EARLIEST <= when < times.LATEST:
                return (when - _EPOCH) // _MICROSECOND * 1000, self.zone is None
        if value is None or value is ABSENT:
            raise Broken("required", f"Send {self.column.name!r} with every row.")
        if value.__class__ is int and self._form and abs(value) < 10**14:
            value = str(value)  # a year, or digits such as 20251231
        if value.__class__ is not str:
            raise Broken("type", f"{self.column.name!r} is a time: send a text such as {example(self._form)!r}.")
        text = self._rules.text(value)
        found = None if text is None else self.moment(text)
        if found is None:
            raise self._no_time()
        return found

    def _no_time(self) -> Broken:
        return Broken("time", f"Write the time like {example(self._form)!r}, between 1678 and 2261.")

    def moment(self, text: str) -> tuple[int, bool] | None:
        """Return what `read` does of a repaired text; None where it is no time."""
        if self._form:
            moment = times.parser(self._form)(text)
            if moment is not None or self.zone is None:
                return None if moment is None else (moment, self.zone is None)
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return None
        if self._form and when.tzinfo is None:
            return None
        is_instant = when.tzinfo is not None or self.zone is None
        moment = times.nanoseconds(when.replace(tzinfo=None) if self.frequency.is_civil else when)
        return None if moment is None else (moment, is_instant)

    def instants(self, moments: Array, is_instant: Array, case: Array) -> tuple[Array, Array]:
        """Return (instants, clocks never showed it) of moments (n,) in the order they were sent.

        Of an hour that clocks showed twice, a series' first row with a time is the first hour's and its second row the
        second hour's; newest-first rows are counted from the end.
        """
        never = np.zeros(len(moments), dtype=bool)
        if self.zone is None or bool(is_instant.all()):
            return moments, never
        shown = self.zone.instants(moments)
        twice = ~is_instant & (shown.first != shown.second) & ~shown.never
        again = np.zeros(len(moments), dtype=bool)
        if twice.any():
            again[twice] = _comes_again(moments, case, twice)
        return np.where(is_instant, moments, np.where(again, shown.second, shown.first)), shown.never & ~is_instant

    def wall(self, instants: Array) -> Array:
        """Return what clocks show at instants (n,): what parts of a time are parts of."""
        return instants if self.zone is None else self.zone.wall(instants)

    def texts(self, instants: Array) -> list[str]:
        """Write instants: with the zone's offset, or as the column is written where the zone is UTC or dates are civil."""
        if self.zone is not None:
            return self.zone.texts(instants)
        return [times.text(moment, self._form) for moment in instants.tolist()]

    def text(self, written: str) -> str:
        """Return a time as `texts` writes it; raises `BrokenContract`."""
        try:
            moment, is_instant = self.read(written)
            instants, never = self.instants(np.array([moment]), np.array([is_instant]), np.zeros(1, dtype=np.int64))
            if never[0]:
                raise Broken("zone", NEVER.format(zone=self.zone.name if self.zone else "UTC"))
        except Broken as broken:
            cell = Cell(row=0, column=self.column.name, value=repr(written)[:80], rule=broken.rule, fix=broken.fix)
            raise BrokenContract(
                f"{cell.value} is no moment of these series", cells=(cell,), where=self.column.name, fix=broken.fix
            ) from None
        return self.texts(instants)[0]


def time_of(contract: Contract) -> Column:
    """Return the one column that orders the rows of a series."""
    found = contract.having("time")
    if len(found) != 1 or found[0].kind != "time":
        raise _no_series(f"{len(found)} columns with the role time" if len(found) != 1 else "a time that is no time")
    return found[0]


def _comes_again(moments: Array, case: Array, twice: Array) -> Array:
    """Say which rows whose clock time stands twice are the second to show it, in the order of their series."""
    cases = int(case.max()) + 1
    first, last = np.full(cases, -1), np.full(cases, -1)
    rows = np.arange(len(case))
    first[case[::-1]] = rows[::-1]
    last[case] = rows
    turned = moments[last[case]] < moments[first[case]]
    order = np.where(turned, -rows, rows)[twice]
    wall, own = moments[twice], case[twice]
    sorted_by = np.lexsort((order, wall, own))
    repeats = (np.diff(wall[sorted_by]) == 0) & (np.diff(own[sorted_by]) == 0)
    again = np.zeros(len(wall), dtype=bool)
    again[sorted_by[1:]] = repeats
    return again


def _no_series(what: str) -> BadInput:
    return BadInput(
        f"A contract of series has {what}",
        where="contract",
        fix='Give one column of kind "time" the role "time", and write the [series] table with its frequency.',
        code="contract",
    )
