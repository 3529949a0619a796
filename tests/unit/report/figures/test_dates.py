from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.report.figures.dates import day, time_ticks


def at(*parts):
    return datetime(*parts, tzinfo=UTC).timestamp()


def moment(seconds):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (at(2025, 1, 1), at(2025, 7, 1), ["Jan 2025", "Feb", "Mar", "Apr", "May", "Jun", "Jul"]),
        (at(2024, 11, 1), at(2025, 3, 1), ["Nov 2024", "Dec", "Jan 2025", "Feb", "Mar"]),
        (at(2025, 3, 3), at(2025, 3, 24), ["3 Mar 2025", "10 Mar", "17 Mar", "24 Mar"]),
        (at(2025, 3, 3, 22), at(2025, 3, 4, 2), ["3 Mar 22:00", "23:00", "4 Mar 00:00", "01:00", "02:00"]),
        (at(1990, 1, 1), at(2030, 1, 1), ["1990", "2000", "2010", "2020", "2030"]),
        (at(2025, 3, 3, 1, 2, 3), at(2025, 3, 3, 1, 2, 7), ["3 Mar 01:02:03", "01:02:04", "01:02:05", "01:02:06", "01:02:07"]),
    ],
)  # fmt: skip
def test_labels_name_what_changes(low, high, shown):
    assert [label for _, label in time_ticks(low, high, 7 if len(shown) == 7 else 5)] == shown


@given(st.floats(-6e10, 2.5e11), st.floats(1, 1e11), st.integers(3, 9))
def test_ticks_rise_lie_inside_and_fall_on_the_calendar(low, span, count):
    ticks = [tick for tick, _ in time_ticks(low, low + span, count)]
    assert ticks == sorted(set(ticks))
    assert all(low - 1e-3 <= tick <= low + span + 1e-3 for tick in ticks)
    assert len(ticks) <= 2 * count + 2
    if span > 86_400 * 20:
        assert all((moment(tick).hour, moment(tick).minute, moment(tick).second) == (0, 0, 0) for tick in ticks)
    if span > 86_400 * 400:
        assert all(moment(tick).day == 1 for tick in ticks)


def test_weeks_start_on_monday():
    ticks = [tick for tick, _ in time_ticks(at(2025, 1, 1), at(2025, 2, 1), 5)]
    assert {moment(tick).weekday() for tick in ticks} == {0}


def test_times_beyond_the_calendar_have_no_ticks():
    assert time_ticks(1e15, 2e15, 5) == ()
    assert time_ticks(-1e15, -9e14, 5) == ()


def test_a_day():
    assert day(at(1969, 12, 31, 23)) == "31 Dec 1969"
