from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from seaway.core.candidate import Program
from seaway.engines import wire
from seaway.engines.clusters_graph import assignment_program, clusters_program
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Multiclass, Value
from seaway.engines.readers.lightgbm import read as read_booster
from tests.unit.engines.boosters import trained
from tests.unit.engines.clusterings import clusters
from tests.unit.engines.forests import grown
from tests.unit.engines.test_additive import small

PROGRAMS = {
    "forest": forest_program(grown(7)),
    "booster": forest_program(read_booster(trained(2).booster)),
    "linear": additive_program(small()),
    "finish": finish_program(Binary(threshold=0.3)),
    "whole": compose(
        [(forest_program(grown(7, features=5)), 0.5), (additive_program(small()), 0.5)],
        finish_program(Multiclass(slope=(1.0, 2.0), shift=(0.0, 1.0))),
    ),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_our_walk_and_onnx_read_the_same(program: Program) -> None:
    data = program.files["graph.onnx"]
    ours, theirs = wire.read(data), onnx.load_from_string(data)
    assert ours.ir == theirs.ir_version
    assert dict(ours.opsets) == {entry.domain: entry.version for entry in theirs.opset_import}
    assert list(ours.constants) == [tensor.name for tensor in theirs.graph.initializer]
    for tensor in theirs.graph.initializer:
        assert np.array_equal(
            ours.constants[tensor.name], numpy_helper.to_array(tensor), equal_nan=tensor.data_type == 11
        )
    assert len(ours.nodes) == len(theirs.graph.node)
    for node, other in zip(ours.nodes, theirs.graph.node, strict=True):
        assert (node.op, node.domain, list(node.inputs), list(node.outputs)) == (
            other.op_type,
            other.domain,
            list(other.input),
            list(other.output),
        )
        assert set(node.attributes) == {attribute.name for attribute in other.attribute}
        for attribute in other.attribute:
            value = helper.get_attribute_value(attribute)
            expected = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
            assert np.array_equal(node.attributes[attribute.name], expected, equal_nan="values" in attribute.name)
    for infos, values in ((ours.inputs, theirs.graph.input), (ours.outputs, theirs.graph.output)):
        assert list(infos) == [value.name for value in values]
        for value in values:
            kind = value.type.tensor_type
            dims = tuple(dim.dim_param or dim.dim_value for dim in kind.shape.dim)
            assert infos[value.name] == wire.Info(kind=kind.elem_type, dims=dims)


def test_every_operator_that_is_written_is_allowed_and_every_allowed_one_is_written() -> None:
    """The list grows with what Seaway exports and by nothing else."""
    more = [
        forest_program(replace(grown(7), zeros=(0,))),
        finish_program(Value(link="exp")),
        finish_program(Value()),
        clusters_program(clusters("nearest")),
        clusters_program(clusters("full")),
        clusters_program(clusters("cores")),
        assignment_program(3),
    ]
    written = {
        (node.domain, node.op)
        for program in [*PROGRAMS.values(), *more]
        for node in wire.read(program.files["graph.onnx"]).nodes
    }
    assert written | {("", "Identity")} == set(wire.OPERATORS)


def test_a_large_forest_is_walked_quickly_enough_to_load_at_every_start() -> None:
    data = forest_program(grown(1, trees=400, splits=60)).files["graph.onnx"]
    start = time.perf_counter()
    wire.read(data)
    assert time.perf_counter() - start < 1.0
