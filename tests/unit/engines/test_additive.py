from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from seaway.core.batch import Array, Batch
from seaway.core.errors import InexactExport
from seaway.engines import additive as linear
from seaway.engines.additive import Additive
from seaway.engines.export import additive_program
from tests.unit.engines.runs import margin_of


def small(seed: int = 0, targets: int = 2, **changes: Any) -> Additive:
    """Return a linear model over features 0 and 2 (numbers), 1 and 3 (codes); feature 4 is not used."""
    rng = np.random.default_rng(seed)
    parts: dict[str, Any] = {
        "features": 5,
        "intercept": rng.normal(size=targets),
        "numbers": np.array([0, 2]),
        "center": rng.normal(size=2),
        "scale": rng.uniform(0.5, 2.0, 2),
        "fill": rng.normal(size=2),
        "weight": rng.normal(size=(2, targets)),
        "missing": rng.normal(size=(2, targets)),
        "codes": np.array([1, 3]),
        "starts": np.array([0, 4, 9]),
        "table": rng.normal(size=(9, targets)),
        "mean": np.zeros((5, targets)),
    }
    return Additive(**(parts | changes))


def rows(seed: int, count: int = 50) -> Array:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5)).astype(np.float32)
    x[:, [1, 3]] = rng.integers(-1, 7, (count, 2))
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


def test_a_row_worked_out_by_hand() -> None:
    model = small(
        targets=1,
        intercept=np.array([1.0]),
        center=np.array([10.0, 0.0]),
        scale=np.array([2.0, 1.0]),
        fill=np.array([12.0, 0.0]),
        weight=np.array([[3.0], [0.0]]),
        missing=np.array([[0.5], [0.0]]),
        table=np.array([[100.0], [200.0], [300.0], [400.0], [0.0], [0.0], [0.0], [0.0], [0.0]]),
    )
    x = np.array([[14, 2, 0, 0, 0], [np.nan, 3, 0, 0, 0], [10, 0, 0, 0, 0], [10, 99, 0, 0, 0]], dtype=np.float32)
    assert linear.predict(model, x)[:, 0].tolist() == [1 + 6 + 300, 1 + 3 + 0.5 + 400, 1 + 100, 1 + 200]


@pytest.mark.parametrize("seed", range(5))
def test_the_margin_is_the_intercept_and_the_contributions(seed: int) -> None:
    model, x = small(seed), rows(seed)
    total = model.intercept + linear.contributions(model, x).sum(axis=1)
    assert np.allclose(total, linear.predict(model, x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_the_graph_gives_the_same_margin(seed: int) -> None:
    model, x = small(seed), rows(seed)
    found = margin_of(additive_program(model), Batch.of_rows(x))
    assert np.allclose(found, linear.predict(model, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"missing": np.zeros((2, 2))},
        {"codes": np.zeros(0, int), "starts": np.zeros(1, int), "table": np.zeros((0, 2))},
        {
            "numbers": np.zeros(0, int),
            **dict.fromkeys(["center", "scale", "fill"], np.zeros(0)),
            **dict.fromkeys(["weight", "missing"], np.zeros((0, 2))),
        },
    ],
    ids=["no indicator", "numbers only", "codes only"],
)
def test_the_graph_of_a_part_alone(changes: dict[str, Any]) -> None:
    model, x = small(1, **changes), rows(1)
    found = margin_of(additive_program(model), Batch.of_rows(x))
    assert np.allclose(found, linear.predict(model, x), rtol=1e-12, atol=1e-12)


def test_a_constant_answers_every_row_alike() -> None:
    model = linear.constant([0.25, -1.0, 3.0], 2)
    x = np.array([[np.nan, 1], [np.inf, 2], [0, 3]], dtype=np.float32)
    assert linear.predict(model, x).tolist() == [[0.25, -1.0, 3.0]] * 3
    assert margin_of(additive_program(model), Batch.of_rows(x)).tolist() == [[0.25, -1.0, 3.0]] * 3


def test_the_mean_is_measured_over_the_training_rows() -> None:
    model, x = small(2), rows(2)
    with_mean = linear.with_mean(model, x)
    assert np.allclose(with_mean.mean, linear.contributions(model, x).mean(axis=0))
    assert not with_mean.mean[4].any()


def test_scikit_learns_pipeline_is_repeated() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(50, 10, size=(300, 4)).astype(np.float32)
    x[:, 1] = rng.integers(2, 8, 300)
    y = (x[:, 0] + 3 * x[:, 1] + rng.normal(size=300) * 10 > 65).astype(int)
    places = ColumnTransformer([("n", StandardScaler(), [0, 2, 3]), ("c", OneHotEncoder(), [1])])
    native = make_pipeline(places, LogisticRegression()).fit(x, y)
    scaler, weights = native[0].named_transformers_["n"], native[1].coef_[0]
    model = Additive(
        features=4,
        intercept=native[1].intercept_,
        numbers=np.array([0, 2, 3]),
        center=scaler.mean_,
        scale=scaler.scale_,
        fill=scaler.mean_,
        weight=weights[:3, None],
        missing=np.zeros((3, 1)),
        codes=np.array([1]),
        starts=np.array([0, 8]),
        table=np.concatenate([[0.0, 0.0], weights[3:]])[:, None],
        mean=np.zeros((4, 1)),
    )
    expected = native.decision_function(x.astype(np.float64))
    assert np.allclose(linear.predict(model, x)[:, 0], expected, rtol=1e-12, atol=1e-12)
    found = margin_of(additive_program(model), Batch.of_rows(x))[:, 0]
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"center": np.zeros(3)}, "center has the wrong shape"),
        ({"table": np.zeros((8, 2))}, "table has the wrong shape"),
        ({"weight": np.full((2, 2), np.inf)}, "not a finite number"),
        ({"scale": np.zeros(2)}, "a scale is zero"),
        ({"codes": np.array([1, 2])}, "used twice"),
        ({"numbers": np.array([0, 5])}, "not there"),
        ({"starts": np.array([0, 1, 9])}, "lacks the rows for missing and other"),
    ],
)
def test_what_is_no_linear_model_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InexactExport, match=reason):
        small(**changes)
