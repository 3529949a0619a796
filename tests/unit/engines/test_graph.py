from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import checker

from seaway.engines import wire
from seaway.engines.graph import DOUBLE, FLOAT, IR, ML_OPSET, OPSET, Graph


def model(graph: Graph, **outputs: str) -> bytes:
    return graph.model({"x": (FLOAT, (2,))}, {name: (value, DOUBLE, (2,)) for name, value in outputs.items()})


def test_equal_expressions_are_made_once() -> None:
    graph = Graph()
    a, b = graph.double("x"), graph.double("x")
    assert a == b
    assert graph.constant(np.array([1.0, 2.0])) == graph.constant(np.array([1.0, 2.0]))
    assert graph.constant(1.0) != graph.constant(np.float32(1.0))
    assert graph.constant(np.array([1.0])) != graph.constant(1.0)


def test_times_one_and_plus_nothing_cost_nothing() -> None:
    graph = Graph()
    assert graph.times("x", 1.0) == "x"
    assert graph.times("x", np.ones(3)) == "x"
    assert graph.plus("", "x") == "x"


def test_outputs_take_their_names_without_a_copy() -> None:
    graph = Graph()
    read = wire.read(model(graph, margin=graph.double("x")))
    assert [(node.op, node.outputs) for node in read.nodes] == [("Cast", ("margin",))]


def test_one_value_under_two_names_is_copied() -> None:
    graph = Graph()
    value = graph.double("x")
    session = onnxruntime.InferenceSession(model(graph, a=value, b=value))
    a, b = session.run(["a", "b"], {"x": np.ones((3, 2), dtype=np.float32)})
    assert np.array_equal(a, b)


def test_a_graph_put_into_another_keeps_its_answers() -> None:
    inner = Graph()
    doubled = model(inner, y=inner.times(inner.double("x"), 2.0))
    outer = Graph()
    y = outer.inline(doubled, {"x": "x"})["y"]
    again = outer.inline(doubled, {"x": "x"})["y"]
    assert y == again
    session = onnxruntime.InferenceSession(model(outer, z=outer.times(y, 3.0)))
    assert session.run(["z"], {"x": np.ones((1, 2), dtype=np.float32)})[0].tolist() == [[6.0, 6.0]]


def test_the_bytes_are_a_valid_model_of_the_pinned_versions() -> None:
    graph = Graph()
    proto = onnx.load_from_string(model(graph, margin=graph.double("x")))
    checker.check_model(proto, full_check=True)
    assert proto.ir_version == IR
    assert {opset.domain: opset.version for opset in proto.opset_import} == {"": OPSET, "ai.onnx.ml": ML_OPSET}
    assert IR in wire.IR_VERSIONS
    assert OPSET in wire.OPSETS[""]
    assert ML_OPSET in wire.OPSETS["ai.onnx.ml"]


def test_equal_steps_give_equal_bytes() -> None:
    def made() -> bytes:
        graph = Graph()
        return model(graph, margin=graph.op("Add", graph.double("x"), graph.constant(np.array([0.1, 0.2]))))

    assert made() == made()
