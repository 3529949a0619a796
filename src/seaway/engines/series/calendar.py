"""Calendar parts of moments as a clock on the wall of a zone shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import Untrusted

Part = Literal["hour", "weekday", "day", "week", "month"]

_QUARTER_S, _NS = 900, 1_000_000_000
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, Monday is 0


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone, None for UTC; raises `Untrusted` for a name that this machine does not know."""
    if name == "UTC":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path or other nonsense is no zone either
        raise Untrusted(
            f"There is no time zone {name!r:.60} here",
            where="series.json",
            fix="Install the package tzdata, or release the run again.",
        ) from None


def parts(time: Array, zone: ZoneInfo | None, wanted: tuple[Part, ...]) -> dict[str, Array]:
    """Return calendar parts of moments in nanoseconds of UTC since 1970: hour with its fraction, weekday from Monday = 0,
    day of the month, week of the year counted from 1 January, month.
    """
    wall = time if zone is None else time + _offsets(time, zone)
    days = wall // (86_400 * _NS)
    dates = days.astype("datetime64[D]")
    found: dict[str, Array] = {}
    for part in wanted:
        if part == "hour":
            found[part] = (wall - days * 86_400 * _NS) / (3_600 * _NS)
        elif part == "weekday":
            found[part] = (days + _EPOCH_WEEKDAY) % 7
        elif part == "day":
            found[part] = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
        elif part == "week":
            found[part] = (dates - dates.astype("datetime64[Y]")).astype(np.int64) // 7 + 1
        else:
            found[part] = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return found


def _offsets(time: Array, zone: ZoneInfo) -> Array:
    """Return the zone's offset from UTC in nanoseconds; offsets have only ever changed at whole quarters of an hour."""
    quarters, place = np.unique(time // (_QUARTER_S * _NS), return_inverse=True)
    moments = (datetime.fromtimestamp(int(quarter) * _QUARTER_S, UTC) for quarter in quarters)
    seconds = [(moment.astimezone(zone).utcoffset() or moment - moment).total_seconds() for moment in moments]
    return np.asarray((np.array(seconds) * _NS).astype(np.int64)[place.reshape(time.shape)])
