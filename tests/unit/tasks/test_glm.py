"""The linear solver against scikit-learn's, loss by loss and penalty by penalty."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import linear_model

from seaway.core.batch import Array
from seaway.core.chance import monotonic
from seaway.tasks.tabular.glm import Matrix, fit, loss_of

ROWS, WIDTH = 240, 6


def problem(seed: int = 0) -> tuple[Array, Array, Array]:
    """Draw (X, signal, weight): four numbers and a category of two codes as the last two columns."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(ROWS, 4))
    dense[:, 1] += 0.7 * dense[:, 0]
    code = rng.integers(0, 2, ROWS)
    x = np.hstack([dense, np.eye(2)[code]])
    return x, dense @ [1.0, -0.5, 0.0, 0.2] + code + rng.normal(0, 0.5, ROWS), rng.uniform(0.2, 3, ROWS)


def split(x: Array) -> Matrix:
    """Keep the category sparse."""
    return Matrix(dense=x[:, :4], onehot=csr_array(x[:, 4:]))


def solve(kind: str, x: Array, y: Array, w: Array, strength: float, ratio: float, targets: int) -> tuple[Array, Array]:
    """Fit with everything free and no time limit."""
    loss = loss_of(kind, y, w)  # type: ignore[arg-type]
    free = np.ones(targets, dtype=bool)
    return fit(split(x), loss, np.zeros(targets), free=free, strength=strength, ratio=ratio, until=math.inf)


@pytest.mark.parametrize("strength", [1e-3, 0.05])
def test_ridge(strength: float) -> None:
    x, y, w = problem()
    coefficients, intercept = solve("regression", x, y, w, strength, 0.0, 1)
    expected = linear_model.Ridge(alpha=strength * w.sum(), tol=1e-12).fit(x, y, sample_weight=w)
    assert np.allclose(coefficients[:, 0], expected.coef_, atol=2e-4)
    assert intercept[0] == pytest.approx(expected.intercept_, abs=2e-4)


@pytest.mark.parametrize("ratio", [0.5, 1.0])
@pytest.mark.parametrize("strength", [0.01, 0.1])
def test_elastic_net_and_lasso(ratio: float, strength: float) -> None:
    x, y, w = problem()
    coefficients, intercept = solve("regression", x, y, w, strength, ratio, 1)
    net = linear_model.ElasticNet(alpha=strength, l1_ratio=ratio, tol=1e-12, max_iter=100_000)
    expected = net.fit(x, y, sample_weight=w)
    # One of two complementary columns is redundant: only what they add up to is unique.
    assert np.allclose(x @ coefficients[:, 0] + intercept[0], expected.predict(x), atol=1e-3)
    assert np.allclose(coefficients[:4, 0], expected.coef_[:4], atol=1e-3)
    assert set(np.flatnonzero(np.abs(coefficients[:4, 0]) < 1e-6)) >= set(np.flatnonzero(expected.coef_[:4] == 0))


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_logistic(kind: str, ratio: float) -> None:
    x, signal, w = problem()
    y = np.digitize(signal, [0.5] if kind == "binary" else [-0.2, 0.9]).astype(float)
    strength, targets = 0.01, 1 if kind == "binary" else 3
    coefficients, intercept = solve(kind, x, y, w, strength, ratio, targets)
    solver = linear_model.LogisticRegression(
        C=1 / (strength * w.sum()), l1_ratio=ratio, solver="saga", tol=1e-9, max_iter=20_000, random_state=0
    )
    expected = solver.fit(x, y, sample_weight=w)
    ours = x @ coefficients + intercept
    theirs = expected.decision_function(x).reshape(ROWS, targets)
    if targets > 1:  # a softmax is free to shift all margins of a row
        ours, theirs = (margin - margin.mean(axis=1, keepdims=True) for margin in (ours, theirs))
    assert np.abs(ours - theirs).max() < 5e-3


def test_a_target_that_is_not_free_stays() -> None:
    x, signal, w = problem()
    y = np.digitize(signal, [0.5]).astype(float)  # class 2 of three has no rows
    begin = np.array([-0.5, -0.9, -6.0])
    free = np.array([True, True, False])
    coefficients, intercept = fit(
        split(x), loss_of("multiclass", y, w), begin, free=free, strength=0.01, ratio=0.5, until=math.inf
    )
    assert intercept[2] == -6.0
    assert (coefficients[:, 2] == 0).all()
    assert np.abs(coefficients[:, :2]).max() > 0.1


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_gradients_are_those_of_the_losses(kind: str) -> None:
    rng = np.random.default_rng(1)
    targets = 3 if kind == "multiclass" else 1
    y = rng.integers(0, 3 if targets == 3 else 2, 7).astype(float)
    margin, loss = rng.normal(size=(7, targets)) * 3, loss_of(kind, y, rng.uniform(0.5, 2, 7))  # type: ignore[arg-type]
    _, gradient = loss(margin)
    step = 1e-6
    for place in np.ndindex(margin.shape):
        moved = margin.copy()
        moved[place] += step
        above = loss(moved)[0]
        moved[place] -= 2 * step
        assert (above - loss(moved)[0]) / (2 * step) == pytest.approx(gradient[place], abs=1e-8)


def test_margins_without_end_stay_finite() -> None:
    for kind, targets in (("binary", 1), ("multiclass", 3)):
        value, gradient = loss_of(kind, np.array([0.0, 1.0]), np.ones(2))(np.full((2, targets), 1e4))  # type: ignore[arg-type]
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_it_stops_when_the_time_is_up_with_what_it_has() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 60))
    x[:, 1:] += 0.99 * x[:, :1]
    y = (x[:, 0] + rng.normal(size=20_000) > 0).astype(float)
    matrix = Matrix(dense=x, onehot=csr_array((20_000, 0)))
    begun = monotonic()
    coefficients, _ = fit(
        matrix, loss_of("binary", y, np.ones(20_000)), np.zeros(1), free=np.ones(1, dtype=bool),
        strength=1e-9, ratio=0.0, until=begun,
    )  # fmt: skip
    assert monotonic() - begun < 1.0
    assert np.abs(coefficients).max() > 0  # one step at least
