"""LightGBM's model text -> Forest, with the same routing for every float32 input.

Source: LightGBM `include/LightGBM/tree.h` (NumericalDecision, CategoricalDecision) and the prediction path of
`src/c_api.cpp`. What it says and one would not guess:

- inputs with |x| <= 1e-35 are read as 0, so thresholds in that range are moved to its edges here;
- a NaN goes where the split learnt it, but only in features that had missing values in training: elsewhere it is a 0;
- in a categorical split NaN, negative and unknown codes go right; a fractional code would be cut to a whole one there
  and goes right here: the encoder makes whole codes only.

Children are numbered as in Forest: `~leaf` for leaves. The margin is `Booster.predict(raw_score=True)`, which stops at
the best iteration where training found one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Protocol

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import InexactExport
from seaway.engines.forest import ZERO, Forest, joined

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2


class Booster(Protocol):
    """What is used of `lightgbm.Booster`."""

    def model_to_string(self) -> str: ...


def read(booster: Booster | str) -> Forest:
    """Return the forest of a booster, or of its model text; refuse what cannot be exact."""
    text = booster if isinstance(booster, str) else booster.model_to_string()
    header, *trees = list(_blocks(text))
    if "tree" not in header:
        raise _refuse("the text is not a LightGBM model", "Give Booster.model_to_string() or the file it saved.")
    if "average_output" in header:
        raise _refuse("boosting=rf averages its trees", "Train with boosting=gbdt, dart or goss.")
    if any(tree.get("is_linear", "0") != "0" for tree in trees):
        raise _refuse("linear_tree puts a regression into each leaf", "Train with linear_tree=false.")
    if not trees:
        raise _refuse("the model has no trees", "Train for one iteration at least.")
    features, targets = int(header["max_feature_idx"]) + 1, int(header["num_tree_per_iteration"])
    return joined([_forest(tree, place % targets, features, targets) for place, tree in enumerate(trees)])


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Split a model text into its header and its trees, each as its lines `key=value`."""
    body = text.split("\nend of trees", 1)[0]
    for block in body.split("\nTree="):
        yield {key: value for key, _, value in (line.partition("=") for line in block.splitlines())}


def _forest(tree: Mapping[str, str], target: int, features: int, targets: int) -> Forest:
    leaf_value = _numbers(tree, "leaf_value")
    leaves = len(leaf_value)
    # A tree of one leaf states no count; its cover weighs nothing, since no path divides by it.
    leaf_cover = np.maximum(_numbers(tree, "leaf_count"), 1.0) if tree.get("leaf_count") else np.ones(leaves)
    kind = _numbers(tree, "decision_type").astype(np.int64) if leaves > 1 else np.zeros(0, dtype=np.int64)
    feature, threshold = (
        _numbers(tree, name) if leaves > 1 else np.zeros(0) for name in ("split_feature", "threshold")
    )
    true, false = (
        (_numbers(tree, name) if leaves > 1 else np.zeros(0)).astype(np.int64) for name in ("left_child", "right_child")
    )
    feature = feature.astype(np.int64)
    categorical = (kind & _CATEGORICAL) != 0
    missing = (kind >> 2) & 3
    default_left = (kind & _DEFAULT_LEFT) != 0
    learnt = (missing == _MISSING_NAN) | (missing == _MISSING_ZERO)
    members, starts = _subsets(tree)
    return Forest(
        features=features,
        targets=targets,
        feature=feature,
        threshold=np.where(categorical, 0.0, _off_zero(threshold)),
        subset=np.where(categorical, threshold, -1).astype(np.int64),
        true=true,
        false=false,
        missing_true=np.where(learnt, default_left, threshold >= 0) & ~categorical,
        leaf_value=leaf_value,
        leaf_target=np.full(leaves, target, dtype=np.int64),
        leaf_cover=leaf_cover,
        roots=np.array([0 if leaves > 1 else -1], dtype=np.int64),
        base=np.zeros(targets),
        members=members,
        starts=starts,
        zeros=tuple(np.unique(feature[(missing == _MISSING_ZERO) & ~categorical]).tolist()),
    )


def _off_zero(threshold: Array) -> Array:
    """Move thresholds within +-1e-35 to where they part the same inputs although those are read as 0."""
    tiny = np.abs(threshold) <= ZERO
    return np.where(tiny, np.where(threshold >= 0, ZERO, np.nextafter(-ZERO, -np.inf)), threshold)


def _subsets(tree: Mapping[str, str]) -> tuple[Array, Array]:
    """Return the category codes of the tree's subsets, from their bit sets of 32-bit words."""
    if int(tree.get("num_cat", "0")) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    edges = _numbers(tree, "cat_boundaries").astype(np.int64)
    words = _numbers(tree, "cat_threshold").astype("<u4")
    bits = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(len(words), 32)
    subsets = [np.flatnonzero(bits[a:b].ravel()) for a, b in pairwise(edges.tolist())]
    starts = np.cumsum([0] + [len(codes) for codes in subsets]).astype(np.int64)
    return np.concatenate(subsets).astype(np.int64), starts


def _numbers(tree: Mapping[str, str], name: str) -> Array:
    return np.array(tree[name].split(), dtype=np.float64)


def _refuse(what: str, fix: str) -> InexactExport:
    return InexactExport(f"This LightGBM model has no exact export: {what}", where="engines.readers.lightgbm", fix=fix)
