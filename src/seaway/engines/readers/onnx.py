"""ONNX `ai.onnx.ml` v5 TreeEnsemble -> Forest, read from our own walk over the bytes: nothing here parses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import InexactExport, Untrusted
from seaway.engines.forest import MAX_CATEGORY, Forest
from seaway.engines.wire import Model, Node

NO_CATEGORY = MAX_CATEGORY + 1
"""Stands in an empty subset: the first whole number that no float32 equals, so no row is ever a member."""

_LEQ, _MEMBER = 0, 6
_NUMBERS = (
    "tree_roots nodes_featureids nodes_truenodeids nodes_trueleafs nodes_falsenodeids nodes_falseleafs "
    "nodes_missing_value_tracks_true leaf_targetids"
).split()
_TENSORS = {"nodes_splits": "<f8", "nodes_modes": "|u1", "leaf_weights": "<f8"}


def sole_forest(model: Model, leaf_cover: Sequence[float] | None = None) -> Forest | None:
    """Return the forest of a member program that is nothing but one, its base included; None for any other graph."""
    ops = [node.op for node in model.nodes if node.op != "Identity"]
    if ops not in (["Cast", "TreeEnsemble"], ["Cast", "TreeEnsemble", "Add"]) or set(model.inputs) != {"x"}:
        return None
    cast, trees, *add = (node for node in model.nodes if node.op != "Identity")
    base: Array | None = None
    if add:
        base = model.constants.get(add[0].inputs[1])
        if base is None or base.ndim != 1 or base.dtype != np.float64 or add[0].inputs[0] != trees.outputs[0]:
            return None
    if cast.inputs != ("x",) or trees.inputs != cast.outputs:
        return None
    return ensemble(trees, _width(model), leaf_cover=leaf_cover, base=base)


def ensembles(model: Model) -> list[Node]:
    """Return the TreeEnsemble nodes in the order of the graph."""
    return [node for node in model.nodes if node.op == "TreeEnsemble"]


def ensemble(
    node: Node,
    features: int,
    *,
    leaf_cover: Sequence[float] | None = None,
    base: Array | None = None,
    zeros: tuple[int, ...] = (),
) -> Forest:
    """Return the forest of a TreeEnsemble node; whatever does not fit together is refused."""
    held, targets = _held(node)
    inner, leaves = len(held["nodes_modes"]), len(held["leaf_weights"])
    true, false = (_children(held, side, inner, leaves) for side in ("true", "false"))
    keep, roots, true, false = _without_single(held["tree_roots"], true, false)
    is_member = held["nodes_modes"] == _MEMBER
    members, starts = _members(node, int(is_member.sum()))
    if base is not None and base.shape != (targets,):
        raise _refuse(f"{targets} targets where something of shape {base.shape} is added")
    try:
        return Forest(
            features=features,
            targets=targets,
            feature=held["nodes_featureids"][keep],
            threshold=held["nodes_splits"][keep],
            subset=np.where(is_member, np.cumsum(is_member) - 1, -1)[keep],
            true=true,
            false=false,
            missing_true=held["nodes_missing_value_tracks_true"][keep] != 0,
            leaf_value=held["leaf_weights"],
            leaf_target=held["leaf_targetids"],
            leaf_cover=np.ones(leaves) if leaf_cover is None else _cover(leaf_cover, leaves),
            roots=roots,
            base=np.zeros(targets) if base is None else base,
            members=members,
            starts=starts,
            zeros=zeros,
        )
    except InexactExport as error:
        raise _refuse(error.what) from None


def _held(node: Node) -> tuple[dict[str, Array], int]:
    """Return the attributes as arrays and the number of targets, after looking that they are of one length and kind."""
    held = {name: _numbers(node, name) for name in _NUMBERS} | {
        name: _tensor(node, name, dtype) for name, dtype in _TENSORS.items()
    }
    inner, roots = len(held["nodes_modes"]), held["tree_roots"]
    if any(len(values) != inner for name, values in held.items() if name.startswith("nodes_")):
        raise _refuse("attributes of unequal length")
    if not np.isin(held["nodes_modes"], (_LEQ, _MEMBER)).all():
        raise _refuse("a comparison other than LEQ and MEMBER")
    if (node.attributes.get("aggregate_function", 1), node.attributes.get("post_transform", 0)) != (1, 0):
        raise _refuse("an aggregate other than SUM, or a transform")
    if len(roots) and not (roots.min() >= 0 and roots.max() < inner):
        raise _refuse("a root that is not there")
    targets = node.attributes.get("n_targets", 1)
    if not isinstance(targets, int) or not 0 < targets <= 1 << 16:
        raise _refuse("its number of targets")
    return held, targets


def _without_single(roots: Array, true: Array, false: Array) -> tuple[Array, Array, Array, Array]:
    """Turn nodes that stand for a tree of one leaf into that leaf; return which nodes stay, roots and children."""
    is_single = (true == false) & (true < 0)
    if is_single[np.concatenate([true[true >= 0], false[false >= 0]])].any():
        raise _refuse("a node with one leaf for both branches, below another node")
    keep = ~is_single
    moved = np.cumsum(keep) - 1
    roots = np.where(is_single[roots], true[roots], moved[roots])
    true, false = (np.where(child >= 0, moved[np.maximum(child, 0)], child)[keep] for child in (true, false))
    return keep, roots, true, false


def _children(held: dict[str, Array], side: str, inner: int, leaves: int) -> Array:
    """Return child numbers, ~leaf for leaves, after looking that each is there."""
    child, is_leaf = held[f"nodes_{side}nodeids"], held[f"nodes_{side}leafs"]
    if not np.isin(is_leaf, (0, 1)).all():
        raise _refuse("a leaf mark that is neither 0 nor 1")
    if ((child < 0) | (child >= np.where(is_leaf == 1, leaves, inner))).any():
        raise _refuse("a child that is not there")
    return np.where(is_leaf == 1, ~child, child)


def _members(node: Node, count: int) -> tuple[Array, Array]:
    """Return the subsets' codes, from their list in which NaN ends each."""
    if not count:
        return np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    values = _tensor(node, "membership_values", "<f8")
    ends = np.flatnonzero(np.isnan(values))
    if len(ends) != count or ends[-1] != len(values) - 1:
        raise _refuse("subsets of another number than its nodes ask for")
    is_code = ~np.isnan(values) & (values != NO_CATEGORY)
    codes = values[is_code]
    if (codes != np.floor(codes)).any() or (codes < 0).any() or (codes > MAX_CATEGORY).any():
        raise _refuse("a category that is not a whole number")
    starts = np.concatenate([[0], np.cumsum(is_code)[ends]]).astype(np.int64)
    return codes.astype(np.int64), starts


def _cover(leaf_cover: Sequence[float], leaves: int) -> Array:
    if len(leaf_cover) != leaves:
        raise _refuse(f"{leaves} leaves where the explanation knows {len(leaf_cover)}")
    return np.array(leaf_cover, dtype=np.float64)


def _numbers(node: Node, name: str) -> Array:
    value = node.attributes.get(name)
    if not isinstance(value, np.ndarray) or value.dtype != np.int64 or value.ndim != 1:
        raise _refuse(f"its {name}")
    return value


def _tensor(node: Node, name: str, dtype: str) -> Array:
    value = node.attributes.get(name)
    if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype) or value.ndim != 1:
        raise _refuse(f"its {name}")
    return value


def _width(model: Model) -> int:
    dims = model.inputs["x"].dims
    if len(dims) != 2 or not isinstance(dims[1], int):
        raise _refuse("the graph's input, which is not a matrix of known width")
    return dims[1]


def _refuse(what: str) -> Untrusted:
    return Untrusted(
        f"A TreeEnsemble of the graph has something wrong: {what}",
        where="graph.TreeEnsemble",
        fix="Release the run again; graphs of other exporters are not served.",
        code="graph-malformed",
    )
