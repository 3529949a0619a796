from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from seaway.core.candidate import Program
from seaway.core.errors import Untrusted
from seaway.engines import shapes, wire
from tests.unit.engines.messages import MARGIN, attribute, graph, held, info, model, node, number, tensor
from tests.unit.engines.test_wire import PROGRAMS


@pytest.mark.parametrize("name", ["forest", "linear", "whole"])
def test_shapes_are_those_that_onnxruntime_makes(name: str) -> None:
    program: Program = PROGRAMS[name]
    read = wire.read(program.files["graph.onnx"])
    session = onnxruntime.InferenceSession(program.files["graph.onnx"])
    width = read.inputs["x"].dims[1]
    found = session.run(list(read.outputs), {"x": np.ones((7, int(width)), dtype=np.float32)})
    inferred = shapes.infer(read)
    for values, name in zip(found, read.outputs, strict=True):
        assert values.shape == tuple(7 if dim == "rows" else dim for dim in inferred[name])


def made(
    *nodes: bytes, constants: dict[str, np.ndarray] | None = None, outputs: tuple[bytes, ...] = (MARGIN,)
) -> wire.Model:
    kinds = {"<f8": 11, "<i8": 7}
    more = b"".join(
        held(5, tensor(values, name, kinds[values.dtype.str])) for name, values in (constants or {}).items()
    )
    return wire.read(model(graph(*nodes, outputs=outputs, more=more)))


CAST = node("Cast", ["x"], ["y"], attribute("to", number(3, 11), 2))


def axis(place: int) -> bytes:
    return attribute("axis", number(3, place), 2)


REFUSED: dict[str, tuple[wire.Model, str]] = {
    "unequal sizes": (
        made(CAST, node("Add", ["y", "c"], ["margin"]), constants={"c": np.zeros(3)}),
        "Add of dimensions",
    ),
    "rows against a size": (
        made(CAST, node("Add", ["y", "c"], ["margin"]), constants={"c": np.zeros((5, 2))}),
        "Add of dimensions",
    ),
    "product": (made(CAST, node("MatMul", ["y", "c"], ["margin"]), constants={"c": np.zeros((3, 2))}), "MatMul"),
    "joined rows": (made(CAST, node("Concat", ["y", "y"], ["margin"], axis(0))), "Concat of dimensions"),
    "axis beyond": (made(CAST, node("Softmax", ["y"], ["margin"], axis(2))), "along axis 2"),
    "axis before": (made(CAST, node("Softmax", ["y"], ["margin"], axis(-1))), "along axis -1"),
    "index beyond": (
        made(CAST, node("Gather", ["y", "i"], ["margin"], axis(1)), constants={"i": np.array([0, 2])}),
        "Gather beyond dimension 2",
    ),
    "index before": (
        made(CAST, node("Gather", ["y", "i"], ["margin"], axis(1)), constants={"i": np.array([0, -1])}),
        "Gather beyond dimension 2",
    ),
    "rows picked": (
        made(CAST, node("Gather", ["y", "i"], ["margin"], axis(0)), constants={"i": np.array([0])}),
        "Gather beyond dimension rows",
    ),
    "axes computed": (made(CAST, node("ReduceSum", ["y", "y"], ["margin"])), "axes that are not one constant"),
    "squeezed": (made(CAST, node("Squeeze", ["y", "i"], ["margin"]), constants={"i": np.array([1])}), "Squeeze of"),
    "raised beyond": (
        made(CAST, node("Unsqueeze", ["y", "i"], ["margin"]), constants={"i": np.array([3])}),
        "Unsqueeze of dimensions",
    ),
    "raised before": (
        made(CAST, node("Unsqueeze", ["y", "i"], ["margin"]), constants={"i": np.array([-1])}),
        "Unsqueeze of dimensions",
    ),
    "raised by what is computed": (made(CAST, node("Unsqueeze", ["y", "y"], ["margin"])), "Unsqueeze of dimensions"),
    "least of no dimension": (
        made(CAST, node("ReduceMin", ["y", "i"], ["margin"]), constants={"i": np.array([2])}),
        "ReduceMin of axes that are not one constant",
    ),
    "raised too often": (
        made(
            CAST,
            *(node("Unsqueeze", [f"y{place}" if place else "y", "i"], [f"y{place + 1}"]) for place in range(7)),
            node("Abs", ["y7"], ["margin"]),
            constants={"i": np.array([1])},
        ),
        "Unsqueeze of dimensions",
    ),
    "too few inputs": (made(CAST, node("Add", ["y"], ["margin"])), "Add of 1 inputs"),
    "declared otherwise": (
        made(CAST, node("Exp", ["y"], ["margin"]), outputs=(info("margin", 11, "rows", 3),)),
        "declared",
    ),
    "too wide a row": (
        made(CAST, node("MatMul", ["y", "c"], ["margin"]), constants={"c": np.zeros((2, (1 << 20) + 1))}),
        "1048577 elements",
    ),
    "trees over a vector": (
        made(node("TreeEnsemble", ["c"], ["margin"], domain="ai.onnx.ml"), constants={"c": np.zeros(3)}),
        "TreeEnsemble of dimensions",
    ),
    "another name for rows": (
        wire.read(model(graph(inputs=(info("x", 1, "batch", 2),), outputs=(info("margin", 11, "batch", 2),)))),
        "be called rows",
    ),
}


@pytest.mark.parametrize(("read", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_shapes_that_cannot_be_are_refused(read: wire.Model, reason: str) -> None:
    with pytest.raises(Untrusted, match=reason) as refusal:
        shapes.infer(read)
    assert refusal.value.code == "graph-shape"


def test_every_allowed_operator_has_a_shape_rule() -> None:
    assert set(shapes._RULES) == {op for _, op in wire.OPERATORS}
