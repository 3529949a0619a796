"""Designs that fit contracts, and origins to learn from."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from seaway.core.contract import Column, Series
from seaway.tasks.forecast.windows import design_of, origins_of, spread_evenly
from tests.unit.engines.series_made import contract, told, waves

SEASONS = {
    ("1h", 24, 700): (24, 168),
    ("15m", 96, 2000): (96, 672),
    ("30m", 1, 700): (48, 336),
    ("1h", 24, 100): (24,),
    ("1h", 24, 10): (1,),
    ("1d", 7, 60): (7,),
    ("1d", 1, 60): (7,),
    ("1bd", 1, 60): (5,),
    ("1w", 52, 117): (52,),
    ("2w", 26, 80): (26,),
    ("1w", 52, 40): (1,),
    ("1mo", 12, 60): (12,),
    ("1q", 4, 20): (4,),
    ("1y", 1, 20): (1,),
    ("7h", 1, 90): (24,),
}


@pytest.mark.parametrize(("frequency", "season", "history"), SEASONS)
def test_seasons_are_the_contracts_and_the_calendars(frequency: str, season: int, history: int) -> None:
    shape = Series(frequency=frequency, season=season, history=history, zone="Europe/Berlin")
    design = design_of(contract(), shape, history)
    assert design.seasons == SEASONS[frequency, season, history]
    assert design.faults(0) == []
    assert design.zone == ("Europe/Berlin" if frequency[-1] in "hm" else "UTC")


def test_columns_are_sorted_by_when_they_are_known() -> None:
    made = contract(
        Column(name="promotion", kind="boolean", ahead=True),
        Column(name="visitors", kind="number"),
        Column(name="region", kind="category", categories=("a", "b"), part="static", ahead=True),
        Column(name="left out", kind="number", role="ignore"),
        Column(name="weather", kind="number"),
    )
    assert made.series is not None
    design = design_of(made, made.series, 28)
    assert (design.ahead, design.past, design.fixed) == ((0,), (1, 3), (2,))


def test_origins_lie_within_their_series_and_every_series_has_as_many() -> None:
    sample = told(waves(5, 200))
    origins = origins_of(sample, 5, 7, pairs=500, seed=1)
    assert np.bincount(origins.first // 200).tolist() == [20] * 5
    within = origins.origin - origins.first
    assert (within >= 14).all()
    assert (within < 200).all()
    assert (origins.steps == np.minimum(5, 200 - within)).all()
    assert len(np.unique(origins.origin)) == 100


def test_origins_are_fixed_by_their_seed() -> None:
    sample = told(waves(3, 100))
    first, again, other = (origins_of(sample, 5, 7, pairs=300, seed=seed) for seed in (1, 1, 2))
    assert first.origin.tolist() == again.origin.tolist() != other.origin.tolist()


def test_more_series_than_origins_leave_some_series_out() -> None:
    origins = origins_of(told(waves(50, 30)), 5, 7, pairs=100, seed=1)
    assert len(origins.origin) == len(np.unique(origins.first)) == 20


def test_short_series_give_what_they_have() -> None:
    sample = told([[1.0], [1.0, 2.0], [], list(range(40))])
    origins = origins_of(sample, 5, 7, pairs=10_000, seed=1)
    assert np.bincount(origins.first, minlength=4)[:4].tolist() == [0, 1, 0, 40 - 2 * 7]


def test_every_series_counts_alike() -> None:
    case = np.array([0, 0, 0, 1])
    weight = spread_evenly(case, None)
    assert weight[:3].sum() == pytest.approx(weight[3])
    assert spread_evenly(case, np.array([0.0, 3.0, 0.0, 1.0])) == pytest.approx([0.0, 2.0, 0.0, 2.0])


def test_the_matrix_holds_each_column_once() -> None:
    made = contract(Column(name="a", kind="number"), Column(name="b", kind="number", ahead=True))
    assert made.series is not None
    design = design_of(made, msgspec.structs.replace(made.series, season=1), 28)
    assert sorted((*design.ahead, *design.past, *design.fixed)) == [0, 1]


@pytest.mark.parametrize(("rows", "oldest"), [(60, 20), (65, 52), (207, 52), (208, 104), (64, 21)])
def test_the_first_origin_has_seasons_behind_it_where_the_series_has_some(rows: int, oldest: int) -> None:
    origins = origins_of(told(waves(1, rows)), 4, 52, pairs=10_000, seed=1)
    assert origins.origin.min() == oldest
