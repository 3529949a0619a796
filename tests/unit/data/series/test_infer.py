"""What the data say of series: frequency, season, zone, shape, and what never changes; real data are read rightly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Contract
from seaway.core.errors import BadInput, NotFound
from seaway.data import infer as drafts
from seaway.data import read
from seaway.data.encode.frequency import Frequency, Grid, frequency
from seaway.data.rows import Table
from seaway.data.series.findings import NewSeries
from seaway.data.series.infer import shaped

SHAPES: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "forecasting/m4_hourly.parquet": (
        {"time": "timestamp", "target": "value", "ids": ["series_id"], "ignore": ["split"]},
        ("1h", "UTC", 24, 24, 672),
    ),
    "forecasting/walmart_weekly_sales.csv": (
        {"time": "Date", "target": "Weekly_Sales", "ids": ["Store"]},
        ("1w", "UTC", 52, 35, 143),
    ),
    "forecasting/air_passengers.csv": ({"time": "month", "target": "passengers"}, ("1mo", "UTC", 12, 12, 36)),
    "forecasting/sp500_daily.csv": ({"time": "Date", "target": "Close"}, ("1bd", "UTC", 5, 5, 40)),
}


@pytest.mark.parametrize("file", SHAPES)
def test_real_series_are_read_rightly(file: str, shared_data: Callable[[str], Path]) -> None:
    named, expected = SHAPES[file]
    rows = read.table(shared_data(file))
    draft, _ = drafts.draft(rows, **named)
    contract = shaped(draft, rows, {})
    series = contract.series
    assert series is not None
    assert (series.frequency, series.zone, series.season, series.horizon, series.history) == expected
    found = NewSeries()((rows, contract))
    assert [one.code for one in found] == [f"I{number:03d}" for number in range(10, 17)]
    assert {one.outcome for one in found} <= {"pass", "not-applicable"}


def made(word: str, start: str, count: int, **more: Any) -> Table:
    """Return one series on a grid."""
    step, anchor = frequency(word), np.array([np.datetime64(start, "ns")]).astype(np.int64)
    grid = Grid(anchor, step.grid(anchor, np.array([0, 1])).day).take(np.zeros(count, dtype=np.int64))
    at = step.moments(np.arange(count), grid).astype("datetime64[ns]").astype("datetime64[s]").astype(str).tolist()
    return Table(pl.DataFrame({"at": at, "y": [float(n % 7) for n in range(count)], **more}))


def contract_of(rows: Table, settings: dict[str, Any] | None = None, **named: Any) -> Contract:
    draft, _ = drafts.draft(rows, time="at", target="y", **named)
    return shaped(draft, rows, settings or {})


@pytest.mark.parametrize(
    ("word", "season"),
    [
        ("1s", 60),
        ("30s", 120),
        ("1m", 60),
        ("5m", 288),
        ("15m", 96),
        ("30m", 48),
        ("1h", 24),
        ("2h", 12),
        ("6h", 4),
        ("1d", 7),
        ("1bd", 5),
        ("1w", 52),
        ("2w", 26),
        ("1mo", 12),
        ("1q", 4),
        ("1y", 1),
        ("2d", 1),
        ("3mo", 4),
    ],
)
def test_every_frequency_is_found_with_its_season(word: str, season: int) -> None:
    series = contract_of(made(word, "2001-01-01", 700 if word != "1y" else 40)).series
    assert series is not None
    assert series.frequency == {"3mo": "1q"}.get(word, word)
    assert series.season == season
    assert series.horizon == max(season, 4) if season == 1 else series.horizon == min(season, 175)
    assert 2 * series.horizon <= series.history


@pytest.mark.parametrize("start", ["2020-01-31", "2020-01-30", "2019-12-01", "2020-02-29"])
def test_ends_of_months_are_months(start: str) -> None:
    assert contract_of(made("1mo", start, 60)).series.frequency == "1mo"  # type: ignore[union-attr]


def test_gaps_and_duplicates_do_not_hide_the_frequency() -> None:
    rows = made("1h", "2024-01-01", 300)
    kept = np.flatnonzero(np.random.default_rng(1).random(300) > 0.3)
    frame = pl.concat([rows.frame[kept], rows.frame[kept[:5]]])
    assert contract_of(Table(frame)).series.frequency == "1h"  # type: ignore[union-attr]


def test_short_series_have_no_season_and_a_near_horizon() -> None:
    series = contract_of(made("1mo", "2020-01-01", 20)).series
    assert series is not None
    assert (series.season, series.horizon, series.history) == (1, 5, 10)


@pytest.mark.parametrize(("form", "word"), [("%Y", "1y"), ("%Y%m", "1mo"), ("%Y%m%d", "1d")])
def test_dates_may_be_whole_numbers(form: str, word: str) -> None:
    rows = made(word, "1990-01-01", 60)
    digits = rows.series("at").str.to_datetime().dt.strftime(form).cast(pl.Int64)
    contract = contract_of(Table(rows.frame.with_columns(digits)))
    assert contract.series is not None
    assert (contract.series.frequency, contract.by_name["at"].format) == (word, form)


def test_what_a_person_says_wins() -> None:
    said = {"frequency": "1d", "zone": "Europe/Berlin", "season": 3, "horizon": 9, "history": 50, "gaps": "zero"}
    series = contract_of(made("2d", "2024-01-01", 90), said).series
    assert series is not None
    assert {name: getattr(series, name) for name in said} == said


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"horizont": 3}, "no setting 'horizont'"),
        ({"horizon": -1}, "no count of rows"),
        ({"season": "12"}, "no count of rows"),
        ({"gaps": "skip"}, "no way to take gaps"),
        ({"frequency": "hourly"}, "no frequency"),
        ({"zone": "Berlin"}, "no time zone"),
    ],
)
def test_what_a_person_says_wrongly_is_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        contract_of(made("1h", "2024-01-01", 90), settings)


def test_features_known_ahead_are_named_and_those_that_never_change_are_found() -> None:
    one, other = made("1d", "2024-01-01", 40), made("1d", "2024-01-01", 40)
    frame = pl.concat(
        table.frame.with_columns(
            shop=pl.lit(name),
            city=pl.lit(name.upper()),
            promo=pl.Series([n % 2 for n in range(40)]),
            visits=pl.col("y") + 1,
        )
        for name, table in (("a", one), ("b", other))
    )
    contract = contract_of(Table(frame), {"ahead": ["promo"]}, ids=["shop"])
    marks = {column.name: (column.ahead, column.part) for column in contract.having("feature")}
    assert marks == {"city": (True, "static"), "promo": (True, ""), "visits": (False, "")}
    (told,) = [one for one in NewSeries()((Table(frame), contract)) if one.code == "I016"]
    assert "known ahead: promo; never changing: city; known only afterwards: visits" in told.message
    assert "--ahead" in told.fix
    with pytest.raises(NotFound, match="'promos' was named as known ahead"):
        contract_of(Table(frame), {"ahead": ["promos"]}, ids=["shop"])


def test_a_frame_that_knows_its_zone_keeps_it() -> None:
    frame = made("1h", "2024-03-30", 100).frame.with_columns(
        pl.col("at").str.to_datetime().dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    )
    assert contract_of(read.table(frame)).series.zone == "Europe/Berlin"  # type: ignore[union-attr]
    daily = made("1d", "2024-03-01", 100).frame.with_columns(
        pl.col("at").str.to_datetime().dt.replace_time_zone("Europe/Berlin")
    )
    series = contract_of(read.table(daily)).series
    assert series is not None
    assert (series.frequency, series.zone) == ("1d", "UTC")


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (["2024-01-01"] * 30, "No series has two rows"),
        ([f"2024-01-01T00:00:{n / 10:06.3f}" for n in range(30)], "no whole number of seconds"),
        (list(range(30)), "is no time"),
    ],
)
def test_times_that_are_no_series_are_refused(column: list[Any], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        contract_of(Table(pl.DataFrame({"at": column, "y": [float(n) for n in range(30)]})))


# ------------------------------------------------------------------------------------------------------- findings


def told(rows: Table, settings: dict[str, Any] | None = None) -> dict[str, tuple[str, str]]:
    contract = contract_of(rows, settings)
    return {one.code: (one.outcome, one.message) for one in NewSeries()((rows, contract))}


def test_gaps_duplicates_and_rows_off_the_grid_are_counted() -> None:
    rows = made("1d", "2024-01-01", 100)
    odd = rows.frame.with_columns(
        at=pl.when(pl.int_range(100) == 50).then(pl.lit("2024-02-20T07:00:00")).otherwise("at")
    )
    found = told(Table(pl.concat([odd, odd[3:5]]).filter(pl.col("at") != "2024-01-10T00:00:00")))
    assert found["I010"][0] == "warn"
    assert "1 rows" in found["I010"][1]
    assert found["I011"][0] == "pass"
    assert "2 periods" in found["I011"][1]
    assert found["I012"][0] == "fail"
    assert "2 rows stand at the time of another row" in found["I012"][1]


def test_clocks_of_a_zone_are_told_and_their_traces_in_utc_are_found() -> None:
    wall = pl.datetime_range(
        pl.datetime(2024, 10, 25), pl.datetime(2024, 10, 29), "1h", time_zone="Europe/Berlin", eager=True
    )
    rows = Table(pl.DataFrame({"at": wall.dt.replace_time_zone(None), "y": [float(n) for n in range(len(wall))]}))
    assert told(rows)["I014"][0] == "fail"
    found = told(rows, {"zone": "Europe/Berlin"})
    assert found["I012"][0] == "pass"
    assert found["I014"] == (
        "pass",
        "2 rows lie in hours that clocks show twice: by their offset, or the first row is the first hour's",
    )
    spring = made("1h", "2024-03-30", 72)
    assert told(spring, {"zone": "Europe/Berlin"})["I014"][0] == "fail"
    assert told(spring)["I014"][0] == "pass"


def test_a_horizon_too_far_for_the_series_is_told() -> None:
    assert told(made("1d", "2024-01-01", 40), {"horizon": 30})["I015"][0] == "fail"


def test_frequencies_are_values() -> None:
    assert frequency("1h") == Frequency(1, "h")
