"""A graph changed anywhere is either not the kernel's, or means to it what it means to onnxruntime: nothing beside it is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.protocols import Runner
from seaway.engines.answers import BrokenAnswer
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Finish, Multiclass, Value
from seaway.engines.native.engine import NativeRunner, NotNative
from seaway.engines.onnx import OnnxRunner
from seaway.engines.walk import Walked, walk
from tests.property.test_forest_parity import off
from tests.unit.engines.forests import grown
from tests.unit.engines.native.wild import present
from tests.unit.engines.test_additive import rows, small

FINISHES: tuple[tuple[Finish | None, int], ...] = (
    (Binary(slope=1.3, shift=-0.2, threshold=0.4), 1),
    (Multiclass(slope=(0.7, 1.1), shift=(0.1, -0.1)), 2),
    (Value(link="exp", slope=0.1), 1),
    (Value(shift=1.0), 1),
    (None, 2),
)
OPERATORS = (
    "Abs Add And Cast Div Equal Exp GreaterOrEqual IsNaN Less LessOrEqual MatMul Mul Sigmoid Sub Where Softmax".split()
)
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e9, -1e9, float("nan"), float("inf"))
PLACES = (-1, 0, 1, 2, 3, 5, 8, 1 << 40)


def made(finish: Finish | None, targets: int, seed: int) -> Program:
    trees = replace(grown(seed, features=5, targets=targets), zeros=(0, 2) if seed % 2 else ())
    other = grown(seed + 1, features=5, targets=targets)
    members = [
        (forest_program(trees), 0.5),
        (forest_program(other), 1.0),
        (additive_program(small(seed, targets)), 2.0),
    ]
    return compose(members, None if finish is None else finish_program(finish))


def changed_number(data: st.DataObject, tensor: onnx.TensorProto) -> None:
    values: Array = numpy_helper.to_array(tensor).copy()
    if not values.size:
        return
    place = data.draw(st.integers(0, values.size - 1))
    pool: tuple[float, ...] = NUMBERS if values.dtype.kind == "f" else (0, 1) if values.dtype.kind == "b" else PLACES
    values.reshape(-1)[place] = data.draw(st.sampled_from(pool))
    tensor.raw_data = values.tobytes()


def change(data: st.DataObject, graph: onnx.GraphProto) -> None:
    """Change one thing: a constant, an operator, an input, an attribute."""
    what = data.draw(st.sampled_from(["constant", "operator", "input", "swap", "attribute"]))
    node = data.draw(st.sampled_from(list(graph.node)))
    if what == "constant":
        changed_number(data, data.draw(st.sampled_from(list(graph.initializer))))
    elif what == "operator":
        node.op_type = data.draw(st.sampled_from(OPERATORS))
    elif what == "swap":
        inputs = list(reversed(node.input))
        del node.input[:]
        node.input.extend(inputs)
    elif what == "input":
        names = [tensor.name for tensor in graph.initializer] + [other.output[0] for other in graph.node] + ["x"]
        node.input[data.draw(st.integers(0, len(node.input) - 1))] = data.draw(st.sampled_from(names))
    elif node.attribute:
        attribute = data.draw(st.sampled_from(list(node.attribute)))
        if attribute.type == onnx.AttributeProto.TENSOR:
            changed_number(data, attribute.t)
        elif attribute.ints:
            attribute.ints[data.draw(st.integers(0, len(attribute.ints) - 1))] = data.draw(st.sampled_from(PLACES))
        else:
            attribute.i = data.draw(st.sampled_from((0, 1, 2, 6, 7, 11)))


def walked_or_refused(graph: onnx.ModelProto) -> tuple[Program, Walked]:
    program = Program(engine="onnx", files={"graph.onnx": graph.SerializeToString(deterministic=True)})
    try:
        return program, walk(program)
    except Untrusted:
        assume(False)
        raise


def told(runner: Runner, x: Array) -> dict[str, Array] | str:
    try:
        return dict(runner.run(Batch.of_rows(x)))
    except BrokenAnswer:
        return "broken"
    except SeawayError as error:
        return error.code


@settings(max_examples=200)
@given(data=st.data(), which=st.integers(0, len(FINISHES) - 1), seed=st.integers(0, 3))
def test_a_changed_graph_means_the_same_to_both_or_goes_to_onnxruntime(
    data: st.DataObject, which: int, seed: int
) -> None:
    kernel = present()
    model = onnx.load_from_string(made(*FINISHES[which], seed).files["graph.onnx"])
    for _ in range(data.draw(st.integers(1, 2))):
        change(data, model.graph)
    program, walked = walked_or_refused(model)
    try:
        native = NativeRunner(walked, found=kernel)
    except NotNative:
        return
    try:
        below = OnnxRunner(program, walked)
    except Untrusted:
        return  # the ladder would have no lower rung: parity alone decides
    x = rows(seed, 70)
    ours, theirs = told(native, x), told(below, x)
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    assert set(ours) == set(theirs)
    for name, values in theirs.items():
        if name != "label":
            assert off(ours[name], values) <= 1e-9, name
    if "label" in theirs:
        p = theirs["probabilities"]
        near = np.abs(p[:, :1] - p[:, 1:]).min(axis=1) < 1e-9
        near |= np.abs(p[:, 1] - native.plan.threshold) < 1e-9
        assert not ((ours["label"] != theirs["label"]) & ~near).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("finish", range(len(FINISHES)))
def test_unchanged_graphs_are_the_kernels(finish: int, seed: int) -> None:
    program = made(*FINISHES[finish], seed)
    assert NativeRunner(walk(program), found=present()).plan.features == 5
