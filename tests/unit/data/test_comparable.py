"""Comparable numbers: of series seasonal changes over the scale, of tables what they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import polars as pl

from seaway.core.contract import Column, Contract, Output, Series
from seaway.data import comparable
from seaway.data.encode.series import SeriesEncoder
from seaway.data.profile import profile
from seaway.data.rows import Table
from seaway.data.validate import validate

CONTRACT = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="id", kind="text", role="id"),
        Column(name="day", kind="time", role="time", encode="none"),
        Column(name="y", kind="number", role="target", encode="array"),
    ),
    series=Series(frequency="1d", season=2, history=10, horizon=3),
    options=(Column(name="horizon", kind="integer", range=(1, 3), hard=True),),
    truth=Column(name="y", kind="number"),
    outputs=(
        Output(name="mean", kind="number", axes=("step",)),
        Output(name="quantiles", kind="number", axes=("step", "level"), labels=("0.05", "0.95")),
    ),
)


def rows_of(values: list[float | None], name: str = "a") -> list[dict[str, Any]]:
    return [{"id": name, "day": f"2024-03-{n + 1:02d}", "y": value} for n, value in enumerate(values)]


def test_answers_are_held_against_the_value_of_their_phase_one_season_before() -> None:
    encoder = SeriesEncoder(CONTRACT)
    body = {"rows": [*rows_of([1.0, 10.0, 3.0, 14.0]), *rows_of([5.0], "b")], "options": {"horizon": 3}}
    batch = encoder.decode(json.dumps(body).encode()).batch  # type: ignore[attr-defined]
    mean = np.array([[6.0, 14.0, 9.0], [5.0, 10.0, 5.0]])
    found = comparable.answers(CONTRACT, batch, {"mean": mean, "quantiles": np.stack([mean, mean + 3], axis=-1)})
    # Scales: (2 + 4) / 2 = 3, and 5. Levels of the first series: 3, 14, 3; the second knows one phase only.
    assert np.allclose(found["mean"], [1.0, 0.0, 2.0, np.nan, 1.0, np.nan], equal_nan=True)
    assert np.allclose(found["quantiles"][:3], [[1, 2], [0, 1], [2, 3]])


def test_a_series_of_another_level_has_the_same_comparable_numbers() -> None:
    values = [float(3 + n % 5 * (n % 2)) for n in range(20)]
    one, other = (
        comparable.rows(CONTRACT, validate(Table(pl.DataFrame(rows_of(v))), CONTRACT).rows).column("y")  # type: ignore[arg-type]
        for v in (values, [1000 + 40 * value for value in values])
    )
    assert np.allclose(one[0], other[0], equal_nan=True)
    assert one[1][:2].all()
    assert not one[1][2:].any()


def test_a_change_over_a_gap_is_missing() -> None:
    rows = [row for row in rows_of([1.0, 2.0, 3.0, 5.0, None, 9.0]) if row["day"] != "2024-03-02"]
    values, missing = comparable.rows(CONTRACT, validate(Table(pl.DataFrame(rows)), CONTRACT).rows).column("y")
    assert missing.tolist() == [True, False, True, True, False]
    assert values[~missing].tolist() == [2.0 / 3.0, 4.0 / 3.0]


def test_profiles_describe_the_change_and_not_the_level() -> None:
    rows = validate(Table(pl.DataFrame(rows_of([float(n % 2) + 1e6 for n in range(30)]))), CONTRACT).rows
    target = profile(rows, CONTRACT, {"mean": np.zeros(5)}).columns["y"]
    assert (target.low, target.high) == (0.0, 0.0)


def test_tables_are_comparable_as_they_stand() -> None:
    table = msgspec.structs.replace(CONTRACT, per="row", series=None)
    rows = Table(pl.DataFrame(rows_of([1.0, 2.0])))
    assert comparable.rows(table, rows) is rows
    value = np.ones(3)
    assert comparable.answers(table, None, {"value": value})["value"] is value  # type: ignore[arg-type]
