"""TreeSHAP by the kernel: the paths of `engines/reasons.py`, laid out eight leaves side by side."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest
from seaway.engines.native.kernel import CPaths, Kernel
from seaway.engines.native.program import aligned, owned
from seaway.engines.native.tables import tables
from seaway.engines.reasons import Paths, paths

_SIDE = 8
_PARTS = ("zero", "value", "point", "weight", "cell", "node", "start", "is_true")


def shapley(kernel: Kernel, forest: Forest) -> Callable[[Array], Array]:
    """Return what gives the Shapley values (rows, features, targets) of rows; used by one thread at a time."""
    table, groups = tables(forest), paths(forest)
    laid = [_laid(group, table.place) for group in groups]
    structures = (CPaths * len(groups))()
    for structure, group, parts in zip(structures, groups, laid, strict=True):
        structure.leaves, structure.d = len(parts["value"]), group.zero.shape[1]
        structure.points = len(group.points)
        for name in _PARTS:
            setattr(structure, name, parts[name].ctypes.data)
    deepest = max((group.zero.shape[1] for group in groups), default=0)
    seen = 2 * table.structure.columns + table.structure.tests
    scratch = aligned((deepest * 3 * _SIDE + table.structure.columns) * 8 + seen + forest.nodes)

    def explained(x: Array) -> Array:
        x = owned(x, np.float32)
        phi = np.empty((len(x), forest.features, forest.targets))
        # `laid` is named here so that it lives as long as its addresses are used.
        kernel.shapley(
            table.address,
            ctypes.addressof(structures),
            len(laid),
            x.ctypes.data,
            len(x),
            forest.features,
            phi.ctypes.data,
            scratch.ctypes.data,
        )
        return phi

    return explained


def _laid(group: Paths, place: Array) -> dict[str, Array]:
    """Return a group's arrays with leaves filled up to eights: (leaves / 8, d, 8). What is filled in explains nothing."""
    leaves, d = group.zero.shape
    more = -leaves % _SIDE

    def eights(values: Array, fill: float) -> Array:
        filled = np.concatenate([values, np.full((more, d), fill, dtype=values.dtype)])
        return filled.reshape(-1, _SIDE, d).transpose(0, 2, 1).ravel()

    steps = np.diff(np.concatenate([group.starts, [len(group.node)]])).reshape(leaves, d)
    sizes, opens = eights(steps, 0), eights(group.starts.reshape(leaves, d), 0)
    start = np.concatenate([[0], np.cumsum(sizes)])
    order = np.repeat(opens - start[:-1], sizes) + np.arange(start[-1])
    return {
        "zero": eights(group.zero, 1.0),
        "value": np.concatenate([group.value, np.zeros(more)]),
        "point": owned(group.points, np.float64),
        "weight": owned(group.weights, np.float64),
        "cell": eights(group.cell, 0).astype(np.int32),
        "node": place[group.node[order]].astype(np.int32),
        "start": start.astype(np.int32),
        "is_true": group.is_true[order].astype(np.uint8),
    }
