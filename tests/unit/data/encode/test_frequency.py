"""Frequencies: what they are called, which places moments have on a grid, and that every place is a moment again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array
from seaway.core.errors import BadInput
from seaway.data.encode import times
from seaway.data.encode.frequency import Grid, frequency

WORDS = ["1s", "30s", "15m", "1h", "24h", "1d", "3d", "1bd", "2bd", "1w", "2w", "1mo", "2mo", "1q", "1y"]


def ns(*texts: str) -> Array:
    return np.array([np.datetime64(text, "ns") for text in texts]).astype(np.int64)


def written(moments: Array) -> list[str]:
    return [times.text(moment, "") for moment in moments.tolist()]


def ahead(word: str, *known: str, count: int = 4) -> list[str]:
    """Return the first places of the grid on which the known moments lie."""
    step, moments = frequency(word), ns(*known)
    grid = step.grid(moments, np.array([0, len(moments)]))
    assert not step.places(moments, grid.take(np.zeros(len(moments), dtype=np.int64)))[1].any()
    return written(step.moments(np.arange(count), grid.take(np.zeros(count, dtype=np.int64))))


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("1mo", ["2023-12-31"], ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]),
        ("1mo", ["2024-01-30", "2024-02-29"], ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
        ("1mo", ["2023-01-28", "2023-02-28"], ["2023-01-28", "2023-02-28", "2023-03-28", "2023-04-28"]),
        ("1mo", ["2023-02-28", "2023-03-31"], ["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]),
        ("1q", ["2023-12-31"], ["2023-12-31", "2024-03-31", "2024-06-30", "2024-09-30"]),
        ("1y", ["2020-02-29"], ["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28"]),
        ("1bd", ["2024-03-01"], ["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06"]),
        ("2w", ["1969-12-25"], ["1969-12-25", "1970-01-08", "1970-01-22", "1970-02-05"]),
        ("1d", ["2024-02-28T09:30:00"], [f"2024-0{d}T09:30:00" for d in ("2-28", "2-29", "3-01", "3-02")]),
        (
            "30s",
            ["2024-01-01T23:59:30"],
            ["2024-01-01T23:59:30", "2024-01-02", "2024-01-02T00:00:30", "2024-01-02T00:01:00"],
        ),
    ],
)
def test_places_follow_the_calendar(word: str, known: list[str], expected: list[str]) -> None:
    assert ahead(word, *known) == expected


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("1mo", ["2024-01-15", "2024-02-16"]),
        ("1bd", ["2024-03-01", "2024-03-02"]),
        ("1d", ["2024-03-01", "2024-03-02T01:00:00"]),
        ("15m", ["2024-03-01T00:00:00", "2024-03-01T00:16:00"]),
        ("1q", ["2024-01-31", "2024-03-31"]),
        ("1w", ["2024-03-01", "2024-03-07"]),
    ],
)
def test_a_moment_between_two_places_is_off_the_grid(word: str, known: list[str]) -> None:
    step, moments = frequency(word), ns(*known)
    grid = step.grid(moments, np.array([0, 2])).take(np.zeros(2, dtype=np.int64))
    assert step.places(moments, grid)[1].tolist() in ([False, True], [True, False])


@given(
    st.sampled_from(WORDS),
    st.datetimes(min_value=times.EARLIEST.replace(year=1800), max_value=times.LATEST.replace(year=2100)),
    st.integers(1, 40),
)
def test_every_place_is_a_moment_and_back(word: str, start: object, count: int) -> None:
    step = frequency(word)
    anchor = ns(str(start)[:19].replace(" ", "T"))
    if word.endswith("bd"):
        anchor -= (anchor // times.DAY + 3) % 7 // 5 * ((anchor // times.DAY + 3) % 7 - 4) * times.DAY
    grid = step.grid(anchor, np.array([0, 1])).take(np.zeros(count, dtype=np.int64))
    moments = step.moments(np.arange(count), grid)
    places, off = step.places(moments, grid)
    assert places.tolist() == list(range(count))
    assert not off.any()
    assert (np.diff(moments) > 0).all()
    if count > 1:  # the moments themselves say which grid they lie on
        again = step.grid(moments, np.array([0, count]))
        whole = step.moments(np.arange(count), Grid(again.anchor, again.day).take(np.zeros(count, dtype=np.int64)))
        assert np.array_equal(whole, moments)


@pytest.mark.parametrize("word", ["", "h", "0h", "1 h", "1H", "-1d", "1.5h", "1month", "1e3s"])
def test_what_is_no_frequency_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="is no frequency"):
        frequency(word)


def test_frequencies_are_told_in_words() -> None:
    assert [frequency(word).words for word in ("1h", "15m", "1bd", "2mo")] == [
        "hour",
        "15 minutes",
        "weekday",
        "2 months",
    ]
    assert str(frequency("15m")) == "15m"
    assert [frequency(word).is_civil for word in ("24h", "1d", "1y")] == [False, True, True]
