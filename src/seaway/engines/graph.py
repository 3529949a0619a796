"""Writes ONNX: forests, linear models, calibration and decision as one graph in float64. The home of `import onnx`.

A member program maps `x` (rows, features) float32 to `margin` (rows, targets) float64; a finish program maps the
blended margin, there called `raw`, to the answer's outputs; `compose` makes one program of weighted members and a
finish. Equal inputs give equal bytes:
values are numbered in the order they are made, and equal sub-expressions are made once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from seaway.core.batch import Array
from seaway.core.candidate import Program
from seaway.core.contract import CODE_OTHER
from seaway.core.errors import InexactExport
from seaway.engines import explain, forest, wire
from seaway.engines.additive import Additive
from seaway.engines.finish import Binary, Finish, Multiclass, Value, affine
from seaway.engines.forest import Forest
from seaway.engines.readers.onnx import sole_forest

FILE = "graph.onnx"
OPSET, ML_OPSET, IR = 20, 5, 10
"""onnxruntime has run these since 1.18; TreeEnsemble v5 in float64 since 1.22."""

_LEQ, _MEMBER = 0, 6
_DOUBLE, _INT64, _BOOL = onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64, onnx.TensorProto.BOOL


def forest_program(trees: Forest) -> Program:
    """Return the member program of a tree ensemble."""
    graph = Graph()
    margin = forest_margin(graph, "x", trees)
    return _member(graph, margin, trees.features, trees.targets, explain.of_forest(trees))


def additive_program(additive: Additive) -> Program:
    """Return the member program of a linear model, or of a constant (`additive.constant`)."""
    graph = Graph()
    margin = additive_margin(graph, "x", additive)
    return _member(graph, margin, additive.features, additive.targets, explain.of_additive(additive))


def finish_program(finish: Finish) -> Program:
    """Return the program from `raw` (rows, targets) to the outputs that `finish.answers` names."""
    graph = Graph()
    outputs = finish_outputs(graph, "raw", finish)
    targets = len(affine(finish)[0])
    data = graph.model({"raw": _floats(targets)}, {name: (value, *_shape(finish, name)) for name, value in outputs})
    slope, shift = affine(finish)
    calibration = explain.Explain(format=1, features=0, targets=targets, slope=slope, shift=shift, parts=())
    return _program(data, calibration)


def compose(members: Sequence[tuple[Program, float]], finish: Program | None = None) -> Program:
    """Return one program: the members' margins, weighted and added, then finished.

    Members that are forests become one TreeEnsemble node with scaled leaves.
    """
    if not members:
        raise _refuse("there are no members to compose", "Train one model at least.")
    models = [_walked(program) for program, _ in members]
    if any((set(model.inputs), set(model.outputs)) != ({"x"}, {"margin"}) for model in models):
        raise _refuse("a member is not a program from `x` to `margin`", "Finish after composing, not before.")
    graph, parts = Graph(), []
    total = ""
    for trees, weighted in _forests(members, models):
        total = graph.plus(total, forest_margin(graph, "x", trees))
        parts.append((weighted, 1.0))
    for (program, weight), model in zip(members, models, strict=True):
        if sole_forest(model) is None:
            margin = graph.inline(program.files[FILE], {"x": "x"})["margin"]
            total = graph.plus(total, graph.times(margin, weight))
            parts.append((_explain_of(program), weight))
    width = {model.inputs["x"].dims[1] for model in models}
    targets = {model.outputs["margin"].dims[1] for model in models}
    if len(width) != 1 or len(targets) != 1:
        raise _refuse("the members differ in features or targets", "Compose members of one contract only.")
    told = None if any(part is None for part, _ in parts) else explain.blended((p, w) for p, w in parts if p)
    return _finished(graph, total, (int(width.pop()), int(targets.pop())), finish, told)


class Graph:
    """Nodes and constants of a graph in the making; every step returns the name of the value it makes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._made: dict[Any, str] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        made = [helper.make_attribute(name, value) for name, value in sorted(attributes.items())]
        key = (kind, inputs, domain, *(attribute.SerializeToString(deterministic=True) for attribute in made))
        if key not in self._made or kind == "TreeEnsemble":  # an explanation counts these nodes, so none is shared
            self._made[key] = name = f"v{len(self._nodes)}"
            node = helper.make_node(kind, list(inputs), [name], domain=domain)
            node.attribute.extend(made)
            self._nodes.append(node)
        return self._made[key]

    def constant(self, value: Array | np.generic | float) -> str:
        """Add a constant in its own dtype; Python numbers become float64 or int64."""
        tensor = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)))
        return self._keep(tensor)

    def double(self, value: str) -> str:
        """Add a cast to float64."""
        return self.op("Cast", value, to=_DOUBLE)

    def plus(self, total: str, value: str) -> str:
        """Add two values; an empty name counts as zero."""
        return self.op("Add", total, value) if total else value

    def times(self, value: str, factor: float | Array) -> str:
        """Multiply by a constant; by one costs nothing."""
        return value if np.all(np.asarray(factor) == 1.0) else self.op("Mul", value, self.constant(factor))

    def inline(self, data: bytes, inputs: Mapping[str, str]) -> dict[str, str]:
        """Add all nodes of another program's graph; return its outputs' names here."""
        source = onnx.load_from_string(data).graph
        names = {"": "", **inputs, **{tensor.name: self._keep(tensor) for tensor in source.initializer}}
        for node in source.node:
            if node.op_type == "Identity":
                names[node.output[0]] = names[node.input[0]]
                continue
            attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
            made = self.op(node.op_type, *(names[name] for name in node.input), domain=node.domain, **attributes)
            names[node.output[0]] = made
        return {value.name: names[value.name] for value in source.output}

    def model(
        self, inputs: Mapping[str, tuple[int, tuple[int, ...]]], outputs: Mapping[str, tuple[str, int, tuple[int, ...]]]
    ) -> bytes:
        """Return the bytes: inputs by name (type, shape after rows), outputs by name (value, type, shape after rows)."""
        made = {name for node in self._nodes for name in node.output}
        renamed: dict[str, str] = {}
        copied = []
        for name, (value, _, _) in outputs.items():
            if value in made and value not in renamed:
                renamed[value] = name
            else:  # an input handed through, or one value under two names
                copied.append(helper.make_node("Identity", [renamed.get(value, value)], [name]))
        graph = helper.make_graph(
            [*(_with_names(node, renamed) for node in self._nodes), *copied],
            "seaway",
            [_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [_info(name, kind, shape) for name, (_, kind, shape) in outputs.items()],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, producer_name="seaway", opset_imports=opsets, ir_version=IR)
        return bytes(model.SerializeToString(deterministic=True))

    def _keep(self, tensor: onnx.TensorProto) -> str:
        key = ("constant", tensor.data_type, tuple(tensor.dims), tensor.raw_data)
        if key not in self._made:
            self._made[key] = name = f"c{len(self._constants)}"
            kept = onnx.TensorProto(name=name, data_type=tensor.data_type, dims=tensor.dims, raw_data=tensor.raw_data)
            self._constants.append(kept)
        return self._made[key]


def forest_margin(graph: Graph, x: str, trees: Forest) -> str:
    """Add a tree ensemble on x (rows, features) float32; return its margin."""
    values = graph.double(x)
    if trees.zeros:
        is_zero_missing = np.zeros(trees.features, dtype=bool)
        is_zero_missing[list(trees.zeros)] = True
        small = graph.op("LessOrEqual", graph.op("Abs", values), graph.constant(forest.ZERO))
        absent = graph.op("And", small, graph.constant(is_zero_missing))
        values = graph.op("Where", absent, graph.constant(np.nan), values)
    margin = graph.op("TreeEnsemble", values, domain="ai.onnx.ml", **_ensemble(trees))
    return graph.op("Add", margin, graph.constant(trees.base)) if trees.base.any() else margin


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
            indicator = graph.op("MatMul", graph.double(absent), graph.constant(additive.missing))
            total = graph.plus(total, indicator)
    if len(additive.codes):
        total = graph.plus(total, _looked_up(graph, x, additive))
    if not total:
        # A constant still answers once per row: zero times anything that has the rows' number, NaN taken out.
        first = graph.double(graph.op("Gather", x, graph.constant(np.zeros(1, dtype=np.int64)), axis=1))
        total = graph.op("Where", graph.op("IsNaN", first), graph.constant(0.0), graph.constant(0.0))
    return graph.plus(total, graph.constant(additive.intercept))


def finish_outputs(graph: Graph, margin: str, finish: Finish) -> list[tuple[str, str]]:
    """Add calibration, link and decision; return (output, value) pairs."""
    slope, shift = (np.array(part) for part in affine(finish))
    margin = graph.times(margin, slope)
    if shift.any():
        margin = graph.plus(margin, graph.constant(shift))
    outputs = [("margin", margin)]
    first = graph.constant(np.array([1], dtype=np.int64))
    if isinstance(finish, Value):
        linked = graph.op("Exp", margin) if finish.link == "exp" else margin
        return [*outputs, ("value", graph.op("Squeeze", linked, first))]
    if isinstance(finish, Multiclass):
        p = graph.op("Softmax", margin, axis=1)
        return [*outputs, ("probabilities", p), ("label", graph.op("ArgMax", p, axis=1, keepdims=0))]
    p = graph.op("Sigmoid", margin)
    both = graph.op("Concat", graph.op("Sub", graph.constant(1.0), p), p, axis=1)
    above = graph.op("GreaterOrEqual", graph.op("Squeeze", p, first), graph.constant(finish.threshold))
    return [*outputs, ("probabilities", both), ("label", graph.op("Cast", above, to=_INT64))]


def _finished(
    graph: Graph, margin: str, size: tuple[int, int], finish: Program | None, told: explain.Explain | None
) -> Program:
    """Close a composed graph with its finish, or with the bare margin."""
    width, targets = size
    x = {"x": (onnx.TensorProto.FLOAT, (width,))}
    if finish is None:
        return _program(graph.model(x, {"margin": (margin, *_floats(targets))}), told)
    ending = _walked(finish)
    if ending.inputs["raw"].dims[1] != targets:
        raise _refuse("the finish expects another number of targets", "Fit it on the margins of these members.")
    values = graph.inline(finish.files[FILE], {"raw": margin})
    outputs = {
        name: (values[name], info.kind, tuple(int(d) for d in info.dims[1:])) for name, info in ending.outputs.items()
    }
    calibration = _explain_of(finish)
    if told and calibration:
        told = explain.calibrated(told, calibration.slope, calibration.shift)
    return _program(graph.model(x, outputs), told if calibration else None)


def _forests(
    members: Sequence[tuple[Program, float]], models: Sequence[wire.Model]
) -> list[tuple[Forest, explain.Explain | None]]:
    """Return the members that are forests, scaled, and as one forest where they can be one."""
    scaled, known = [], True
    for (program, weight), model in zip(members, models, strict=True):
        told = _explain_of(program)
        cover = [part.leaf_cover for part in told.parts if isinstance(part, explain.ForestPart)] if told else []
        trees = sole_forest(model, cover[0] if cover else None)
        if trees is not None:
            scaled.append(forest.scaled(trees, weight))
            known &= bool(cover)
    groups = [forest.joined(scaled)] if scaled and forest.joinable(scaled) else scaled
    return [(trees, explain.of_forest(trees) if known else None) for trees in groups]


def _looked_up(graph: Graph, x: str, additive: Additive) -> str:
    """Add the table look-up of all categories: one Gather, summed over the features."""
    codes = graph.op("Gather", x, graph.constant(additive.codes), axis=1)
    sizes = np.diff(additive.starts).astype(np.float32)
    known = graph.op(
        "And",
        graph.op("GreaterOrEqual", codes, graph.constant(np.float32(0))),
        graph.op("Less", codes, graph.constant(sizes)),
    )
    code = graph.op("Where", known, codes, graph.constant(np.float32(CODE_OTHER)))
    place = graph.plus(graph.op("Cast", code, to=_INT64), graph.constant(additive.starts[:-1]))
    rows = graph.op("Gather", graph.constant(additive.table), place, axis=0)
    return graph.op("ReduceSum", rows, graph.constant(np.array([1], dtype=np.int64)), keepdims=0)


def _ensemble(trees: Forest) -> dict[str, Any]:
    """Return the attributes of the TreeEnsemble node.

    A tree of one leaf becomes a node both of whose branches are that leaf. onnxruntime wants every subset to hold a
    value, so an empty one holds -1, which no code is.
    """
    single = trees.roots[trees.roots < 0]
    count = len(single)

    def with_single(inner: Array, extra: Array | float) -> Array:
        return np.concatenate([inner, np.broadcast_to(np.asarray(extra), (count,)).astype(inner.dtype)])

    roots = trees.roots.copy()
    roots[roots < 0] = trees.nodes + np.arange(count)
    true, false = (with_single(child, single) for child in (trees.true, trees.false))
    is_member = with_single(trees.subset >= 0, False)
    members = [trees.members[trees.starts[s] : trees.starts[s + 1]] for s in trees.subset[trees.subset >= 0]]
    subsets = [part for codes in members for part in (codes if len(codes) else [-1.0], [np.nan])]
    attributes: dict[str, Any] = {
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": trees.targets,
        "tree_roots": roots.tolist(),
        "nodes_featureids": with_single(trees.feature, 0).tolist(),
        "nodes_splits": _tensor(with_single(trees.threshold, 0.0)),
        "nodes_modes": _tensor(np.where(is_member, _MEMBER, _LEQ).astype(np.uint8)),
        "nodes_truenodeids": np.where(true >= 0, true, ~true).tolist(),
        "nodes_trueleafs": (true < 0).astype(int).tolist(),
        "nodes_falsenodeids": np.where(false >= 0, false, ~false).tolist(),
        "nodes_falseleafs": (false < 0).astype(int).tolist(),
        "nodes_missing_value_tracks_true": with_single(trees.missing_true, False).astype(int).tolist(),
        "leaf_targetids": trees.leaf_target.tolist(),
        "leaf_weights": _tensor(trees.leaf_value),
    }
    if subsets:
        attributes["membership_values"] = _tensor(np.concatenate(subsets).astype(np.float64))
    return attributes


def _tensor(values: Array) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values))


def _with_names(node: onnx.NodeProto, renamed: Mapping[str, str]) -> onnx.NodeProto:
    copy = helper.make_node(
        node.op_type,
        [renamed.get(name, name) for name in node.input],
        [renamed.get(name, name) for name in node.output],
        domain=node.domain,
    )
    copy.attribute.extend(node.attribute)
    return copy


def _info(name: str, kind: int, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["rows", *shape])


def _floats(targets: int) -> tuple[int, tuple[int, ...]]:
    return _DOUBLE, (targets,)


def _shape(finish: Finish, output: str) -> tuple[int, tuple[int, ...]]:
    """Return the type and the shape after rows of an output."""
    if output == "label":
        return _INT64, ()
    if output == "value":
        return _DOUBLE, ()
    targets = len(affine(finish)[0])
    return _floats(2 if isinstance(finish, Binary) and output == "probabilities" else targets)


def _member(graph: Graph, margin: str, features: int, targets: int, told: explain.Explain) -> Program:
    inputs = {"x": (onnx.TensorProto.FLOAT, (features,))}
    return _program(graph.model(inputs, {"margin": (margin, *_floats(targets))}), told)


def _program(data: bytes, told: explain.Explain | None) -> Program:
    files = {FILE: data} if told is None else {FILE: data, explain.FILE: explain.encode(told)}
    return Program(engine="onnx", files=files)


def _walked(program: Program) -> wire.Model:
    if program.engine != "onnx":
        raise _refuse(f"a program of the engine {program.engine!r} is no graph", "Blend it as a program of its own.")
    return wire.read(program.files[FILE])


def _explain_of(program: Program) -> explain.Explain | None:
    data = program.files.get(explain.FILE)
    return None if data is None else explain.decode(data)


def _refuse(what: str, fix: str) -> InexactExport:
    return InexactExport(f"No graph can be composed: {what}", where="engines.graph", fix=fix)
