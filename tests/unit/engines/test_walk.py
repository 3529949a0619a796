from __future__ import annotations

import pytest

from seaway.core.candidate import Program
from seaway.core.errors import Untrusted
from seaway.engines.additive import constant
from seaway.engines.export import additive_program, forest_program
from seaway.engines.walk import walk
from tests.unit.engines.forests import grown, stump
from tests.unit.engines.test_additive import small


def mixed(graph: Program, told: Program) -> Program:
    return Program(
        engine="onnx", files={"graph.onnx": graph.files["graph.onnx"], "explain.json": told.files["explain.json"]}
    )


def test_a_program_is_read_whole() -> None:
    forest = grown(3)
    walked = walk(forest_program(forest))
    assert walked.explain is not None
    assert [trees.leaf_cover.tolist() for trees in walked.forests] == [forest.leaf_cover.tolist()]
    assert walked.forests[0].base.tolist() == forest.base.tolist()


def test_a_graph_alone_is_enough() -> None:
    walked = walk(Program(engine="onnx", files={"graph.onnx": forest_program(stump()).files["graph.onnx"]}))
    assert walked.explain is None
    assert walked.forests[0].leaf_cover.tolist() == [1.0, 1.0, 1.0]


def test_no_graph_is_refused() -> None:
    with pytest.raises(Untrusted, match=r"graph\.onnx is not there"):
        walk(Program(engine="onnx", files={}))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (additive_program(small()), "it has 1 tree ensembles, its explanation 0"),
        (forest_program(grown(4, features=5, trees=9)), "leaves where the explanation knows"),
        (forest_program(grown(3, features=6)), "differ in features"),
        (forest_program(grown(3, features=5, targets=3)), r"2 targets where something of shape \(3,\)"),
    ],
)
def test_an_explanation_of_another_graph_is_refused(told: Program, reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        walk(mixed(forest_program(grown(3, features=5)), told))


def test_a_linear_explanation_of_another_width_is_refused() -> None:
    graph = additive_program(small())
    with pytest.raises(Untrusted, match="differ in features"):
        walk(mixed(graph, additive_program(constant([1.0, 2.0], 7))))
