"""Ensemble weights: they use what helps, ignore what does not, and do not fit chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array
from seaway.lab.ensemble import LEAST, Loss, blended, weights


def squared(truth: Array) -> Callable[[Array], Loss]:
    """Mean squared error."""
    return lambda places: lambda margin: float(((margin[:, 0] - truth[places]) ** 2).mean())


def noisy(truth: Array, noises: list[float], seed: int = 0) -> list[Array]:
    """Margins that are the truth and independent noise."""
    rng = np.random.default_rng(seed)
    return [(truth + rng.normal(0, noise, len(truth)))[:, None] for noise in noises]


def test_equal_and_independent_models_share_the_weight() -> None:
    truth = np.random.default_rng(1).normal(size=3000)
    found = weights(noisy(truth, [1.0, 1.0, 1.0, 1.0]), squared(truth), most=4, seed=0)
    assert found.sum() == pytest.approx(1)
    assert ((found > 0.06) & (found < 0.45)).all()


def test_a_useless_model_gets_nothing() -> None:
    truth = np.random.default_rng(1).normal(size=2000)
    found = weights([*noisy(truth, [0.3, 0.3]), np.full((2000, 1), 50.0)], squared(truth), most=3, seed=0)
    assert found[2] == 0


def test_a_blend_is_better_than_its_best_member_on_new_rows() -> None:
    truth = np.random.default_rng(1).normal(size=4000)
    margins = noisy(truth, [0.6, 0.8, 1.0])
    old, new = slice(0, 2000), slice(2000, None)
    found = weights([margin[old] for margin in margins], squared(truth[old]), most=3, seed=0)
    error = ((blended(margins, found)[new, 0] - truth[new]) ** 2).mean()
    assert error < 0.8 * ((margins[0][new, 0] - truth[new]) ** 2).mean()


def test_among_many_models_of_chance_it_does_not_fit_chance() -> None:
    """Twenty models that know nothing, judged on 60 rows: blending them must not promise much more than their mean."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=60)
    margins = [rng.normal(0, 0.3, size=(60, 1)) for _ in range(20)]
    found = weights(margins, squared(truth), most=20, seed=0)
    fresh = [rng.normal(0, 0.3, size=(60, 1)) for _ in range(20)]
    promised = ((blended(margins, found)[:, 0] - truth) ** 2).mean()
    kept = ((blended(fresh, found)[:, 0] - truth) ** 2).mean()
    assert kept - promised < 0.35


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 100))
@settings(max_examples=40)
def test_weights_are_shares_and_few(count: int, most: int, seed: int) -> None:
    truth = np.random.default_rng(seed).normal(size=50)
    found = weights(noisy(truth, [0.5 + 0.1 * i for i in range(count)], seed), squared(truth), most=most, seed=seed)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert 1 <= (found > 0).sum() <= min(most, count)
    assert found[found > 0].min() >= LEAST


def test_the_seed_fixes_them() -> None:
    truth = np.random.default_rng(1).normal(size=500)
    margins = noisy(truth, [0.5, 0.6, 0.7])
    one, same = (weights(margins, squared(truth), most=3, seed=4) for _ in range(2))
    assert np.array_equal(one, same)


def test_a_loss_that_cannot_be_told_still_gives_a_model() -> None:
    found = weights([np.zeros((5, 1)), np.ones((5, 1))], lambda places: lambda margin: float("inf"), most=2, seed=0)
    assert found.sum() == pytest.approx(1)
    assert found[0] == 1
