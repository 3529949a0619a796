"""LightGBM as Seaway drives it: early stopping, time limits, what the folds settle, margins that start at the prior."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from seaway.core.batch import Batch, Outcomes, Sample
from seaway.core.chance import monotonic
from seaway.core.metrics import metric
from seaway.tasks.tabular.boosting import MOST_GROWTH, Boosted, Boosting
from tests.unit.tasks.tables import PROBLEMS, contract, numbers, sample


def fit(
    train: Sample, valid: Sample | None, problem: str = "binary", until: float = math.inf, **params: Any
) -> Boosted:
    """Fit with one thread."""
    return Boosting().fit(
        train, valid, contract=contract(problem), params={"threads": 1, **params}, seed=1, until=until
    )


def log_loss(model: Boosted, asked: Sample, rounds: int | None = None) -> float:
    """Return the loss on `asked`, of the first `rounds` rounds."""
    raw = model.booster.predict(asked.batch.x, raw_score=True, num_iteration=rounds or model.booster.best_iteration)
    p = 1 / (1 + np.exp(-(model.begin.margin[0] + raw)))
    return metric("log_loss")(Outcomes.of_rows({"probabilities": np.column_stack([1 - p, p])}, asked.truth))


def test_early_stopping_keeps_the_round_with_the_lowest_loss() -> None:
    train, valid = sample("binary", 400), sample("binary", 200, seed=7)
    model = fit(train, valid, learning_rate=0.3)
    best = int(model.learnt["rounds"])
    built = model.booster.current_iteration()
    assert 1 < best < built
    losses = [log_loss(model, valid, rounds) for rounds in range(1, built + 1)]
    assert int(np.argmin(losses)) + 1 == best
    assert model.learnt["rows"] == 400


def test_only_the_rounds_that_count_answer_and_are_exported() -> None:
    model = fit(sample("binary", 400), sample("binary", 200, seed=7), learning_rate=0.3)
    assert model.forest.trees == model.learnt["rounds"]


def test_without_validation_it_boosts_as_many_rounds_as_it_is_told() -> None:
    assert fit(sample("binary"), None, rounds=17).forest.trees == 17
    assert fit(sample("multiclass"), None, "multiclass", rounds=5).forest.trees == 15


def test_it_stops_when_the_time_is_up_with_what_it_has() -> None:
    begun = monotonic()
    model = fit(sample("binary", 2000), None, rounds=100_000, until=begun + 0.3)
    assert monotonic() - begun < 2.0
    assert 1 <= model.learnt["rounds"] < 100_000
    assert fit(sample("binary"), None, rounds=50, until=0.0).learnt["rounds"] == 1


def test_what_the_folds_settle_grows_with_the_rows_but_not_without_end() -> None:
    learnt = [{"rounds": 100, "rows": 800}, {"rounds": 60, "rows": 800}]
    settled = Boosting().settle({"learning_rate": 0.1}, learnt, 1800)
    assert settled == {"learning_rate": 0.1, "rounds": 120}  # one and a half times the mean on nine quarters the rows
    assert Boosting().settle({}, learnt, 800_000)["rounds"] == 80 * MOST_GROWTH
    assert Boosting().settle({}, [{"rounds": 0.2, "rows": 10}], 10)["rounds"] == 1


@pytest.mark.parametrize("problem", PROBLEMS)
def test_one_round_stays_near_the_prior(problem: str) -> None:
    train = sample(problem, 300)
    margin = fit(train, None, problem, rounds=1, learning_rate=0.01).predict(train.batch)["margin"]
    assert train.truth is not None
    if problem == "regression":
        assert np.abs(margin - train.truth.mean()).max() < 0.1 * train.truth.std()
    else:
        counts = np.bincount(train.truth.astype(int))
        logs = np.log((counts + 0.5) / (counts + 0.5).sum())
        start = logs[1:] - logs[0] if problem == "binary" else logs
        assert np.abs(margin - start).max() < 0.1


def test_it_learns_from_a_category_by_its_codes() -> None:
    rng = np.random.default_rng(0)
    x = numbers(600, 0)
    truth = np.isin(x[:, 6], [3, 6, 9]).astype(float)
    x[:, :6] = rng.normal(size=(600, 6))
    x[:, 5] = 2
    train = Sample(batch=Batch.of_rows(x), case=np.arange(len(x)), truth=truth)
    model = fit(train, None, rounds=60)
    p = 1 / (1 + np.exp(-model.predict(train.batch)["margin"][:, 0]))
    assert ((p > 0.5) == truth).mean() > 0.99
    assert model.importance()[6] > 0.95


def test_the_spread_of_a_number_does_not_matter() -> None:
    """Penalties are in units of the target's spread: metres and kilometres give the same trees."""
    train = sample("regression", 300)
    assert train.truth is not None
    small = Sample(batch=train.batch, case=train.case, truth=train.truth * 1e-6)
    params = {"rounds": 30, "lambda_l1": 0.5}
    one, other = (fit(part, None, "regression", **params).predict(train.batch)["margin"] for part in (train, small))
    assert np.allclose(one * 1e-6, other, rtol=1e-5)


def test_more_seeds_more_models() -> None:
    train = sample("binary")
    models = [
        Boosting().fit(
            train, None, contract=contract("binary"), params={"rounds": 10, "threads": 1, "bagging_fraction": 0.5},
            seed=seed, until=math.inf,
        ) for seed in (1, 2)
    ]  # fmt: skip
    first, second = (model.predict(train.batch)["margin"] for model in models)
    assert not np.array_equal(first, second)


def test_defaults_lie_within_their_ranges() -> None:
    for rows in (20, 100, 1000, 20_000):
        for name, place in Boosting().space(sample("binary", rows)).items():
            assert place.low is not None, name
            assert place.high is not None, name
            assert place.low <= place.default <= place.high, (rows, name)
