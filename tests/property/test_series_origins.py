"""Backtests of series cannot leak: what is known at an origin is older than all that is asked about."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract, Series
from seaway.core.errors import BadInput
from seaway.core.settings import Settings
from seaway.data import build
from seaway.data.encode.series import SeriesEncoder
from seaway.data.rows import Table
from seaway.data.split import folds

DAY = np.timedelta64(1, "D")


def contract_of(horizon: int) -> Contract:
    return Contract(
        task="any",
        per="series",
        columns=(
            Column(name="id", kind="text", role="id"),
            Column(name="day", kind="time", role="time", encode="none"),
            Column(name="y", kind="number", role="target", encode="array"),
        ),
        series=Series(frequency="1d", season=1, history=30, horizon=horizon),
        truth=Column(name="y", kind="number"),
    )


@st.composite
def panels(draw: st.DrawFn) -> tuple[Table, int]:
    """Draw series of different lengths with gaps, which end together or when they please, their rows shuffled."""
    horizon = draw(st.integers(1, 5))
    together = draw(st.booleans())
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        length = draw(st.integers(1, 50))
        end = (
            np.datetime64("2024-06-01")
            - (draw(st.integers(0, horizon)) if together else draw(st.integers(0, 900))) * DAY
        )
        kept = draw(st.lists(st.integers(0, 9), min_size=length, max_size=length))
        days = [end - (length - 1 - place) * DAY for place in range(length) if kept[place] or place in (0, length - 1)]
        rows += [{"id": f"s{number}", "day": str(day), "y": float(len(rows) + place)} for place, day in enumerate(days)]
    return Table(pl.DataFrame(draw(st.permutations(rows)))), horizon


def share_a_clock(rows: Table, within: Array, horizon: int) -> bool:
    """Say whether most series end within a horizon of the newest row."""
    series, day = rows.column("id")[0][within], rows.column("day")[0][within]
    ends = np.array([day[series == own].max() for own in set(series)])
    return bool(((ends.max() - ends) <= horizon * DAY).mean() > 0.5)


def assert_older(rows: Table, known: Array, asked: Array, shared: bool) -> None:
    series, day = rows.column("id")[0], rows.column("day")[0]
    assert not set(known.tolist()) & set(asked.tolist())
    for own in set(series[asked]):
        first = day[asked][series[asked] == own].min()
        assert (day[known][series[known] == own] < first).all()
    if shared:
        assert day[known].max() < day[asked].min(), "nobody learns from another series' future"


def assert_newest_last(rows: Table, asked: list[Array]) -> None:
    """Of each series a later fold never asks about less new rows; another series may be asked about where one has a gap."""
    series, day = rows.column("id")[0], rows.column("day")[0]
    for own in set(series):
        newest = [day[places][series[places] == own].max() for places in asked if (series[places] == own).any()]
        assert newest == sorted(newest)


def reject_unless(error: BadInput, *codes: str) -> None:
    """Pass over rows that are too few to be split; anything else that is refused is a fault."""
    if error.code not in codes:
        raise error


@given(panels(), st.integers(2, 5))
def test_nothing_known_is_as_new_as_anything_asked(panel: tuple[Table, int], count: int) -> None:
    table, horizon = panel
    contract = contract_of(horizon)
    try:
        data = build.dataset(table, contract, Settings())
    except BadInput as error:
        reject_unless(error, "too-few-rows", "one-class")
        return
    everyone = np.arange(len(data.rows))
    assert_older(data.rows, data.split.train, data.split.test, share_a_clock(data.rows, everyone, horizon))
    encoder = SeriesEncoder(contract)
    try:
        pairs = folds(data.rows, contract, data.split.train, count, data.split.rule, 0)
    except BadInput as error:
        reject_unless(error, "too-few-rows")
        return
    assert len(pairs) == count
    assert_newest_last(data.rows, [asked for _, asked in pairs])
    train = set(data.split.train.tolist())
    for known, asked in pairs:
        assert set(known.tolist()) | set(asked.tolist()) <= train
        assert_older(data.rows, known, asked, share_a_clock(data.rows, data.split.train, horizon))
        sample = encoder.ask(data, known, asked)
        assert (sample.batch.steps[sample.batch.steps > 0] <= horizon).all()
        told = set(sample.batch.arrays["y"][~np.isnan(sample.batch.arrays["y"])].tolist())
        assert not told & set(data.rows.column("y")[0][asked].tolist()), "the answers are not told"


def test_a_series_too_short_teaches_and_does_not_judge() -> None:
    days = [str(np.datetime64("2024-01-01") + place * DAY) for place in range(30)]
    rows = [{"id": "long", "day": day, "y": float(n)} for n, day in enumerate(days)]
    rows += [{"id": "short", "day": day, "y": float(n)} for n, day in enumerate(days[:6])]
    data = build.dataset(Table(pl.DataFrame(rows)), contract_of(3), Settings())
    assert set(data.rows.column("id")[0][data.split.test]) == {"long"}
    assert len(data.split.test) == 3
    assert data.split.rule == "last"
    pairs = folds(data.rows, contract_of(3), data.split.train, 3, "last", 0)
    assert [data.rows.column("day")[0][asked].astype("datetime64[D]").astype(str).tolist() for _, asked in pairs] == [
        days[18:21],
        days[21:24],
        days[24:27],
    ]


def test_series_too_short_for_the_horizon_are_refused() -> None:
    rows = [{"id": "a", "day": str(np.datetime64("2024-01-01") + n * DAY), "y": float(n)} for n in range(6)]
    with pytest.raises(BadInput, match="longest series has 6 steps"):
        build.dataset(Table(pl.DataFrame(rows)), contract_of(5), Settings())
