"""The grid of a series: which place a moment has on it, and which moment a place is.

Seconds, minutes and hours are spans between instants; days, weekdays, weeks, months, quarters and years are steps of the
civil calendar, whatever the clocks do. Arithmetic is on int64 nanoseconds, a column at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import BadInput
from seaway.data.encode.times import DAY, SECOND, civil, days_of_civil

SPANS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}
"""Nanoseconds of the units that are always as long."""
MONTHS = {"mo": 1, "q": 3, "y": 12}
"""Months of the units that are not."""
WORDS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "bd": "weekday",
    "w": "week",
    "mo": "month",
    "q": "quarter",
    "y": "year",
}
_WORD = re.compile(r"([1-9]\d{0,5})(s|m|h|d|bd|w|mo|q|y)")
_MONDAY = 3
"""1970-01-01 was a Thursday: three days after a Monday."""


@dataclass(frozen=True)
class Grid:
    """Where each series' grid lies, one entry per series: the `anchor` has place 0; `day` is the day of the month.

    A month that is shorter than `day` is stood for by its last day, so 31 means the end of every month.
    """

    anchor: Array
    day: Array

    def take(self, series: Array) -> Grid:
        """Return the grids of the given series, in that order."""
        return Grid(self.anchor[series], self.day[series])


@dataclass(frozen=True)
class Frequency:
    """A count of one unit, written "15m", "1h", "1bd", "1mo"."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def is_civil(self) -> bool:
        """Whether it steps over civil dates, to which zones and daylight saving mean nothing."""
        return self.unit not in ("s", "m", "h")

    @property
    def words(self) -> str:
        """The frequency as a person says it."""
        unit = WORDS[self.unit]
        return unit if self.count == 1 else f"{self.count} {unit}s"

    def grid(self, moments: Array, starts: Array) -> Grid:
        """Return the grids that the moments of each series lie on; series s = moments[starts[s]:starts[s + 1]], not empty.

        The first moment is the anchor. Of months the day is the highest that stands, or the end of the month if every
        moment is one.
        """
        anchor = moments[starts[:-1]]
        if self.unit not in MONTHS:
            return Grid(anchor, np.zeros(len(anchor), dtype=np.int64))
        year, month, day = civil(moments)
        is_end = day == _length_of_month(year, month)
        highest = np.maximum.reduceat(day, starts[:-1])
        return Grid(anchor, np.where(np.minimum.reduceat(is_end, starts[:-1]), 31, highest))

    def places(self, moments: Array, grid: Grid) -> tuple[Array, Array]:
        """Return (places, is off the grid) of moments, each with its own grid beside it (n,)."""
        if self.unit in SPANS:
            gone = moments - grid.anchor
            step = self.count * SPANS[self.unit]
            return gone // step, gone % step != 0
        if self.unit == "bd":
            place, off = _weekdays(moments)
            gone = place - _weekdays(grid.anchor)[0]
        else:
            place, day, length = _months(moments)
            gone, off = place - _months(grid.anchor)[0], day != np.minimum(grid.day, length)
        step = self.count * MONTHS.get(self.unit, 1)
        return gone // step, off | (gone % step != 0) | (moments % DAY != grid.anchor % DAY)

    def moments(self, places: Array, grid: Grid) -> Array:
        """Return the moments at places, each with its own grid beside it (n,): what `places` takes back."""
        if self.unit in SPANS:
            return np.asarray(grid.anchor + places * (self.count * SPANS[self.unit]))
        if self.unit == "bd":
            place = _weekdays(grid.anchor)[0] + places * self.count
            days = place // 5 * 7 + place % 5 - _MONDAY
        else:
            month = _months(grid.anchor)[0] + places * (self.count * MONTHS[self.unit])
            year, month = month // 12, month % 12 + 1
            days = days_of_civil(year, month, np.minimum(grid.day, _length_of_month(year, month)))
        return np.asarray(days * DAY + grid.anchor % DAY)


@lru_cache(maxsize=64)
def frequency(word: str) -> Frequency:
    """Read a frequency; raises `BadInput`."""
    found = _WORD.fullmatch(word)
    if found is None:
        raise BadInput(
            f"{word!r} is no frequency",
            where="contract, [series] frequency",
            fix="Write a count and a unit: s, m, h, d, bd (weekdays), w, mo, q or y, for example 15m, 1h, 1d or 1mo.",
            code="contract",
        )
    return Frequency(int(found[1]), found[2])


def _weekdays(moments: Array) -> tuple[Array, Array]:
    """Return (how many weekdays after a Monday in 1969, falls on a weekend)."""
    days = moments // DAY + _MONDAY
    weekday = days % 7
    return days // 7 * 5 + np.minimum(weekday, 4), weekday > 4


def _months(moments: Array) -> tuple[Array, Array, Array]:
    """Return (months since the year 0, day of the month, days in the month)."""
    year, month, day = civil(moments)
    return year * 12 + month - 1, day, _length_of_month(year, month)


def _length_of_month(year: Array, month: Array) -> Array:
    after = month == 12
    return np.asarray(
        days_of_civil(year + after, np.where(after, 1, month + 1), 1) - days_of_civil(year, month, 1), dtype=np.int64
    )
