from __future__ import annotations

import time
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch
from seaway.engines import additive as linear
from seaway.engines import reasons
from seaway.engines.additive import with_mean
from seaway.engines.compose import compose
from seaway.engines.explain import calibrated, of_forest
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Multiclass
from seaway.engines.forest import Forest, node_cover, predict
from seaway.engines.readers.lightgbm import read
from seaway.engines.reasons import Explainer, UnfaithfulReasons, explain_additive, explain_forest
from tests.unit.engines.boosters import KINDS, hard_rows, raw, trained
from tests.unit.engines.forests import goes_true, grown, rows, stump
from tests.unit.engines.runs import classes, load
from tests.unit.engines.test_additive import rows as linear_rows
from tests.unit.engines.test_additive import small


def value_of(forest: Forest, row: Array, known: frozenset[int]) -> Array:
    """Return the expected margins when only the features in `known` are: unknown ones follow the training rows."""
    cover = node_cover(forest)
    margin = forest.base.copy()

    def weigh(at: int, chance: float) -> None:
        if at < 0:
            margin[forest.leaf_target[~at]] += chance * forest.leaf_value[~at]
            return
        feature = int(forest.feature[at])
        true, false = int(forest.true[at]), int(forest.false[at])
        if feature in known:
            weigh(true if goes_true(forest, at, float(row[feature])) else false, chance)
            return
        below = cover[true] if true >= 0 else forest.leaf_cover[~true]
        weigh(true, chance * below / cover[at])
        weigh(false, chance * (1 - below / cover[at]))

    for root in forest.roots.tolist():
        weigh(root, 1.0)
    return margin


def brute(forest: Forest, row: Array) -> Array:
    """Return Shapley values (features, targets) by their definition: every set of features."""
    n = forest.features
    phi = np.zeros((n, forest.targets))
    for feature in range(n):
        others = [other for other in range(n) if other != feature]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for chosen in combinations(others, size):
                with_it = value_of(forest, row, frozenset([*chosen, feature]))
                phi[feature] += weight * (with_it - value_of(forest, row, frozenset(chosen)))
    return phi


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31))
def test_reasons_are_the_shapley_values_by_definition(seed: int) -> None:
    forest = grown(seed, trees=3, splits=9)
    x = rows(seed, 3)
    base, found = explain_forest(forest, x)
    assert np.allclose(base, value_of(forest, x[0], frozenset()), rtol=1e-12, atol=1e-12)
    for row, phi in zip(x, found, strict=True):
        assert np.allclose(phi, brute(forest, row), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_reasons_are_those_of_lightgbm(seed: int, kind: str) -> None:
    model = trained(seed, kind=kind)
    forest = read(model.booster)
    x = hard_rows(model, forest, seed)[-60:]
    native = np.asarray(model.booster.predict(x, pred_contrib=True)).reshape(len(x), forest.targets, -1)
    base, found = explain_forest(forest, x)
    scale = max(1.0, np.abs(native).max())
    assert np.abs(found - native[:, :, :-1].transpose(0, 2, 1)).max() <= 1e-11 * scale
    assert np.abs(base - native[:, :, -1]).max() <= 1e-11 * scale


@given(seed=st.integers(0, 2**31))
def test_reasons_add_up_on_deep_narrow_trees(seed: int) -> None:
    forest = grown(seed, features=30, trees=4, splits=60)
    x = rows(seed, 5, features=30)
    base, found = explain_forest(forest, x)
    assert np.allclose(base + found.sum(axis=1), predict(forest, x), rtol=1e-11, atol=1e-11)


def test_a_feature_met_twice_on_a_path_counts_once() -> None:
    twice = stump(feature=np.array([0, 0]), threshold=np.array([0.5, 2.0]), subset=np.array([-1, -1]))
    x = np.array([[1.0, 0.0]], dtype=np.float32)
    base, found = explain_forest(twice, x)
    assert base.tolist() == [0.5 * 1 + 0.3 * 10 + 0.2 * 100]
    assert found[0, :, 0].tolist() == pytest.approx([10 - base[0], 0.0])


def test_many_rows_are_explained_in_blocks_alike() -> None:
    forest, x = grown(2, features=8, trees=120, splits=30), rows(2, 700, features=8)
    elements = max(group.zero.size for group in reasons.paths(forest))
    assert reasons._BLOCK // elements < len(x)
    whole, last = explain_forest(forest, x)[1], explain_forest(forest, x[-3:])[1]
    assert np.allclose(whole[-3:], last, rtol=1e-13, atol=1e-13)


def test_a_forest_of_bare_leaves_explains_nothing() -> None:
    forest = grown(1, splits=0)
    base, found = explain_forest(forest, rows(1, 4))
    assert np.allclose(base, predict(forest, rows(1, 1))[0])
    assert not found.any()


def test_a_linear_model_is_explained_from_its_training_means() -> None:
    x = linear_rows(0, 80)
    model = with_mean(small(0), x)
    base, found = explain_additive(model, x)
    assert np.allclose(base, linear.predict(model, x).mean(axis=0))
    assert np.allclose(base + found.sum(axis=1), linear.predict(model, x))
    assert np.allclose(found.mean(axis=0), 0.0, atol=1e-12)


def test_a_blend_is_explained_by_the_weighted_reasons_of_its_members() -> None:
    x = linear_rows(1, 60)
    forest, model = grown(1, features=5), with_mean(small(1), x)
    finish = Multiclass(slope=(1.5, 0.5), shift=(0.25, 0.0))
    members = [(forest_program(forest), 0.6), (additive_program(model), 0.4)]
    told = load(compose(members, finish_program(finish)), 5, *classes(2)).reasons(Batch.of_rows(x))
    assert isinstance(told, reasons.Reasons)
    assert np.allclose(told.base + told.attributions.sum(axis=1), told.margin, rtol=1e-9, atol=1e-9)
    blend = 0.6 * explain_forest(forest, x)[1] + 0.4 * explain_additive(model, x)[1]
    assert np.allclose(told.attributions, blend * np.array(finish.slope), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_served_booster_explains_its_calibrated_margin(seed: int) -> None:
    model = trained(seed, kind="binary")
    forest = read(model.booster)
    program = compose([(forest_program(forest), 1.0)], finish_program(Binary(slope=1.3, shift=0.2)))
    x = hard_rows(model, forest, seed)
    told = load(program, x.shape[1], *classes(2)).reasons(Batch.of_rows(x))
    assert isinstance(told, reasons.Reasons)
    assert np.allclose(told.margin, 1.3 * raw(model, x) + 0.2, rtol=1e-12, atol=1e-12)
    assert np.allclose(told.base + told.attributions.sum(axis=1), told.margin, rtol=1e-9, atol=1e-9)


def test_reasons_that_do_not_add_up_are_kept_back() -> None:
    forest, x = grown(1), rows(1, 5)
    explainer = Explainer([forest], of_forest(forest))
    explainer.explain(x, predict(forest, x))
    with pytest.raises(UnfaithfulReasons, match="do not add up"):
        explainer.explain(x, predict(forest, x) + 1e-6)
    other = Explainer([forest], calibrated(of_forest(forest), (1.1, 1.0), (0.0, 0.0)))
    with pytest.raises(UnfaithfulReasons, match="do not add up"):
        other.explain(x, predict(forest, x))
    with pytest.raises(UnfaithfulReasons, match="off by nan"):
        explainer.explain(x, np.full((5, 2), np.nan))


def test_one_row_of_a_usual_model_is_explained_in_milliseconds() -> None:
    """Measured 4 ms on the machine it was written on; ten times that would mean that a loop went over rows or leaves."""
    forest = grown(1, features=20, targets=1, trees=300, splits=30)
    explainer, x = Explainer([forest], of_forest(forest)), rows(1, 1, features=20)
    margin = predict(forest, x)
    explainer.explain(x, margin)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        explainer.explain(x, margin)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.04
