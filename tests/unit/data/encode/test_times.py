"""Times: what is read, what is not, and parts that agree with the standard library's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput
from seaway.data.encode import times

moments = st.datetimes(times.EARLIEST, times.LATEST - timedelta(seconds=1))


def nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000


@given(moments)
def test_parts_are_the_calendars(moment: datetime) -> None:
    expected = {
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "dayofyear": moment.timetuple().tm_yday,
        "weekday": moment.weekday(),
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
    }
    one = nanoseconds(moment)
    assert {name: part(one) for name, part in times.PARTS.items()} == expected
    column = np.array([one, 0], dtype=np.int64)
    assert {name: int(part(column)[0]) for name, part in times.PARTS.items()} == expected


@given(moments)
def test_iso_texts_come_back(moment: datetime) -> None:
    one = nanoseconds(moment)
    assert times.parser("")(times.text(one, "")) == one


@given(moments, st.sampled_from(["%d-%m-%Y %H:%M:%S", "%Y/%m/%d", "%m.%d.%Y %H:%M", "%Y%m%d"]))
def test_formats_come_back(moment: datetime, form: str) -> None:
    written = moment.strftime(form) if moment.year >= 1000 else ""
    read = times.parser(form)(written)
    assert read is not None
    assert times.text(read, form) == written


@pytest.mark.parametrize(
    "written",
    ["", "tomorrow", "2024-02-30", "24:00", "2024-13-01", "1677-12-31", "2262-01-01", "0001-01-01T00:00:00+10:00"],
)
def test_what_is_no_time_is_none(written: str) -> None:
    assert times.parser("")(written) is None


@pytest.mark.parametrize(
    ("written", "form"), [("30-02-2024", "%d-%m-%Y"), ("1-1-24", "%d-%m-%Y"), ("x", "%Y"), ("2024-1-1 ", "%Y-%m-%d")]
)
def test_what_is_not_in_the_format_is_none(written: str, form: str) -> None:
    assert times.parser(form)(written) is None


def test_a_zone_is_turned_into_utc_and_none_is_kept() -> None:
    read = times.parser("")
    assert read("2024-06-01T12:00:00+02:00") == read("2024-06-01T10:00:00Z") == read("2024-06-01T10:00:00")
    assert read("1970-01-02") == times.DAY
    assert datetime.fromtimestamp(0, UTC).year == 1970


@pytest.mark.parametrize(
    ("form", "what"), [("%Y %q", "not understood at '%q'"), ("%Y %Y", "not understood"), ("%H:%M", "has no year")]
)
def test_a_format_that_cannot_work_is_named(form: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        times.parser(form)
