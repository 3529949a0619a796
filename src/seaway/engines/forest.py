"""One form of a tree ensemble, whatever library trained it, and the reference way to evaluate it.

Notation: F features, N inner nodes, L leaves, T targets (1 for regression and binary, classes otherwise).
A child is the number of a node, or ~leaf (negative) for a leaf. A node sends a row to its true child when
`x[feature] <= threshold` or, where `subset >= 0`, when x is one of the categories of that subset; a missing value
(NaN) goes where `missing_true` says. Routing compares the float32 inputs as float64 with float64 thresholds, so it is
bit-exact; sums run tree by tree in float64, the order LightGBM uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import InexactExport

ZERO = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold: |x| up to this is a zero to it."""

MAX_DEPTH = 1024
"""Deeper trees are refused: no trainer makes them on purpose, and walks are sized by depth."""

MAX_CATEGORY = 2**24
"""Whole numbers up to here are exact in float32."""

_BLOCK = 1 << 20
"""Rows times trees evaluated at once: a few tens of megabytes of working memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forest:
    """A tree ensemble: node arrays (N,), leaf arrays (L,), one root per tree, one target per leaf.

    `members[starts[s]:starts[s + 1]]` are the sorted category codes of subset s. `zeros` lists the features in which a
    zero means missing. `leaf_cover` is the number (or weight) of training rows in each leaf: explanations weigh with it.
    """

    features: int
    targets: int
    feature: Array
    threshold: Array
    subset: Array
    true: Array
    false: Array
    missing_true: Array
    leaf_value: Array
    leaf_target: Array
    leaf_cover: Array
    roots: Array
    base: Array
    members: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    starts: Array = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    zeros: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def nodes(self) -> int:
        """Number of inner nodes."""
        return len(self.feature)

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return len(self.leaf_value)

    @property
    def trees(self) -> int:
        """Number of trees."""
        return len(self.roots)


def predict(forest: Forest, x: Array) -> Array:
    """Return the margins (rows, targets) float64 of x (rows, features) float32."""
    rows = len(x)
    margin = np.tile(forest.base, (rows, 1))
    step = max(1, _BLOCK // max(1, forest.trees))
    for start in range(0, rows, step):
        part = slice(start, start + step)
        leaves = apply(forest, x[part])
        place = np.arange(len(leaves[0]) if forest.trees else 0)
        for leaf in leaves:
            margin[part][place, forest.leaf_target[leaf]] += forest.leaf_value[leaf]
    return margin


def apply(forest: Forest, x: Array) -> Array:
    """Return the leaf (trees, rows) each row of x ends in."""
    values = with_zeros_missing(forest, x)
    at = np.repeat(forest.roots[:, None], len(x), axis=1)
    tree, row = np.nonzero(at >= 0)
    while len(tree):
        node = at[tree, row]
        goes = _decide(forest, values[row, forest.feature[node]], node)
        at[tree, row] = after = np.where(goes, forest.true[node], forest.false[node])
        inner = after >= 0
        tree, row = tree[inner], row[inner]
    leaves: Array = ~at
    return leaves


def decisions(forest: Forest, x: Array) -> Array:
    """Return for each row and node whether the row would take the true branch: bool (rows, nodes)."""
    values = with_zeros_missing(forest, x)[:, forest.feature]
    return _decide(forest, values, np.arange(forest.nodes))


def with_zeros_missing(forest: Forest, x: Array) -> Array:
    """Return x as float64, with NaN for zeros in the features where a zero means missing."""
    values = np.asarray(x, dtype=np.float64)
    for feature in forest.zeros:
        if values is x:
            values = values.copy()
        column = values[:, feature]
        column[np.abs(column) <= ZERO] = np.nan
    return values


def scaled(forest: Forest, weight: float) -> Forest:
    """Return the forest whose margins are `weight` times this one's."""
    return replace(forest, leaf_value=forest.leaf_value * weight, base=forest.base * weight)


def joined(forests: Sequence[Forest]) -> Forest:
    """Return one forest whose margins are the sum of the margins of `forests`."""
    first, *rest = forests
    if not rest:
        return first
    if not joinable(forests):
        raise InexactExport(
            "These forests cannot be one: they differ in features, targets or in what a zero means",
            where="engines.forest.joined",
            fix="Compose them as separate nodes of the graph.",
        )
    nodes = np.cumsum([0] + [forest.nodes for forest in forests])
    leaves = np.cumsum([0] + [forest.leaves for forest in forests])
    subsets = np.cumsum([0] + [len(forest.starts) - 1 for forest in forests])
    members = np.cumsum([0] + [len(forest.members) for forest in forests])

    def cat(name: str) -> Array:
        return np.concatenate([getattr(forest, name) for forest in forests])

    def children(name: str) -> Array:
        parts = zip((getattr(forest, name) for forest in forests), nodes, leaves, strict=False)
        return np.concatenate([np.where(at >= 0, at + node, at - leaf) for at, node, leaf in parts])

    moved = [np.where(f.subset >= 0, f.subset + at, -1) for f, at in zip(forests, subsets, strict=False)]
    return Forest(
        features=first.features,
        targets=first.targets,
        feature=cat("feature"),
        threshold=cat("threshold"),
        subset=np.concatenate(moved),
        true=children("true"),
        false=children("false"),
        missing_true=cat("missing_true"),
        leaf_value=cat("leaf_value"),
        leaf_target=cat("leaf_target"),
        leaf_cover=cat("leaf_cover"),
        roots=children("roots"),
        base=np.sum([forest.base for forest in forests], axis=0),
        members=cat("members"),
        starts=np.concatenate([[0], *(f.starts[1:] + at for f, at in zip(forests, members, strict=False))]).astype(
            np.int64
        ),
        zeros=tuple(sorted({feature for forest in forests for feature in forest.zeros})),
    )


def joinable(forests: Sequence[Forest]) -> bool:
    """Say whether `joined` can make one forest of these: equal widths, and no feature whose zeros mean two things."""
    first = forests[0]
    if any((forest.features, forest.targets) != (first.features, first.targets) for forest in forests):
        return False
    zeros = {feature for forest in forests for feature in forest.zeros}
    return all((zeros & set(forest.feature.tolist())) <= set(forest.zeros) for forest in forests)


def edges(forest: Forest) -> dict[int, Array]:
    """Return, for each feature in use, the values at which the answer may jump: thresholds, or category codes."""
    numeric = forest.subset < 0
    found: dict[int, Array] = {}
    for feature in np.unique(forest.feature).tolist():
        here = forest.feature == feature
        subsets = forest.subset[here & ~numeric]
        codes = [forest.members[forest.starts[s] : forest.starts[s + 1]] for s in subsets.tolist()]
        found[feature] = np.unique(np.concatenate([forest.threshold[here & numeric], *codes]).astype(np.float64))
    return found


def node_cover(forest: Forest) -> Array:
    """Return the cover (N,) of each node: the sum of the covers of the leaves below it."""
    cover = np.zeros(forest.nodes)
    for level in reversed(levels(forest)):
        for child in (forest.true[level], forest.false[level]):
            inner = child >= 0
            cover[level[inner]] += cover[child[inner]]
            cover[level[~inner]] += forest.leaf_cover[~child[~inner]]
    return cover


def levels(forest: Forest) -> list[Array]:
    """Return the nodes by distance from their root, roots first."""
    found: list[Array] = []
    level = forest.roots[forest.roots >= 0]
    while len(level) and len(found) <= MAX_DEPTH:
        found.append(level)
        below = np.concatenate([forest.true[level], forest.false[level]])
        level = below[below >= 0]
    return found


def _decide(forest: Forest, values: Array, node: Array) -> Array:
    """Say whether `values` (..., n) at nodes (n,) take the true branch."""
    goes = values <= forest.threshold[node]
    subset = forest.subset[node]
    if (subset >= 0).any():
        goes = np.where(subset >= 0, _is_member(forest, values, subset), goes)
    return np.where(np.isnan(values), forest.missing_true[node], goes)


def _is_member(forest: Forest, values: Array, subset: Array) -> Array:
    """Say whether values are in their subset, by binary search over (subset, code) pairs in one sorted array."""
    sizes = np.diff(forest.starts)
    keys = np.repeat(np.arange(len(sizes)), sizes) * (MAX_CATEGORY + 1) + forest.members
    if not len(keys):
        return np.zeros(values.shape, dtype=bool)
    codes = np.nan_to_num(values, nan=-1.0, posinf=-1.0, neginf=-1.0)
    whole = (codes >= 0) & (codes <= MAX_CATEGORY) & (codes == np.floor(codes))
    wanted = subset * (MAX_CATEGORY + 1) + np.where(whole, codes, 0).astype(np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Array = whole & (keys[place] == wanted)
    return found


def _check(forest: Forest) -> None:
    """Refuse arrays that are not a set of whole trees: what follows walks them without looking again."""

    def refuse(what: str) -> InexactExport:
        return InexactExport(
            f"The tree ensemble is not well formed: {what}",
            where="engines.forest.Forest",
            fix="Export the model again; if its library made this, report it with the model's text.",
        )

    n, k, t = forest.nodes, forest.leaves, forest.targets
    inner = ("threshold", "subset", "true", "false", "missing_true")
    if any(len(getattr(forest, name)) != n for name in inner):
        raise refuse("node arrays of unequal length")
    if len(forest.leaf_target) != k or len(forest.leaf_cover) != k or forest.base.shape != (t,):
        raise refuse("leaf arrays of unequal length")
    if n and not (forest.feature.min() >= 0 and forest.feature.max() < forest.features):
        raise refuse("a node reads a feature that is not there")
    if k and not (forest.leaf_target.min() >= 0 and forest.leaf_target.max() < t):
        raise refuse("a leaf adds to a target that is not there")
    if not (np.isfinite(forest.leaf_value).all() and np.isfinite(forest.base).all()):
        raise refuse("a leaf value is not a finite number")
    if not (np.isfinite(forest.leaf_cover).all() and (forest.leaf_cover > 0).all()):
        raise refuse("a leaf has no training rows")
    if np.isnan(forest.threshold[forest.subset < 0]).any():
        raise refuse("a threshold is not a number")
    if not _subsets_hold(forest):
        raise refuse("a set of categories is broken")
    if not _trees_hold(forest):
        raise refuse("its branches are not trees, or are too deep")


def _subsets_hold(forest: Forest) -> bool:
    starts, members = forest.starts, forest.members
    if not len(starts) or starts[0] != 0 or starts[-1] != len(members) or (np.diff(starts) < 0).any():
        return False
    if len(forest.subset) and not (forest.subset.min() >= -1 and forest.subset.max() < len(starts) - 1):
        return False
    if len(members) and not (members.min() >= 0 and members.max() <= MAX_CATEGORY):
        return False
    rises = np.diff(members) > 0
    rises[starts[(starts > 0) & (starts < len(members))] - 1] = True
    return bool(rises.all())


def _trees_hold(forest: Forest) -> bool:
    """Each node and leaf hangs on exactly one branch, and walking down from the roots meets every node."""
    below = np.concatenate([forest.roots, forest.true, forest.false])
    if len(below) and not (below.max() < forest.nodes and (~below).max() < forest.leaves):
        return False
    once = np.bincount(below[below >= 0], minlength=forest.nodes)
    leaf_once = np.bincount(~below[below < 0], minlength=forest.leaves)
    if (once != 1).any() or (leaf_once != 1).any():
        return False
    depth = levels(forest)
    return len(depth) <= MAX_DEPTH and sum(len(level) for level in depth) == forest.nodes
