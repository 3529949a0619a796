"""Writes ONNX graphs. The home of `import onnx`.

Equal inputs give equal bytes: values are numbered in the order they are made, and equal sub-expressions are made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from seaway.core.batch import Array

OPSET, ML_OPSET, IR = 20, 5, 10
"""onnxruntime has run these since 1.18, and TreeEnsemble v5 in float64 since 1.22."""

FLOAT: int = onnx.TensorProto.FLOAT
DOUBLE: int = onnx.TensorProto.DOUBLE
INT64: int = onnx.TensorProto.INT64

Shape = tuple[int, ...]


class Graph:
    """Nodes and constants of a graph in the making; every step returns the name of the value it makes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._made: dict[Any, str] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; attributes are numbers, lists of numbers, or arrays (as tensors)."""
        made = [
            helper.make_attribute(name, numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value)
            for name, value in sorted(attributes.items())
        ]
        return self._add(kind, inputs, domain, made)

    def constant(self, value: Array | np.generic | float) -> str:
        """Add a constant in its own dtype; Python numbers become float64 or int64."""
        return self._keep(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value))))

    def double(self, value: str) -> str:
        """Add a cast to float64."""
        return self.op("Cast", value, to=DOUBLE)

    def plus(self, total: str, value: str) -> str:
        """Add two values; an empty name counts as zero."""
        return self.op("Add", total, value) if total else value

    def times(self, value: str, factor: float | Array) -> str:
        """Multiply by a constant; by one costs nothing."""
        return value if np.all(np.asarray(factor) == 1.0) else self.op("Mul", value, self.constant(factor))

    def inline(self, data: bytes, inputs: Mapping[str, str]) -> dict[str, str]:
        """Add all nodes of another graph, its inputs replaced; return the names that its outputs have here."""
        source = onnx.load_from_string(data).graph
        names = {**inputs, **{tensor.name: self._keep(tensor) for tensor in source.initializer}}
        for node in source.node:
            values = tuple(names[name] for name in node.input)
            is_copy = node.op_type == "Identity"
            made = values[0] if is_copy else self._add(node.op_type, values, node.domain, list(node.attribute))
            names[node.output[0]] = made
        return {value.name: names[value.name] for value in source.output}

    def model(self, inputs: Mapping[str, tuple[int, Shape]], outputs: Mapping[str, tuple[str, int, Shape]]) -> bytes:
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

    def _add(self, kind: str, inputs: tuple[str, ...], domain: str, made: list[onnx.AttributeProto]) -> str:
        key = (kind, inputs, domain, *(attribute.SerializeToString(deterministic=True) for attribute in made))
        if key not in self._made or kind == "TreeEnsemble":  # an explanation counts these nodes, so none is shared
            self._made[key] = name = f"v{len(self._nodes)}"
            node = helper.make_node(kind, list(inputs), [name], domain=domain)
            node.attribute.extend(made)
            self._nodes.append(node)
        return self._made[key]

    def _keep(self, tensor: onnx.TensorProto) -> str:
        key = ("constant", tensor.data_type, tuple(tensor.dims), tensor.raw_data)
        if key not in self._made:
            self._made[key] = name = f"c{len(self._constants)}"
            kept = onnx.TensorProto(name=name, data_type=tensor.data_type, dims=tensor.dims, raw_data=tensor.raw_data)
            self._constants.append(kept)
        return self._made[key]


def _with_names(node: onnx.NodeProto, renamed: Mapping[str, str]) -> onnx.NodeProto:
    """Return the node with some of its values called otherwise."""
    inputs, outputs = ([renamed.get(name, name) for name in names] for names in (node.input, node.output))
    copy = helper.make_node(node.op_type, inputs, outputs, domain=node.domain)
    copy.attribute.extend(node.attribute)
    return copy


def _info(name: str, kind: int, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["rows", *shape])
