from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import InexactExport
from seaway.engines import forest
from tests.unit.engines.forests import goes_true, grown, rows, stump, walked


@given(seed=st.integers(0, 2**31))
def test_predict_is_walking_each_tree(seed: int) -> None:
    trees, x = grown(seed), rows(seed, 30)
    assert np.array_equal(forest.predict(trees, x), np.array([walked(trees, row) for row in x]))


def test_many_rows_are_answered_in_blocks_alike() -> None:
    trees, x = grown(3, trees=200), rows(3, 12_000)
    assert forest._BLOCK // trees.trees < len(x)
    assert np.array_equal(forest.predict(trees, x)[-50:], forest.predict(trees, x[-50:]))


def test_no_rows_have_no_margins() -> None:
    assert forest.predict(grown(1), rows(1, 0)).shape == (0, 2)


def test_a_hand_made_tree_answers_as_its_text_says() -> None:
    x = np.array([[0.5, 9], [0.6, 2], [0.6, 5], [0.6, 3], [0.6, 2.5], [np.nan, np.nan], [np.inf, -1]], dtype=np.float32)
    assert forest.predict(stump(), x)[:, 0].tolist() == [1, 10, 10, 100, 100, 100, 100]


def test_thresholds_are_not_rounded_to_float32() -> None:
    just_below = np.nextafter(np.float64(np.float32(0.1)), 0)
    x = np.array([[0.1, 0]], dtype=np.float32)
    assert forest.predict(stump(threshold=np.array([just_below, 0.0])), x) == 100.0


def test_a_zero_means_missing_where_it_is_said_so() -> None:
    x = np.array([[0.0, 0], [-0.0, 0], [1e-36, 0], [1e-34, 0]], dtype=np.float32)
    plain = forest.predict(stump(), x)[:, 0].tolist()
    missing = forest.predict(stump(zeros=(0,)), x)[:, 0].tolist()
    assert plain == [1, 1, 1, 1]
    assert missing == [100, 100, 100, 1]
    assert x[0, 0] == 0.0  # the caller's rows stay as they were


def test_decisions_are_those_of_each_node() -> None:
    trees, x = grown(8), rows(8, 10)
    found = forest.decisions(trees, x)
    for row, node in np.ndindex(found.shape):
        assert found[row, node] == goes_true(trees, node, float(x[row, trees.feature[node]]))


@given(seed=st.integers(0, 2**31), weight=st.floats(-3, 3))
def test_joined_forests_answer_the_weighted_sum(seed: int, weight: float) -> None:
    one, other, x = grown(seed), grown(seed + 1, trees=3), rows(seed, 20)
    together = forest.joined([forest.scaled(one, weight), other])
    expected = weight * forest.predict(one, x) + forest.predict(other, x)
    assert np.allclose(forest.predict(together, x), expected, rtol=1e-12, atol=1e-12)
    assert together.trees == one.trees + other.trees


def test_one_forest_joined_is_itself() -> None:
    one = grown(2)
    assert forest.joined([one]) is one


def test_forests_that_differ_are_not_joined() -> None:
    assert not forest.joinable([grown(1), grown(1, targets=1)])
    assert not forest.joinable([stump(), stump(zeros=(0,))])
    assert forest.joinable([stump(), stump()])
    with pytest.raises(InexactExport, match="cannot be one"):
        forest.joined([grown(1), grown(1, features=5)])


def test_edges_are_the_thresholds_and_the_codes() -> None:
    found = forest.edges(stump())
    assert {feature: values.tolist() for feature, values in found.items()} == {0: [0.5], 1: [2.0, 5.0]}


def test_cover_adds_up_to_the_leaves_below() -> None:
    assert forest.node_cover(stump()).tolist() == [10.0, 5.0]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "short": ({"threshold": np.array([0.5])}, "unequal length"),
    "leaf arrays": ({"leaf_cover": np.array([1.0])}, "unequal length"),
    "feature": ({"feature": np.array([0, 2])}, "feature that is not there"),
    "target": ({"leaf_target": np.array([0, 0, 1])}, "target that is not there"),
    "infinite": ({"leaf_value": np.array([1.0, np.inf, 1.0])}, "not a finite number"),
    "base": ({"base": np.array([np.nan])}, "not a finite number"),
    "cover": ({"leaf_cover": np.array([1.0, 0.0, 1.0])}, "no training rows"),
    "threshold": ({"threshold": np.array([np.nan, 0.0])}, "not a number"),
    "subset": ({"subset": np.array([-1, 1])}, "set of categories"),
    "unsorted": ({"members": np.array([5, 2])}, "set of categories"),
    "negative code": ({"members": np.array([-2, 5])}, "set of categories"),
    "large code": ({"members": np.array([2, 2**25])}, "set of categories"),
    "loop": ({"true": np.array([0, ~1]), "roots": np.array([~0])}, "not trees"),
    "shared leaf": ({"false": np.array([1, ~1])}, "not trees"),
    "leaf not there": ({"false": np.array([1, ~3])}, "not trees"),
    "node not there": ({"false": np.array([7, ~2])}, "not trees"),
    "unreached": ({"roots": np.array([~0]), "true": np.array([1, 0]), "false": np.array([~1, ~2])}, "not trees"),
}


@pytest.mark.parametrize(("changes", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_a_forest_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InexactExport, match=reason):
        stump(**changes)


def test_a_tree_deeper_than_any_is_refused() -> None:
    n = forest.MAX_DEPTH + 1
    chain = {
        "feature": np.zeros(n, dtype=np.int64),
        "threshold": np.arange(n, dtype=np.float64),
        "subset": np.full(n, -1),
        "true": ~np.arange(n),
        "false": np.append(np.arange(1, n), ~n),
        "missing_true": np.zeros(n, dtype=bool),
        "leaf_value": np.ones(n + 1),
        "leaf_target": np.zeros(n + 1, dtype=np.int64),
        "leaf_cover": np.ones(n + 1),
    }
    with pytest.raises(InexactExport, match="too deep"):
        stump(**chain)
