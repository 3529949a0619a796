"""A forest as the flat tables that `forest.c` reads. Only a checked `Forest` becomes tables, so no index leaves them.

Leaves are numbered from left to right within each tree, where the left branch of a number's node is its true one and that of a category's
node the one that more states take: what a state has to clear is then little.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest, levels
from seaway.engines.native.columns import MISSING, Column, TooManyCategories, alike, columns
from seaway.engines.native.kernel import CForest

BLOCK = 64
MAX_LEAVES = 1024
"""Leaves of a tree that bits are worth: beyond, walking down is faster, which onnxruntime does."""

SMALL_LEAVES = 256
"""Leaves of a tree whose numbers fit a byte, as blocks want them."""

_EVERY = 32
_CHECKPOINT_BYTES = 1 << 20
_WORD = 32
_CHUNK = 64
_FEW = 24
"""Entries that are cleared one by one rather than by a checkpoint of their own."""


class NoTables(Exception):
    """This forest is not for the kernel; the text says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """A forest in C's layout: `address` is valid as long as this lives. `place` (nodes,) is where each node went."""

    structure: CForest
    held: dict[str, Array]
    place: Array
    scratch: int

    @property
    def address(self) -> int:
        """Address of the `struct forest`."""
        return ctypes.addressof(self.structure)

    @property
    def bytes(self) -> int:
        """Memory of all tables."""
        return sum(values.nbytes for values in self.held.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shape:
    """Where nodes and leaves lie: tree and left-to-right order, and the leaves (from, to) under each node's left branch."""

    tree: Array
    tree_leaf: Array
    tree_node: Array
    leaf_place: Array
    node_place: Array
    left: Array
    clears: Array


def tables(forest: Forest) -> Tables:
    """Return the tables of a forest; raise `NoTables` where the kernel is not for it."""
    try:
        # The deepest searches first, so that all go down together.
        asked = sorted(columns(forest), key=lambda column: -_levels(column))
    except TooManyCategories:
        raise NoTables("the subsets of one feature tell too many categories apart") from None
    shape = _shape(forest, _left(forest, asked))
    widest = int(np.diff(shape.tree_leaf).max(initial=0))
    if widest > MAX_LEAVES:
        raise NoTables(f"a tree has {widest} leaves, more than {MAX_LEAVES}")
    held: dict[str, Array] = {"base": forest.base.astype(np.float64), **_leaves(forest, shape)}
    words = _words(shape)
    held |= (
        words
        | _searches(forest, asked)
        | _clears(forest, asked, shape, held_words=words)
        | _nodes(forest, asked, shape)
    )
    scalars: dict[str, int] = {
        "targets": forest.targets,
        "columns": len(asked),
        "trees": forest.trees,
        "words": len(words["full"]),
        "tests": len(held["test"]),
        "is_narrow": int(widest <= _WORD),
        "is_small": int(widest <= SMALL_LEAVES),
        "deepest": len(held["reaching"]) - 1,
    }
    structure = CForest()
    for name, value in scalars.items():
        setattr(structure, name, value)
    held = {name: np.require(values, requirements=("C", "A")) for name, values in held.items()}
    for name, values in held.items():
        setattr(structure, name, values.ctypes.data)
    # One row: words, what each column cleared, its checkpoint, its state. A block: a byte for each row of everything tested.
    scratch = max(4 * scalars["words"] + 32 * (len(asked) + 1), (2 * len(asked) + scalars["tests"]) * BLOCK)
    return Tables(structure=structure, held=held, place=shape.node_place, scratch=scratch)


def _left(forest: Forest, asked: list[Column]) -> Array:
    """Say of each node whether its true branch is the left one: that which clears nothing."""
    left = np.ones(forest.nodes, dtype=bool)
    for column in asked:
        if column.inside is not None:
            left[column.nodes] = column.inside.mean(axis=0) >= 0.5
    return left


def _shape(forest: Forest, left: Array) -> _Shape:
    steps = levels(forest)
    first, second = (np.where(left, a, b) for a, b in ((forest.true, forest.false), (forest.false, forest.true)))
    under = np.ones((2, forest.nodes), dtype=np.int64)  # leaves under the left and the right branch
    total = np.ones(forest.nodes, dtype=np.int64)
    for level in reversed(steps):
        for side, child in enumerate((first[level], second[level])):
            under[side, level] = np.where(child >= 0, total[np.maximum(child, 0)] if forest.nodes else 1, 1)
        total[level] = under[:, level].sum(axis=0)
    roots = forest.roots
    of_root = np.where(roots >= 0, total[np.maximum(roots, 0)] if forest.nodes else 1, 1)
    tree_leaf = np.concatenate([[0], np.cumsum(of_root)])
    tree = np.zeros(forest.nodes, dtype=np.int64)
    opens = np.zeros(forest.nodes, dtype=np.int64)
    leaf_place = np.zeros(forest.leaves, dtype=np.int64)
    inner = roots >= 0
    tree[roots[inner]] = np.flatnonzero(inner)
    opens[roots[inner]] = tree_leaf[:-1][inner]
    leaf_place[~roots[~inner]] = tree_leaf[:-1][~inner]
    for level in steps:
        for child, at in ((first[level], opens[level]), (second[level], opens[level] + under[0, level])):
            node = child >= 0
            opens[child[node]], tree[child[node]] = at[node], tree[level][node]
            leaf_place[~child[~node]] = at[~node]
    # Within a tree, parents before children: the levels, sorted by tree.
    order = np.concatenate([*steps, np.zeros(0, dtype=np.int64)])
    order = order[np.argsort(tree[order], kind="stable")]
    node_place = np.empty(forest.nodes, dtype=np.int64)
    node_place[order] = np.arange(forest.nodes)
    return _Shape(
        tree=tree,
        tree_leaf=tree_leaf,
        tree_node=np.concatenate([[0], np.cumsum(np.bincount(tree, minlength=forest.trees))]),
        leaf_place=leaf_place,
        node_place=node_place,
        left=left,
        clears=np.stack([opens, opens + under[0]]) - tree_leaf[tree],
    )


def _leaves(forest: Forest, shape: _Shape) -> dict[str, Array]:
    """Return values and targets from left to right, and the target of each tree, -1 where its leaves differ."""
    order = np.argsort(shape.leaf_place)
    target = forest.leaf_target[order]
    starts = shape.tree_leaf[:-1]
    low, high = (
        (np.minimum.reduceat(target, starts), np.maximum.reduceat(target, starts)) if len(starts) else (target, target)
    )
    return {
        "leaf_value": forest.leaf_value[order].astype(np.float64),
        "leaf_target": target.astype(np.int32),
        "tree_leaf": shape.tree_leaf.astype(np.int32),
        "tree_target": np.where(low == high, low, -1).astype(np.int32),
    }


def _words(shape: _Shape) -> dict[str, Array]:
    """Return the words of each tree, and their bits when nothing is cleared."""
    leaves = np.diff(shape.tree_leaf)
    per_tree = -(-leaves // _WORD)
    full = np.full(-(-per_tree.sum() // _CHUNK) * _CHUNK, 0xFFFFFFFF, dtype=np.uint32)
    tree_word = np.concatenate([[0], np.cumsum(per_tree)])
    rest = leaves % _WORD
    full[tree_word[1:][rest > 0] - 1] = ((1 << rest[rest > 0]) - 1).astype(np.uint32)
    return {"tree_word": tree_word.astype(np.int32), "full": full}


def _searches(forest: Forest, asked: list[Column]) -> dict[str, Array]:
    """Return the columns' cuts, padded to one less than a power of two so that a search needs no bounds."""
    levels_of = [_levels(column) for column in asked]
    cuts = [np.full((1 << level) - 1, np.inf, dtype=np.float32) for level in levels_of]
    states = [np.zeros(1 << level, dtype=np.uint8) for level in levels_of]
    for column, cut, state in zip(asked, cuts, states, strict=True):
        cut[: len(column.cuts)] = column.cuts
        state[: len(column.states)] = column.states
    zeros = set(forest.zeros)
    return {
        "feature": np.array([column.feature for column in asked], dtype=np.int32),
        "zero_is_missing": np.array([column.feature in zeros for column in asked], dtype=np.uint8),
        "levels": np.array(levels_of, dtype=np.int32),
        "reaching": np.array(
            [sum(own >= n for own in levels_of) for n in range(max(levels_of, default=0) + 1)], dtype=np.int32
        ),
        "cuts": _flat(cuts, np.float32),
        "cuts_at": _starts(cuts),
        "map": _flat(states, np.uint8),
        "map_at": _starts(states),
    }


class _Clearing:
    """Collects entries and checkpoints."""

    def __init__(self, shape: _Shape, words: dict[str, Array], nodes: int) -> None:
        self._shape = shape
        self._first = words["tree_word"][shape.tree] if nodes else np.zeros(0, dtype=np.int64)
        self._words = len(words["full"])
        self.every = max(_EVERY, nodes * self._words * 4 // _CHECKPOINT_BYTES)
        self.entries: list[Array] = []
        self.count = 0
        self.checkpoints: list[Array] = []

    def expand(self, nodes: Array) -> tuple[Array, Array, Array]:
        """Return words and masks that the nodes clear, in their order, and how many entries come up to each node."""
        begin, end = self._shape.clears[:, nodes]
        opens, closes = begin // _WORD, (end - 1) // _WORD
        spans = closes - opens + 1
        upto = np.concatenate([[0], np.cumsum(spans)])
        word = np.repeat(opens, spans) + np.arange(upto[-1]) - np.repeat(upto[:-1], spans)
        low = np.maximum(np.repeat(begin, spans) - word * _WORD, 0)
        high = np.minimum(np.repeat(end, spans) - word * _WORD, _WORD)
        bits = ((np.uint64(1) << high.astype(np.uint64)) - (np.uint64(1) << low.astype(np.uint64))).astype(np.uint32)
        return np.repeat(self._first[nodes], spans) + word, ~bits, upto

    def keep(self, word: Array, mask: Array) -> int:
        """Add entries; return where they start."""
        start = self.count
        self.entries.append(np.stack([word.astype(np.uint32), mask], axis=1))
        self.count += len(word)
        return start

    def checkpoint(self, word: Array, mask: Array, after: int = -1) -> int:
        """Add the bits that entries leave, after those of another checkpoint; return its number."""
        kept = self.checkpoints[after].copy() if after >= 0 else np.full(self._words, 0xFFFFFFFF, dtype=np.uint32)
        np.bitwise_and.at(kept, word, mask)
        self.checkpoints.append(kept)
        return len(self.checkpoints) - 1

    def alone(self, nodes: Array) -> tuple[int, int, int]:
        """Return the prefix of a state that clears just these nodes."""
        word, mask, _ = self.expand(nodes)
        if len(word) > max(_FEW, self._words // 8):
            return self.checkpoint(word, mask), 0, 0
        start = self.keep(word, mask)
        return -1, start, start + len(word)


def _clears(forest: Forest, asked: list[Column], shape: _Shape, *, held_words: dict[str, Array]) -> dict[str, Array]:
    """Return, for every state of every column, what it clears."""
    clearing = _Clearing(shape, held_words, forest.nodes)
    prefixes: list[tuple[int, int, int]] = []
    starts = []
    for column in asked:
        starts.append(len(prefixes))
        if column.inside is not None:
            touched = column.inside != shape.left[column.nodes]
            prefixes.extend(clearing.alone(column.nodes[row]) for row in touched)
        else:
            prefixes.append(clearing.alone(column.nodes[~forest.missing_true[column.nodes]]))
            prefixes.extend(_prefixes(clearing, column))
    rows = np.array(prefixes, dtype=np.int32).reshape(-1, 3)
    return {
        "prefixes": rows,
        "prefix_at": np.array(starts, dtype=np.int32),
        "entries": np.concatenate([*clearing.entries, np.zeros((0, 2), dtype=np.uint32)]),
        "checkpoints": np.concatenate([*clearing.checkpoints, np.zeros(0, dtype=np.uint32)]),
    }


def _prefixes(clearing: _Clearing, column: Column) -> list[tuple[int, int, int]]:
    """Return what each state of a number clears: all nodes whose threshold is below it, the last checkpoint first."""
    assert column.rank is not None
    order = np.argsort(column.rank, kind="stable")
    word, mask, upto = clearing.expand(column.nodes[order])
    start = clearing.keep(word, mask)
    marks = [-1]
    for begin in range(0, len(word) - clearing.every + 1, clearing.every):
        part = slice(begin, begin + clearing.every)
        marks.append(clearing.checkpoint(word[part], mask[part], marks[-1]))
    # State s fails the nodes whose largest true state is below s.
    ends = upto[np.searchsorted(column.rank[order], np.arange(MISSING + 1, column.count), side="left")]
    passed = ends // clearing.every
    return [
        (marks[mark], start + mark * clearing.every, start + end)
        for mark, end in zip(passed.tolist(), ends.tolist(), strict=True)
    ]


def _nodes(forest: Forest, asked: list[Column], shape: _Shape) -> dict[str, Array]:
    """Return the nodes tree by tree, and the sets of states that the categories' nodes test."""
    row = np.zeros(forest.nodes, dtype=np.int64)
    most = np.zeros(forest.nodes, dtype=np.int64)
    tests: list[tuple[int, Array]] = []
    for place, column in enumerate(asked):
        if column.rank is not None:
            row[column.nodes] = np.where(forest.missing_true[column.nodes], place, len(asked) + place)
            most[column.nodes] = column.rank
            continue
        assert column.inside is not None
        first, which = alike(column.inside.T)
        row[column.nodes] = 2 * len(asked) + len(tests) + which
        bits = np.zeros((len(first), 256), dtype=bool)
        bits[:, : len(column.inside)] = column.inside[:, first].T
        tests.extend((place, one) for one in np.packbits(bits, axis=1, bitorder="little"))
    slots = [_slots(forest, shape, child) for child in (forest.true, forest.false)]
    kind = np.dtype([("row", "<i4"), ("yes", "<u2"), ("no", "<u2"), ("most", "<i4")])
    nodes = np.zeros(forest.nodes, dtype=kind)
    for name, values in (("row", row * BLOCK), ("yes", slots[0]), ("no", slots[1]), ("most", most)):
        nodes[name][shape.node_place] = values
    return {
        "nodes": nodes,
        "tree_node": shape.tree_node.astype(np.int32),
        "test": np.array(tests, dtype=[("column", "<i4"), ("bits", "u1", 32)]),
    }


def _slots(forest: Forest, shape: _Shape, child: Array) -> Array:
    """Return where a tree's walk notes who reaches a child: its nodes in order, then its leaves."""
    inner = child >= 0
    starts = shape.tree_node[shape.tree]
    found = np.zeros(forest.nodes, dtype=np.int64)
    found[inner] = shape.node_place[child[inner]] - starts[inner]
    leaf = shape.leaf_place[~child[~inner]] - shape.tree_leaf[shape.tree[~inner]]
    found[~inner] = np.diff(shape.tree_node)[shape.tree[~inner]] + leaf
    return found


def _levels(column: Column) -> int:
    """Return how many steps a search through a column's cuts takes."""
    return len(column.cuts).bit_length()


def _flat(parts: list[Array], dtype: Any) -> Array:
    return np.concatenate([*parts, np.zeros(0, dtype=dtype)]).astype(dtype)


def _starts(parts: list[Array]) -> Array:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])])[: len(parts)].astype(np.int32)
