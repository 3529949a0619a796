"""Calendar parts as clocks on the wall show them, across changes of summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from seaway.core.errors import Untrusted
from seaway.engines.series.calendar import parts, zone_of


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_parts_are_those_of_the_wall_clock(name: str) -> None:
    begin = datetime(2024, 3, 1, tzinfo=UTC)
    moments = [begin + timedelta(minutes=45 * place) for place in range(0, 12_000, 7)]
    time = np.array([int(moment.timestamp()) * 10**9 for moment in moments])
    found = parts(time, zone_of(name), ("hour", "weekday", "day", "week", "month"))
    walls = [moment.astimezone(ZoneInfo(name)) for moment in moments]
    assert found["hour"].tolist() == [wall.hour + wall.minute / 60 for wall in walls]
    assert found["weekday"].tolist() == [wall.weekday() for wall in walls]
    assert found["day"].tolist() == [wall.day for wall in walls]
    assert found["month"].tolist() == [wall.month for wall in walls]
    assert found["week"].tolist() == [(wall.timetuple().tm_yday - 1) // 7 + 1 for wall in walls]


def test_years_before_1970_are_counted_as_well() -> None:
    time = np.array(["1949-12-31", "1968-02-29"], dtype="datetime64[ns]").astype(np.int64)
    found = parts(time, None, ("weekday", "day", "month", "week"))
    assert [found[name].tolist() for name in ("weekday", "day", "month", "week")] == [
        [5, 3],
        [31, 29],
        [12, 2],
        [53, 9],
    ]


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "", "Europe"])
def test_a_zone_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(Untrusted, match="no time zone"):
        zone_of(name)
