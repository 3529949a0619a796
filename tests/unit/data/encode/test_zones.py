"""Zones: a column at a time they say what `zoneinfo` says moment by moment, and what clocks never showed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput
from seaway.data.encode.times import SECOND, parser
from seaway.data.encode.zones import zone

NAMES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
near_changes = st.one_of(
    st.integers(-2_000_000_000, 4_000_000_000),
    st.sampled_from([1711846800, 1729990800, 1710054000, 1730613600]).flatmap(
        lambda s: st.integers(s - 9000, s + 9000)
    ),
)


def offset(name: str, second: int) -> int:
    shown = (EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(name)).utcoffset()
    assert shown is not None
    return int(shown.total_seconds())


@given(st.sampled_from(NAMES), st.lists(near_changes, min_size=1, max_size=5))
def test_offsets_are_those_of_zoneinfo(name: str, seconds: list[int]) -> None:
    found = zone(name).offsets(np.array(seconds) * SECOND) // SECOND
    assert found.tolist() == [offset(name, second) for second in seconds]


@given(st.sampled_from(NAMES), st.lists(near_changes, min_size=1, max_size=5))
def test_wall_times_lead_back_to_their_instants(name: str, seconds: list[int]) -> None:
    instants = np.array(seconds) * SECOND
    shown = zone(name).instants(zone(name).wall(instants))
    assert not shown.never.any()
    assert ((shown.first == instants) | (shown.second == instants)).all()
    for wall, first, second in zip(
        (zone(name).wall(instants)).tolist(), shown.first.tolist(), shown.second.tolist(), strict=True
    ):
        plain = (EPOCH + timedelta(seconds=wall // SECOND)).replace(tzinfo=ZoneInfo(name))
        assert [plain.replace(fold=fold).timestamp() for fold in (0, 1)] == [first // SECOND, second // SECOND]


@given(st.sampled_from(NAMES), st.lists(near_changes, min_size=1, max_size=5))
def test_texts_read_back_to_the_same_instants(name: str, seconds: list[int]) -> None:
    instants = np.array(seconds) * SECOND
    assert [parser("")(text) for text in zone(name).texts(instants)] == instants.tolist()


def test_clocks_skip_an_hour_in_spring_and_show_one_twice_in_autumn() -> None:
    walls = [
        "2024-03-31T01:59:59",
        "2024-03-31T02:00:00",
        "2024-03-31T02:59:59",
        "2024-03-31T03:00:00",
        "2024-10-27T02:30:00",
    ]
    shown = zone("Europe/Berlin").instants(np.array([parser("")(wall) for wall in walls]))
    assert shown.never.tolist() == [False, True, True, False, False]
    assert (shown.second - shown.first)[-1] == 3600 * SECOND
    assert zone("Europe/Berlin").texts(shown.first[-1:]) == ["2024-10-27T02:30:00+02:00"]
    assert zone("Europe/Berlin").texts(shown.second[-1:]) == ["2024-10-27T02:30:00+01:00"]


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "Europe"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="There is no time zone"):
        zone(name)


def test_no_moments_give_none() -> None:
    assert zone("Europe/Berlin").texts(np.zeros(0, dtype=np.int64)) == []
