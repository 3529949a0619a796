"""What a linear model does with what training did not show it."""

from __future__ import annotations

import math

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.tasks.tabular.linear import Linear, Weighted
from tests.unit.tasks.tables import contract, numbers, sample


def fitted(train: Sample, problem: str = "binary", strength: float = 1e-3, ratio: float = 0.0) -> Weighted:
    """Fit without a time limit."""
    return Linear().fit(
        train, None, contract=contract(problem), params={"strength": strength, "ratio": ratio}, seed=0, until=math.inf
    )


def margins(model: Weighted, x: Array) -> Array:
    """Return the margins of rows."""
    return model.predict(Batch.of_rows(x))["margin"]


def test_an_unseen_code_answers_like_the_average_row() -> None:
    train = sample("binary", 400)
    model = fitted(train)
    rows = np.repeat(numbers(1, 3), 3, axis=0)
    rows[:, 6] = [1, 11, 8]  # other, a category without rows, a known one
    other, empty, known = margins(model, rows)[:, 0]
    everyone = np.repeat(rows[:1], 400, axis=0)
    everyone[:, 6] = train.batch.x[:, 6]
    average = margins(model, everyone)[:, 0].mean()
    assert other == empty
    assert abs(other - average) < 1e-9
    assert known != other


def test_a_number_that_was_never_missing_is_filled_with_its_mean() -> None:
    train = sample("regression", 300)
    model = fitted(train, "regression")
    rows = np.repeat(numbers(1, 3), 2, axis=0)
    rows[0, 0], rows[1, 0] = np.nan, train.batch.x[:, 0].astype(float).mean()
    gap = margins(model, rows)
    assert abs(gap[0, 0] - gap[1, 0]) < 1e-4 * abs(gap[0, 0])


def test_missingness_itself_is_learnt() -> None:
    model = fitted(sample("regression", 400), "regression")
    rows = np.repeat(numbers(1, 3), 2, axis=0)
    rows[0, 1], rows[1, 1] = np.nan, np.float32(model.design.center[1])
    missing, mean = margins(model, rows)[:, 0]
    assert 50 < missing - mean < 100  # the truth is 75


def test_constant_and_empty_columns_have_no_effect_whatever_comes() -> None:
    model = fitted(sample("binary", 300))
    rows = np.repeat(numbers(1, 3), 3, axis=0)
    rows[1, 3], rows[2, 4] = 1e6, -1e6
    assert np.ptp(margins(model, rows)) == 0


def test_strong_l1_leaves_the_prior_alone() -> None:
    train = sample("multiclass", 300)
    assert train.truth is not None
    model = fitted(train, "multiclass", strength=10.0, ratio=1.0)
    assert np.abs(model.model.weight).max() == 0
    p = np.exp(margins(model, numbers(1, 0)))[0]
    shares = np.bincount(train.truth.astype(int)) / 300
    assert np.allclose(p / p.sum(), shares, atol=1e-3)
    assert (model.importance() == 0).all()


def test_explanations_start_from_the_mean_training_row() -> None:
    train = sample("regression", 300, weighted=True)
    model = fitted(train, "regression")
    assert train.weight is not None
    mean = np.average(margins(model, train.batch.x)[:, 0], weights=train.weight)
    assert np.isclose(model.model.intercept[0] + model.model.mean.sum(), mean)


def test_the_default_penalty_shrinks_with_the_rows() -> None:
    few, many = (Linear().space(sample("binary", rows))["strength"].default for rows in (100, 5000))
    assert few == 1e-2
    assert many == 1 / 5000
