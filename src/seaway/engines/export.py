"""Models as graphs: forests, linear models, calibration and decision in float64, each a program of its own.

A member program maps `x` (rows, features) float32 to `margin` (rows, targets) float64; a finish program maps the blended
margin, there called `raw`, to the answer's outputs. `engines/compose.py` makes one program of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.core.candidate import Program
from seaway.core.contract import CODE_OTHER
from seaway.engines import explain
from seaway.engines.additive import Additive
from seaway.engines.explain import Explain
from seaway.engines.finish import Finish, Multiclass, Value, affine
from seaway.engines.forest import ZERO, Forest
from seaway.engines.graph import DOUBLE, FLOAT, INT64, Graph, Shape
from seaway.engines.readers.onnx import NO_CATEGORY
from seaway.engines.walk import GRAPH

_LEQ, _MEMBER = 0, 6


def forest_program(forest: Forest) -> Program:
    """Return the member program of a tree ensemble."""
    graph = Graph()
    margin = forest_margin(graph, "x", forest)
    return member(graph, margin, forest.features, forest.targets, explain.of_forest(forest))


def additive_program(additive: Additive) -> Program:
    """Return the member program of a linear model, or of a constant (`additive.constant`)."""
    graph = Graph()
    margin = additive_margin(graph, "x", additive)
    return member(graph, margin, additive.features, additive.targets, explain.of_additive(additive))


def finish_program(finish: Finish) -> Program:
    """Return the program from `raw` (rows, targets) to the outputs that `finish.answers` names."""
    graph = Graph()
    slope, shift = affine(finish)
    inputs = {"raw": (DOUBLE, (len(slope),))}
    data = graph.model(inputs, finish_outputs(graph, "raw", finish))
    return program(data, Explain(format=1, features=0, targets=len(slope), slope=slope, shift=shift, parts=()))


def member(graph: Graph, margin: str, features: int, targets: int, told: Explain | None) -> Program:
    """Close a graph over x whose answer is `margin`."""
    data = graph.model({"x": (FLOAT, (features,))}, {"margin": (margin, DOUBLE, (targets,))})
    return program(data, told)


def program(data: bytes, told: Explain | None) -> Program:
    """Return the program of a graph and, where it is known, what explains it."""
    files = {GRAPH: data} if told is None else {GRAPH: data, explain.FILE: explain.encode(told)}
    return Program(engine="onnx", files=files)


def forest_margin(graph: Graph, x: str, forest: Forest) -> str:
    """Add a tree ensemble on x (rows, features) float32; return its margin."""
    values = graph.double(x)
    if forest.zeros:
        is_zero_missing = np.zeros(forest.features, dtype=bool)
        is_zero_missing[list(forest.zeros)] = True
        small = graph.op("LessOrEqual", graph.op("Abs", values), graph.constant(ZERO))
        absent = graph.op("And", small, graph.constant(is_zero_missing))
        values = graph.op("Where", absent, graph.constant(np.nan), values)
    margin = graph.op("TreeEnsemble", values, domain="ai.onnx.ml", **_ensemble(forest))
    return graph.plus(margin, graph.constant(forest.base)) if forest.base.any() else margin


def additive_margin(graph: Graph, x: str, additive: Additive) -> str:
    """Add a linear model on x (rows, features) float32; return its margin."""
    total = ""
    if len(additive.numbers):
        values = graph.double(graph.op("Gather", x, graph.constant(additive.numbers), axis=1))
        absent = graph.op("IsNaN", values)
        filled = graph.op("Where", absent, graph.constant(additive.fill), values)
        centered = graph.op("Sub", filled, graph.constant(additive.center))
        z = graph.op("Div", centered, graph.constant(additive.scale))
        total = graph.op("MatMul", z, graph.constant(additive.weight))
        if additive.missing.any():
            total = graph.plus(total, graph.op("MatMul", graph.double(absent), graph.constant(additive.missing)))
    if len(additive.codes):
        total = graph.plus(total, _looked_up(graph, x, additive))
    if not total:  # a constant still answers once per row: a zero for each, whatever the first feature holds
        first = graph.op("Gather", x, graph.constant(np.zeros(1, dtype=np.int64)), axis=1)
        total = graph.op("Where", graph.op("IsNaN", first), graph.constant(0.0), graph.constant(0.0))
    return graph.plus(total, graph.constant(additive.intercept))


def finish_outputs(graph: Graph, raw: str, finish: Finish) -> dict[str, tuple[str, int, Shape]]:
    """Add calibration, link and decision; return by output name the value, its type and its shape after rows."""
    slope, shift = (np.array(part) for part in affine(finish))
    targets = len(slope)
    margin = graph.times(raw, slope)
    if shift.any():
        margin = graph.plus(margin, graph.constant(shift))
    outputs: dict[str, tuple[str, int, Shape]] = {"margin": (margin, DOUBLE, (targets,))}
    first = graph.constant(np.array([1], dtype=np.int64))
    if isinstance(finish, Value):
        linked = graph.op("Exp", margin) if finish.link == "exp" else margin
        return outputs | {"value": (graph.op("Squeeze", linked, first), DOUBLE, ())}
    if isinstance(finish, Multiclass):
        p = graph.op("Softmax", margin, axis=1)
        label = graph.op("ArgMax", p, axis=1, keepdims=0)
        return outputs | {"probabilities": (p, DOUBLE, (targets,)), "label": (label, INT64, ())}
    p = graph.op("Sigmoid", margin)
    both = graph.op("Concat", graph.op("Sub", graph.constant(1.0), p), p, axis=1)
    above = graph.op("GreaterOrEqual", graph.op("Squeeze", p, first), graph.constant(finish.threshold))
    label = graph.op("Cast", above, to=INT64)
    return outputs | {"probabilities": (both, DOUBLE, (2,)), "label": (label, INT64, ())}


def _looked_up(graph: Graph, x: str, additive: Additive) -> str:
    """Add the table look-up of all categories: one Gather, summed over the features."""
    codes = graph.op("Gather", x, graph.constant(additive.codes), axis=1)
    sizes = np.diff(additive.starts).astype(np.float32)
    is_code = graph.op("GreaterOrEqual", codes, graph.constant(np.float32(0)))
    is_known = graph.op("And", is_code, graph.op("Less", codes, graph.constant(sizes)))
    code = graph.op("Where", is_known, codes, graph.constant(np.float32(CODE_OTHER)))
    place = graph.plus(graph.op("Cast", code, to=INT64), graph.constant(additive.starts[:-1]))
    rows = graph.op("Gather", graph.constant(additive.table), place, axis=0)
    return graph.op("ReduceSum", rows, graph.constant(np.array([1], dtype=np.int64)), keepdims=0)


def _ensemble(forest: Forest) -> dict[str, Any]:
    """Return the attributes of the TreeEnsemble node.

    A tree of one leaf becomes a node both of whose branches are that leaf. onnxruntime wants every subset to hold a
    value, so an empty one holds NO_CATEGORY.
    """
    single = forest.roots[forest.roots < 0]
    count = len(single)

    def with_single(inner: Array, extra: Array | float) -> Array:
        return np.concatenate([inner, np.broadcast_to(np.asarray(extra), (count,)).astype(inner.dtype)])

    roots = forest.roots.copy()
    roots[roots < 0] = forest.nodes + np.arange(count)
    true, false = (with_single(child, single) for child in (forest.true, forest.false))
    is_member = with_single(forest.subset >= 0, False)
    members = [forest.members[forest.starts[s] : forest.starts[s + 1]] for s in forest.subset[forest.subset >= 0]]
    subsets = [part for codes in members for part in (codes if len(codes) else [NO_CATEGORY], [np.nan])]
    attributes: dict[str, Any] = {
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": forest.targets,
        "tree_roots": roots.tolist(),
        "nodes_featureids": with_single(forest.feature, 0).tolist(),
        "nodes_splits": with_single(forest.threshold, 0.0),
        "nodes_modes": np.where(is_member, _MEMBER, _LEQ).astype(np.uint8),
        "nodes_truenodeids": np.where(true >= 0, true, ~true).tolist(),
        "nodes_trueleafs": (true < 0).astype(int).tolist(),
        "nodes_falsenodeids": np.where(false >= 0, false, ~false).tolist(),
        "nodes_falseleafs": (false < 0).astype(int).tolist(),
        "nodes_missing_value_tracks_true": with_single(forest.missing_true, False).astype(int).tolist(),
        "leaf_targetids": forest.leaf_target.tolist(),
        "leaf_weights": forest.leaf_value,
    }
    if subsets:
        attributes["membership_values"] = np.concatenate(subsets).astype(np.float64)
    return attributes
