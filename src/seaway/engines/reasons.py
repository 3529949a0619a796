"""Exact additive explanations of a margin: path-dependent TreeSHAP for forests, centred contributions for linear models.

TreeSHAP (Lundberg et al. 2020, Algorithm 2) asks, for the Shapley value of feature i in one leaf, for

    sum over sets S of the path's other features of |S|! (d - 1 - |S|)! / d! * v(S + i) - v(S)

where d counts the path's distinct features and v multiplies, feature by feature, `one` (does the row satisfy all of the
path's conditions on it) for those in S and `zero` (the share of training rows that do) for the others. The weights are
Beta integrals, k! (d - 1 - k)! / d! = integral of t^k (1 - t)^(d - 1 - k) over [0, 1], so the sum over sets is

    phi_i = leaf value * (one_i - zero_i) * integral of prod over j != i of (zero_j (1 - t) + one_j t) dt,

a polynomial of degree d - 1 in t that Gauss-Legendre quadrature with ceil(d / 2) points integrates exactly. All leaves
with the same d are one array; no recursion, no subtraction of large terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import SeawayError
from seaway.core.protocols import Reasons
from seaway.engines import additive as linear
from seaway.engines.additive import Additive
from seaway.engines.explain import AdditivePart, Explain, additive_of
from seaway.engines.forest import Forest, decisions, node_cover

TOLERANCE = 1e-9
"""How far base + attributions may be from the program's own margin, relative to max(1, |margin|)."""

_BLOCK = 1 << 18
"""Path elements (of all rows in a step) worked on at once: they should stay in the processor's cache."""


class UnfaithfulReasons(SeawayError):
    """Reasons that do not add up to the program's answer are kept from the caller."""

    code = "unfaithful-reasons"


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Leaves that have `d` distinct features above them: elements are (leaf, feature) pairs, (leaves, d).

    An element's conditions are the steps `starts[e]:starts[e + 1]` (the last group ends the array): the node and whether
    the path leaves it by its true branch. `zero` is the product of the steps' shares of training rows.
    """

    zero: Array
    cell: Array
    value: Array
    node: Array
    is_true: Array
    starts: Array
    points: Array
    weights: Array


def by_numpy(forest: Forest) -> Callable[[Array], Array]:
    """Return what gives the Shapley values (rows, features, targets) of rows, in numpy."""
    return partial(shapley, forest, paths(forest))


class Explainer:
    """Explains one program; what depends on the program alone is worked out once, `by` numpy or in another exact way."""

    def __init__(
        self, forests: Sequence[Forest], told: Explain, by: Callable[[Forest], Callable[[Array], Array]] = by_numpy
    ) -> None:
        self._told = told
        parts = [part for part in told.parts if not isinstance(part, AdditivePart)]
        self._forests = [
            (part.weight, by(forest), expected(forest)) for part, forest in zip(parts, forests, strict=True)
        ]
        self._linear = [
            (part.weight, additive_of(part, told.targets)) for part in told.parts if isinstance(part, AdditivePart)
        ]

    def explain(self, x: Array, margin: Array) -> Reasons:
        """Return base and attributions of x (rows, features), held against the program's margin (rows, targets)."""
        told = self._told
        base = np.zeros(told.targets)
        attributions = np.zeros((len(x), told.features, told.targets))
        for weight, values, expectation in self._forests:
            base += weight * expectation
            attributions += weight * values(x)
        for weight, additive in self._linear:
            base += weight * (additive.intercept + additive.mean.sum(axis=0))
            attributions += weight * (linear.contributions(additive, x) - additive.mean)
        slope = np.array(told.slope)
        reasons = Reasons(
            base=np.tile(base * slope + np.array(told.shift), (len(x), 1)),
            attributions=attributions * slope,
            margin=margin,
        )
        return _faithful(reasons)


def explain_forest(forest: Forest, x: Array) -> tuple[Array, Array]:
    """Return (base (targets,), attributions (rows, features, targets)) of a forest alone."""
    return expected(forest), shapley(forest, paths(forest), x)


def explain_additive(additive: Additive, x: Array) -> tuple[Array, Array]:
    """Return (base (targets,), attributions (rows, features, targets)) of a linear model alone."""
    base = additive.intercept + additive.mean.sum(axis=0)
    return base, linear.contributions(additive, x) - additive.mean


def expected(forest: Forest) -> Array:
    """Return the margin (targets,) expected when nothing is known of a row: leaves weighted by their trees' covers."""
    base = forest.base.copy()
    leaf, _, _, share = _steps(forest)
    chance = np.ones(forest.leaves)
    np.multiply.at(chance, leaf, share)
    np.add.at(base, forest.leaf_target, chance * forest.leaf_value)
    return base


def paths(forest: Forest) -> list[Paths]:
    """Group the leaves by the number of distinct features above them; leaves without any explain nothing."""
    leaf, node, is_true, share = _steps(forest)
    feature = forest.feature[node]
    order = np.lexsort((feature, leaf))
    leaf, node, is_true, share, feature = (part[order] for part in (leaf, node, is_true, share, feature))
    if not len(leaf):
        return []
    opens = np.flatnonzero(np.concatenate([[True], (np.diff(leaf) != 0) | (np.diff(feature) != 0)]))
    zero = np.multiply.reduceat(share, opens)
    sizes = np.diff(np.concatenate([opens, [len(leaf)]]))
    depth = np.bincount(leaf[opens], minlength=forest.leaves)
    depth_of = depth[leaf[opens]]
    groups = []
    for d in np.unique(depth_of).tolist():
        mine = depth_of == d
        steps = np.repeat(mine, sizes)
        leaves = leaf[opens[mine]].reshape(-1, d)[:, 0]
        # Gauss-Legendre on [0, 1]; n points are exact up to degree 2 n - 1.
        points, weights = np.polynomial.legendre.leggauss((d + 1) // 2)
        groups.append(
            Paths(
                zero=zero[mine].reshape(-1, d),
                cell=(feature[opens[mine]] * forest.targets).reshape(-1, d) + forest.leaf_target[leaves][:, None],
                value=forest.leaf_value[leaves],
                node=node[steps],
                is_true=is_true[steps],
                starts=np.concatenate([[0], np.cumsum(sizes[mine])[:-1]]),
                points=(points + 1) / 2,
                weights=weights / 2,
            )
        )
    return groups


def shapley(forest: Forest, groups: Sequence[Paths], x: Array) -> Array:
    """Return the Shapley values (rows, features, targets) of every row's margin."""
    cells = forest.features * forest.targets
    found = np.zeros((len(x), cells))
    elements = max((group.zero.size for group in groups), default=1)
    step = max(1, _BLOCK // elements)
    for start in range(0, len(x), step):
        goes = decisions(forest, x[start : start + step])
        rows = len(goes)
        for group in groups:
            phi = _of_group(group, goes)
            cell = (np.arange(rows)[:, None] * cells + group.cell.ravel()).ravel()
            found[start : start + rows] += np.bincount(cell, phi.ravel(), rows * cells).reshape(rows, cells)
    return found.reshape(len(x), forest.features, forest.targets)


def _of_group(group: Paths, goes: Array) -> Array:
    """Return phi (rows, leaves, d) for the rows' decisions (rows, nodes)."""
    met = goes[:, group.node] == group.is_true
    one = np.logical_and.reduceat(met, group.starts, axis=1).reshape(len(goes), *group.zero.shape)
    integral = np.zeros(one.shape)
    for point, weight in zip(group.points, group.weights, strict=True):
        # zero > 0 and point < 1, so no factor is 0 and each can be divided out of the product again.
        factor = group.zero * (1.0 - point) + one * point
        integral += (weight * factor.prod(axis=-1, keepdims=True)) / factor
    phi: Array = (one - group.zero) * integral * group.value[:, None]
    return phi


def _steps(forest: Forest) -> tuple[Array, Array, Array, Array]:
    """Return for every leaf and every node above it: leaf, node, whether the way down is the true branch, and the
    share of the node's training rows that go that way."""
    cover = node_cover(forest)
    n = forest.nodes
    parent = np.full(n + forest.leaves, -1, dtype=np.int64)
    by_true = np.zeros(n + forest.leaves, dtype=bool)
    for child, is_true in ((forest.false, False), (forest.true, True)):
        place = np.where(child >= 0, child, n + ~child)
        parent[place] = np.arange(n)
        by_true[place] = is_true
    covers = np.concatenate([cover, forest.leaf_cover])
    found: list[tuple[Array, Array, Array, Array]] = []
    leaf = np.arange(forest.leaves)
    at = n + leaf
    while True:
        above = parent[at]
        inner = above >= 0
        leaf, at, above = leaf[inner], at[inner], above[inner]
        if not len(leaf):
            break
        found.append((leaf, above, by_true[at], covers[at] / covers[above]))
        at = above
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none.astype(bool), none.astype(np.float64)
    a, b, c, d = (np.concatenate(part) for part in zip(*found, strict=True))
    return a, b, c, d


def _faithful(reasons: Reasons) -> Reasons:
    total = reasons.base + reasons.attributions.sum(axis=1)
    gap = np.abs(total - reasons.margin) / np.maximum(1.0, np.abs(reasons.margin))
    if gap.size and not gap.max() <= TOLERANCE:
        raise UnfaithfulReasons(
            f"The reasons do not add up to the model's margin: off by {gap.max():.1e}, allowed {TOLERANCE:.0e}",
            where=f"case {int(gap.max(axis=1).argmax())}",
            fix="Release the run again: graph and explain.json of this bundle do not belong together.",
        )
    return reasons
