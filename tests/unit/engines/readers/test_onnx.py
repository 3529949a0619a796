from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import Untrusted
from seaway.engines import wire
from seaway.engines.additive import constant
from seaway.engines.explain import ForestPart, decode
from seaway.engines.export import additive_program, forest_program
from seaway.engines.forest import Forest
from seaway.engines.readers.onnx import ensemble, ensembles, sole_forest
from tests.unit.engines.forests import grown, stump


def node_of(forest: Forest, **changes: Any) -> wire.Node:
    node = ensembles(wire.read(forest_program(forest).files["graph.onnx"]))[0]
    return replace(node, attributes={**node.attributes, **changes})


@given(seed=st.integers(0, 2**31))
def test_an_exported_forest_is_read_back_whole(seed: int) -> None:
    forest = grown(seed)
    program = forest_program(forest)
    part = decode(program.files["explain.json"]).parts[0]
    assert isinstance(part, ForestPart)
    back = sole_forest(wire.read(program.files["graph.onnx"]), part.leaf_cover)
    assert back is not None
    for name in ("feature", "threshold", "true", "false", "missing_true", "roots", "members", "base"):
        assert np.array_equal(getattr(back, name), getattr(forest, name)), name
    for name in ("leaf_value", "leaf_target", "leaf_cover"):
        assert np.array_equal(getattr(back, name), getattr(forest, name)), name
    assert (back.features, back.targets) == (forest.features, forest.targets)


def test_other_graphs_are_no_sole_forest() -> None:
    other = wire.read(additive_program(constant([1.0], 2)).files["graph.onnx"])
    assert sole_forest(other) is None
    zeros = wire.read(forest_program(stump(zeros=(0,))).files["graph.onnx"])
    assert sole_forest(zeros) is None
    assert len(ensembles(zeros)) == 1


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no roots": ({"tree_roots": None}, "its tree_roots"),
    "roots as number": ({"tree_roots": 0}, "its tree_roots"),
    "float thresholds": ({"nodes_splits": np.zeros(2, dtype=np.float32)}, "its nodes_splits"),
    "one threshold": ({"nodes_splits": np.zeros(1)}, "unequal length"),
    "equality": ({"nodes_modes": np.array([4, 6], dtype=np.uint8)}, "other than LEQ and MEMBER"),
    "average": ({"aggregate_function": 0}, "an aggregate other than SUM"),
    "softmax": ({"post_transform": 1}, "a transform"),
    "root beyond": ({"tree_roots": ints(9)}, "a root that is not there"),
    "root before": ({"tree_roots": ints(-1)}, "a root that is not there"),
    "child beyond": ({"nodes_truenodeids": ints(9, 1)}, "a child that is not there"),
    "child before": ({"nodes_falsenodeids": ints(-1, 2)}, "a child that is not there"),
    "leaf mark": ({"nodes_trueleafs": ints(2, 1)}, "a leaf mark"),
    "own child": ({"nodes_trueleafs": ints(0, 1), "nodes_truenodeids": ints(0, 1)}, "not trees"),
    "feature beyond": ({"nodes_featureids": ints(0, 2)}, "a feature that is not there"),
    "feature before": ({"nodes_featureids": ints(0, -1)}, "a feature that is not there"),
    "target beyond": ({"leaf_targetids": ints(0, 0, 1)}, "a target that is not there"),
    "no targets": ({"n_targets": 0}, "its number of targets"),
    "many targets": ({"n_targets": 1 << 40}, "its number of targets"),
    "leaf not a number": ({"leaf_weights": np.array([1.0, np.nan, 1.0])}, "not a finite number"),
    "subset open": ({"membership_values": np.array([2.0, 5.0])}, "subsets of another number"),
    "subset fraction": ({"membership_values": np.array([2.5, np.nan])}, "not a whole number"),
    "subset infinite": ({"membership_values": np.array([np.inf, np.nan])}, "not a whole number"),
    "two subsets": ({"membership_values": np.array([2.0, np.nan, np.nan])}, "subsets of another number"),
    "no subsets": ({"membership_values": None}, "its membership_values"),
}


@pytest.mark.parametrize(("changes", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_an_ensemble_that_does_not_fit_together_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        ensemble(node_of(stump(), **changes), 2)


def test_a_single_leaf_below_another_node_is_refused() -> None:
    shared = {
        "nodes_trueleafs": ints(1, 1),
        "nodes_truenodeids": ints(0, 1),
        "nodes_falseleafs": ints(0, 1),
        "nodes_falsenodeids": ints(1, 1),
    }
    with pytest.raises(Untrusted, match="below another node"):
        ensemble(node_of(stump(), **shared), 2)


def test_covers_and_base_must_fit() -> None:
    with pytest.raises(Untrusted, match="3 leaves where the explanation knows 2"):
        ensemble(node_of(stump()), 2, leaf_cover=(1.0, 2.0))
    with pytest.raises(Untrusted, match="1 targets where something of shape"):
        ensemble(node_of(stump()), 2, base=np.zeros(3))
