"""What a forest asks of its inputs, as columns of byte states: sorted float32 cuts, and a state for each gap between them.

Routing compares float32 inputs with float64 thresholds, so a threshold may be rounded down to float32 without changing any
answer. A column has 254 states besides "missing" at most; a feature with more thresholds becomes several columns. Category
codes that no node tells apart share a state; a value that is no code at all has the state of those that are in no subset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest

MISSING = 0
"""The state of a missing value; the others count from 1."""

MOST = 254
"""States of a column besides missing, so that 255 is free."""

MOST_CELLS = 1 << 26
"""Codes times subsets of one feature that are worth a table."""


class TooManyCategories(Exception):
    """A feature's subsets are more than a table of states can hold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """One input as states: a value's state is `states[i]` where i of the cuts are below it.

    Of a number's column, `rank` (nodes,) is the largest state that takes the true branch. Of a category's, `inside` (states, nodes)
    says which states do, with the row of MISSING first.
    """

    feature: int
    cuts: Array
    states: Array
    nodes: Array
    rank: Array | None = None
    inside: Array | None = None

    @property
    def count(self) -> int:
        """Number of states, missing included."""
        return int(self.states.max()) + 1


def columns(forest: Forest) -> list[Column]:
    """Return the columns that the nodes of a forest ask about; each node is in exactly one."""
    found: list[Column] = []
    for feature in np.unique(forest.feature).tolist():
        nodes = np.flatnonzero(forest.feature == feature)
        is_number = forest.subset[nodes] < 0
        found.extend(_numbers(forest, feature, nodes[is_number]))
        found.extend(_categories(forest, feature, nodes[~is_number]))
    return found


def rounded_down(threshold: Array) -> Array:
    """Return the largest float32 that is not above each float64."""
    with np.errstate(over="ignore", under="ignore"):
        near = threshold.astype(np.float32)
        return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _numbers(forest: Forest, feature: int, nodes: Array) -> Iterator[Column]:
    cuts, rank = np.unique(rounded_down(forest.threshold[nodes]), return_inverse=True)
    for start in range(0, len(cuts), MOST - 1):
        part = cuts[start : start + MOST - 1]
        here = (rank >= start) & (rank < start + len(part))
        yield Column(
            feature=feature,
            cuts=part,
            states=np.arange(1, len(part) + 2),
            nodes=nodes[here],
            rank=rank[here] - start + 1,  # with none of the cuts below it, a value has state 1
        )


def _categories(forest: Forest, feature: int, nodes: Array) -> Iterator[Column]:
    if not len(nodes):
        return
    subset = forest.subset[nodes]
    sizes = np.diff(forest.starts)[subset]
    of_node = np.repeat(np.arange(len(nodes)), sizes)
    within = np.arange(len(of_node)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    members = forest.members[np.repeat(forest.starts[subset], sizes) + within]
    codes = np.unique(members)
    if (len(codes) + 1) * len(nodes) > MOST_CELLS:
        raise TooManyCategories
    inside = np.zeros((len(codes) + 1, len(nodes)), dtype=bool)  # the last row is of whatever is no code
    inside[np.searchsorted(codes, members), of_node] = True
    for part, first, which in _told_apart(inside, np.arange(len(nodes))):
        state = which + 1
        missing = forest.missing_true[nodes[part]][None, :]
        # A code is the gap between the number just below it and itself; all other gaps hold no code.
        at = codes.astype(np.float32)
        with np.errstate(under="ignore"):  # just below 0
            cuts = np.stack([np.nextafter(at, np.float32(-np.inf)), at], axis=1).ravel()
        states = np.full(len(cuts) + 1, state[-1])
        states[1::2] = state[:-1]
        yield Column(
            feature=feature,
            cuts=cuts,
            states=states,
            nodes=nodes[part],
            inside=np.concatenate([missing, inside[np.ix_(first, part)]]),
        )


def _told_apart(inside: Array, part: Array) -> Iterator[tuple[Array, Array, Array]]:
    """Yield groups of nodes that tell few enough codes apart, with the first code of each kind and every code's kind."""
    first, which = alike(inside[:, part])
    if len(first) <= MOST:  # seven nodes always do
        yield part, first, which
    else:
        middle = len(part) // 2
        yield from _told_apart(inside, part[:middle])
        yield from _told_apart(inside, part[middle:])


def alike(matrix: Array) -> tuple[Array, Array]:
    """Return the first of each kind of row of a boolean matrix, and which kind every row is of."""
    packed = np.packbits(matrix, axis=1)
    rows = np.ascontiguousarray(packed).view(np.dtype((np.void, max(1, packed.shape[1])))).ravel()
    _, first, which = np.unique(rows, return_index=True, return_inverse=True)
    return first, which
