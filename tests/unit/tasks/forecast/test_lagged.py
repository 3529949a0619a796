"""One forest for all series: it learns what the naive forecasts cannot, stops in time, and repeats itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from seaway.core.batch import Array, Batch, Sample
from seaway.core.chance import monotonic
from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput
from seaway.engines.series.engine import SeriesEngine
from seaway.tasks.forecast.lagged import GlobalForest, Grown
from seaway.tasks.forecast.naive import SeasonNaive
from tests.unit.engines.series_made import NAN, batch, contract, told, waves

PROMOTION = Column(name="promotion", kind="number", ahead=True)
SHOP = Column(name="shop", kind="category", categories=("a", "b", "c"), part="static", ahead=True)


def fit(train: Sample, valid: Sample | None = None, under: Contract | None = None, **params: Any) -> Grown:
    """Fit with one thread and few rounds."""
    until = params.pop("until", math.inf)
    model, made = GlobalForest(), under or contract()
    settings = {name: searched.default for name, searched in model.space(train).items()}
    return model.fit(
        train, valid, contract=made, params={**settings, "threads": 1, "rounds": 40, **params}, seed=1, until=until
    )


def asked(series: list[Array], horizon: int = 5, x: tuple[Array, ...] = ()) -> Sample:
    """Return the sample that asks about the last rows of each series, its truth told."""
    made = batch([one[:-horizon] for one in series], [horizon] * len(series), x)
    return Sample(batch=made, case=np.arange(made.cases), truth=np.concatenate(series))


def error(model: Any, sample: Sample) -> float:
    """Return the mean absolute error over the mean size of each series."""
    horizon = int(sample.batch.steps[0])
    truth = np.stack([sample.truth[end - horizon : end] for end in sample.batch.starts[1:]])  # type: ignore[index]
    gap = np.abs(model.predict(sample.batch)["margin"][:, :horizon, 0] - truth)
    return float((gap.mean(axis=1) / np.abs(truth).mean(axis=1)).mean())


def promoted(count: int, rows: int, seed: int) -> tuple[list[Array], tuple[Array, ...]]:
    """Return series that a promotion, known ahead, doubles."""
    rng = np.random.default_rng(seed)
    flags = [(rng.random(rows) < 0.3).astype(float) for _ in range(count)]
    return [one * (1 + flag) for one, flag in zip(waves(count, rows, seed), flags, strict=True)], tuple(
        flag[:, None] for flag in flags
    )


def test_it_beats_the_seasonal_naive_forecast_on_noise_and_trend() -> None:
    series = waves(40, 120)
    model = fit(told([one[:-5] for one in series]), rounds=80)
    naive = SeasonNaive().fit(told(series), None, contract=contract(), params={}, seed=1, until=0.0)
    assert error(model, asked(series)) < 0.9 * error(naive, asked(series))


def test_it_uses_what_is_known_ahead() -> None:
    series, flags = promoted(12, 120, 1)
    under = contract(PROMOTION)
    train = told([one[:-5] for one in series], [flag[:-5] for flag in flags])
    told_model = fit(train, under=under)
    blind = fit(told([one[:-5] for one in series]))
    assert error(told_model, asked(series, x=flags)) < 0.5 * error(blind, asked(series))
    assert told_model.importance().tolist() == [1.0]
    shares = told_model.design_importance()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert "promotion" in list(shares)[:3] or "promotion.change" in list(shares)[:3]
    assert not any(name.startswith("ahead") for name in shares)


def test_it_follows_a_trend_to_heights_it_has_never_seen() -> None:
    grows = [np.exp(0.01 * np.arange(160)) * (2 + np.sin(2 * np.pi * np.arange(160) / 7)) * size for size in (1, 50)]
    model = fit(told([one[:60] for one in grows]))
    assert error(model, asked(grows)) < 0.05


def test_early_stopping_counts_the_rounds_and_settles_them() -> None:
    series = waves(6, 80)
    learn, valid = told([one[:-5] for one in series]), asked(series)
    model = fit(learn, valid, rounds=500, learning_rate=0.3)
    best = int(model.learnt["rounds"])
    assert 1 <= best < model.booster.current_iteration() < 500
    assert model.forest.trees == best
    settled = GlobalForest().settle({"x": 1}, [{"rounds": 10, "rows": 5}, {"rounds": 21, "rows": 5}], 99)
    assert settled == {"x": 1, "rounds": 16}


def test_it_stops_when_the_time_is_up_with_what_it_has() -> None:
    begun = monotonic()
    model = fit(told(waves(6, 200)), rounds=100_000, until=begun + 0.5)
    assert monotonic() - begun < 5
    assert 1 <= model.learnt["rounds"] < 100_000


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads() -> None:
    series = waves(30, 300)
    one, two = (fit(told(series), threads=threads, rounds=5).export().files for threads in (1, 2))
    assert one == two
    other = GlobalForest().fit(told(series), None, contract=contract(), params={"rounds": 5}, seed=2, until=math.inf)
    assert other.export().files["0/graph.onnx"] != one["0/graph.onnx"]


def test_spreads_are_positive_and_do_not_rest_on_the_fit() -> None:
    series = waves(5, 80)
    few, many = (fit(told(series), rounds=rounds).method.growth for rounds in (2, 60))
    assert few == many
    assert min(few) > 0
    margin = fit(told(series)).predict(asked(series).batch)["margin"]
    assert (margin[..., 1] > 0).all()


HARD = {
    "gaps": batch(waves(4, 60, gaps=0.4), [5, 3, 0, 1]),
    "short": batch([[3.0], [1.0, 2.0], [NAN, 4.0, NAN]], [5, 5, 2]),
    "constant": batch([[7.0] * 40, [0.0] * 40], [5, 5]),
    "huge and tiny": batch([one * size for one, size in zip(waves(2, 50), (1e290, 1e-290), strict=True)], [5, 5]),
    "nobody": batch([], []),
}


@pytest.mark.parametrize("objective", ["l1", "l2", "huber"])
@pytest.mark.parametrize("name", HARD)
def test_the_program_repeats_the_library(name: str, objective: str) -> None:
    model = fit(told(waves(6, 80, gaps=0.1)), objective=objective)
    one = HARD[name]
    ours = model.predict(one)["margin"]
    theirs = SeriesEngine().load(model.export(), contract()).run(one)["margin"]
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.nanmax(np.abs(theirs - ours) / np.maximum(np.abs(ours), 1e-300), initial=0.0) < 1e-6
    assert np.isnan(ours[..., 0]).sum() == (5 * one.cases - one.steps.sum())


def test_categories_are_split_by_code_and_a_new_one_is_answered() -> None:
    rng, shops = np.random.default_rng(0), np.tile([2.0, 3.0, 4.0], 4)
    series = [np.cumsum(rng.normal((shop - 3) * 2, 0.5, 90)) + 500 for shop in shops]
    under = contract(SHOP, season=1)
    codes = [np.full((90, 1), shop) for shop in shops]
    model = fit(told(series, codes), under=under)
    assert model.importance().tolist() == [1.0]
    strange = batch([series[0]] * 3, [5] * 3, [np.full((95, 1), code) for code in (0.0, 1.0, 40.0)])
    ours = model.predict(strange)["margin"]
    assert SeriesEngine().load(model.export(), under).run(strange)["margin"] == pytest.approx(ours, rel=1e-9)


def test_rows_whose_truth_is_not_told_teach_nothing() -> None:
    series = waves(3, 60)
    whole = told(series)
    spoilt = np.where(np.arange(180) % 60 >= 50, 1e9, whole.batch.arrays["y"])
    hidden = np.where(np.arange(180) % 60 >= 50, NAN, whole.batch.arrays["y"])
    made = [
        Sample(
            batch=Batch(
                x=whole.batch.x,
                starts=whole.batch.starts,
                seen=whole.batch.seen,
                arrays={"y": values},
                time=whole.batch.time,
            ),
            case=whole.case,
            truth=hidden,
        )
        for values in (whole.batch.arrays["y"], spoilt)
    ]
    origins = [fit(sample, rounds=1, bagging_fraction=1.0).method.growth for sample in made]
    assert origins[0] == origins[1]


def test_nothing_to_learn_from_says_so() -> None:
    with pytest.raises(BadInput, match=r"(?s)No series has a known value with history.*Bring longer series"):
        fit(told([[1.0], [2.0]]))
    with pytest.raises(BadInput, match="No series has a known value"):
        fit(told([]))


def test_a_sample_to_stop_by_without_truth_is_not_watched() -> None:
    series = waves(4, 60)
    blind = asked(series)
    blind = Sample(batch=blind.batch, case=blind.case, truth=np.full(blind.batch.rows, NAN))
    assert fit(told(series), blind, rounds=7).learnt["rounds"] == 7
