"""Small forests made by hand or at random, without any training library."""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest


def stump(**changes: Any) -> Forest:
    """Return one tree over two features: x0 <= 0.5 -> 1.0, else x1 in {2, 5} -> 10.0, else 100.0."""
    parts: dict[str, Any] = {
        "features": 2,
        "targets": 1,
        "feature": np.array([0, 1]),
        "threshold": np.array([0.5, 0.0]),
        "subset": np.array([-1, 0]),
        "true": np.array([~0, ~1]),
        "false": np.array([1, ~2]),
        "missing_true": np.array([False, False]),
        "leaf_value": np.array([1.0, 10.0, 100.0]),
        "leaf_target": np.array([0, 0, 0]),
        "leaf_cover": np.array([5.0, 3.0, 2.0]),
        "roots": np.array([0]),
        "base": np.array([0.0]),
        "members": np.array([2, 5]),
        "starts": np.array([0, 2]),
    }
    return Forest(**(parts | changes))


def grown(seed: int, *, features: int = 4, targets: int = 2, trees: int = 5, splits: int = 6) -> Forest:
    """Return random trees over numbers (even features) and category codes (odd ones); some trees are one leaf."""
    rng = np.random.default_rng(seed)
    feature: list[int] = []
    threshold: list[float] = []
    subset: list[int] = []
    children: list[list[int]] = []
    subsets: list[list[int]] = []
    leaf_target: list[int] = []

    def leaf(target: int) -> int:
        leaf_target.append(target)
        return ~(len(leaf_target) - 1)

    def node(target: int, left: int) -> int:
        if left <= 0:
            return leaf(target)
        place = len(feature)
        f = int(rng.integers(features))
        feature.append(f)
        threshold.append(float(np.float32(rng.normal())))
        subset.append(len(subsets) if f % 2 else -1)
        if f % 2:
            subsets.append(sorted(rng.choice(8, int(rng.integers(0, 5)), replace=False).tolist()))
        children.append([0, 0])
        below = int(rng.integers(left))
        children[place] = [node(target, below), node(target, left - 1 - below)]
        return place

    roots = [node(tree % targets, int(rng.integers(0, splits + 1))) for tree in range(trees)]
    leaves, nodes = len(leaf_target), len(feature)
    pairs = np.array(children, dtype=np.int64).reshape(nodes, 2)
    return Forest(
        features=features,
        targets=targets,
        feature=np.array(feature, dtype=np.int64),
        threshold=np.where(np.array(subset, dtype=np.int64) >= 0, 0.0, np.array(threshold)),
        subset=np.array(subset, dtype=np.int64),
        true=pairs[:, 0],
        false=pairs[:, 1],
        missing_true=rng.random(nodes) < 0.5,
        leaf_value=rng.normal(size=leaves),
        leaf_target=np.array(leaf_target, dtype=np.int64),
        leaf_cover=rng.integers(1, 50, leaves).astype(np.float64),
        roots=np.array(roots, dtype=np.int64),
        base=rng.normal(size=targets),
        members=np.array([code for codes in subsets for code in codes], dtype=np.int64),
        starts=np.cumsum([0] + [len(codes) for codes in subsets]).astype(np.int64),
    )


def rows(seed: int, count: int, features: int = 4) -> Array:
    """Return rows for `grown`: numbers, codes (some unknown), some missing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, features)).astype(np.float32)
    x[:, 1::2] = rng.integers(-1, 10, x[:, 1::2].shape)
    x[rng.random(x.shape) < 0.15] = np.nan
    return x


def goes_true(forest: Forest, node: int, value: float) -> bool:
    """Decide one node for one value, the slow and plain way."""
    if np.isnan(value):
        return bool(forest.missing_true[node])
    s = int(forest.subset[node])
    if s < 0:
        return bool(value <= forest.threshold[node])
    return value in set(forest.members[forest.starts[s] : forest.starts[s + 1]].tolist())


def walked(forest: Forest, row: Array) -> Array:
    """Answer one row by walking each tree, the slow and plain way."""
    margin = forest.base.copy()
    for root in forest.roots.tolist():
        at = root
        while at >= 0:
            branch = forest.true if goes_true(forest, at, float(row[forest.feature[at]])) else forest.false
            at = int(branch[at])
        margin[forest.leaf_target[~at]] += forest.leaf_value[~at]
    return margin
