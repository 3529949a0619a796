"""Clocks on the wall and instants: what a zone's clocks showed, a column at a time.

A clock shows some hours twice in autumn and others never in spring. `zoneinfo` knows moment by moment; here its answers are
kept as the instants at which the offset changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import BadInput
from seaway.data.encode.times import SECOND, civil

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wall:
    """Wall times as instants: `first` and `second` (n,) differ where clocks showed the time twice; `never` did none show it."""

    first: Array
    second: Array
    never: Array


@dataclass(frozen=True)
class Zone:
    """A place's clocks; moments and offsets are int64 nanoseconds."""

    name: str

    def offsets(self, instants: Array) -> Array:
        """Return what the clocks were ahead of UTC at instants (n,)."""
        changes, offsets = self._changes(instants)
        return np.asarray(offsets[np.searchsorted(changes, instants, side="right")])

    def wall(self, instants: Array) -> Array:
        """Return what the clocks showed at instants (n,)."""
        return np.asarray(instants + self.offsets(instants))

    def instants(self, wall: Array) -> Wall:
        """Return the instants at which clocks showed `wall` (n,)."""
        changes, offsets = self._changes(wall)
        before, after = offsets[:-1], offsets[1:]
        first = offsets[np.searchsorted(changes + np.maximum(before, after), wall, side="right")]
        second = offsets[np.searchsorted(changes + np.minimum(before, after), wall, side="right")]
        return Wall(wall - first, wall - second, second > first)

    def texts(self, instants: Array) -> list[str]:
        """Write instants as ISO 8601 with the zone's offset."""
        offsets = self.offsets(instants)
        return [
            _isoformat(wall, offset)
            for wall, offset in zip((instants + offsets).tolist(), (offsets // SECOND).tolist(), strict=True)
        ]

    def _changes(self, moments: Array) -> tuple[Array, Array]:
        """Return the instants of change (k,) around the moments and the offsets between them (k + 1,)."""
        if not len(moments):
            return _changes(self.name, 2000, 2000)
        # A year of room on either side: what a clock shows is less than a day away from the instant.
        first, last = civil(np.array([moments.min(), moments.max()]))[0].tolist()
        return _changes(self.name, first - 1, last + 1)


@lru_cache(maxsize=64)
def zone(name: str) -> Zone:
    """Return the zone of that name in the IANA database; raises `BadInput`."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # ZoneInfoNotFoundError is a LookupError; folders give an OSError
        raise BadInput(
            f"There is no time zone {name!r}",
            where="contract, [series] zone",
            fix="Use a name of the IANA database, such as UTC, Europe/Berlin or America/New_York; "
            "where the machine has no such database, install the package tzdata.",
            code="contract",
        ) from None
    return Zone(name)


@lru_cache(maxsize=256)
def _changes(name: str, first: int, last: int) -> tuple[Array, Array]:
    found = [change for year in range(first, last + 1) for change in _in_year(name, year)]
    start = _offset(ZoneInfo(name), _second_of(first))
    moments = np.array([second * SECOND for second, _ in found], dtype=np.int64)
    return moments, np.array([start, *(offset for _, offset in found)], dtype=np.int64) * SECOND


@lru_cache(maxsize=4096)
def _in_year(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return the changes of a year (second since 1970, new offset in seconds), found day by day and then by halves."""
    place, found = ZoneInfo(name), []
    day, end = _second_of(year), _second_of(year + 1)
    offset = _offset(place, day)
    for low in range(day, end, _DAY):
        after = _offset(place, low + _DAY)
        if after == offset:
            continue
        low_end, high = low, low + _DAY
        while high - low_end > 1:
            middle = (low_end + high) // 2
            low_end, high = (middle, high) if _offset(place, middle) == offset else (low_end, middle)
        found.append((high, after))
        offset = after
    return tuple(found)


def _offset(place: ZoneInfo, second: int) -> int:
    shown = (_EPOCH + timedelta(seconds=second)).astimezone(place).utcoffset()
    return int((shown or timedelta()).total_seconds())


def _second_of(year: int) -> int:
    return int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())


def _isoformat(wall: int, offset: int) -> str:
    when = datetime(1970, 1, 1) + timedelta(microseconds=wall // 1000)  # noqa: DTZ001 - the offset is written beside it
    minutes, seconds = divmod(abs(offset), 60)
    rest = f":{seconds:02d}" if seconds else ""
    return f"{when.isoformat()}{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}{rest}"
