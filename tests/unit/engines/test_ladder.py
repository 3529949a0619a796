"""The compiled kernel where it is there, knows the program and repeats its vectors; onnxruntime with the reason otherwise."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from seaway.core import extend
from seaway.core.answer import Answerer
from seaway.core.batch import Batch
from seaway.core.candidate import Program
from seaway.core.errors import Unavailable, Untrusted
from seaway.core.protocols import Engine, Rung
from seaway.engines.compose import compose
from seaway.engines.export import finish_program, forest_program
from seaway.engines.finish import Binary
from seaway.engines.ladder import Ladder
from seaway.engines.native.compile import compile_kernel
from seaway.engines.native.engine import NativeEngine, NativeRunner
from seaway.engines.native.kernel import SOURCE, Kernel, kernel
from seaway.engines.onnx import OnnxRunner
from tests.releases import Workshop
from tests.unit.engines import messages
from tests.unit.engines.forests import grown, rows
from tests.unit.engines.messages import attribute, graph, model, node, number
from tests.unit.engines.native.wild import present
from tests.unit.engines.runs import MARGIN, classes, contract

BINARY = compose([(forest_program(grown(1, targets=1)), 1.0)], finish_program(Binary()))
TWICE = Program(
    engine="onnx",
    files={
        "graph.onnx": model(
            graph(
                node("Cast", ["x"], ["y"], attribute("to", number(3, 11), 2)),
                node("Abs", ["y"], ["margin"]),
                outputs=(messages.MARGIN,),
            )
        )
    },
)
"""A graph the walk lets through and no trainer of ours makes."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    made.build()
    return made


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """A kernel whose probabilities are off by a little: compiled from an altered copy, loaded as if it were the true one."""
    present()
    folder = tmp_path_factory.mktemp("wrong")
    text = SOURCE.read_text()
    altered = text.replace("double high = 1.0 / (1.0 + ", "double high = 1.0 / (1.001 + ")
    assert altered != text
    source, library = folder / "forest.c", folder / "libforest.so"
    source.write_text(altered)
    why = compile_kernel(source, library)
    if why:
        pytest.skip(f"cannot compile here: {why}")
    found = kernel(library, source=source)
    assert isinstance(found, Kernel)
    return found


def test_it_is_the_engine_that_programs_name() -> None:
    engine: Engine = extend.load("engine", "onnx")()
    assert isinstance(engine, Ladder)
    assert engine.supports(BINARY)
    assert not engine.supports(Program(engine="series", files=BINARY.files))


def test_the_kernel_answers_where_it_can() -> None:
    present()
    runner = Ladder().load(BINARY, contract(4, *classes(2)))
    assert isinstance(runner, NativeRunner)
    assert isinstance(runner, Rung)
    assert (runner.engine, runner.why, runner.gather) == ("native", "", 256)


def test_below_the_kernel_stands_onnxruntime_with_the_same_answers() -> None:
    present()
    runner = Ladder().load(BINARY, contract(4, *classes(2)))
    assert isinstance(runner, Rung)
    below = runner.below("for the test")
    assert isinstance(below, OnnxRunner)
    assert (below.engine, below.why) == ("onnx", "for the test")
    assert below.below("again") is None
    batch = Batch.of_rows(rows(1, 50))
    assert np.array_equal(runner.run(batch)["margin"], below.run(batch)["margin"])
    assert np.array_equal(runner.run(batch)["label"], below.run(batch)["label"])


def test_without_the_kernel_onnxruntime_answers_and_says_why(tmp_path: Path) -> None:
    absent = kernel(tmp_path / "libforest.so")
    runner = Ladder(absent).load(BINARY, contract(4, *classes(2)))
    assert isinstance(runner, OnnxRunner)
    assert "no kernel was compiled into this installation" in runner.why
    assert "seaway.engines.native.compile" in runner.why


def test_a_graph_that_the_kernel_does_not_know_goes_to_onnxruntime_which_says_why() -> None:
    present()
    runner = Ladder().load(TWICE, contract(2, MARGIN))
    assert isinstance(runner, OnnxRunner)
    assert runner.why == "the operator Abs on the way to its margin"
    with pytest.raises(Unavailable, match="does not run this release: the operator Abs") as refusal:
        NativeEngine().load(TWICE, contract(2, MARGIN))
    assert refusal.value.code == "no-native"


def test_trees_too_large_for_bits_go_to_onnxruntime() -> None:
    present()
    huge = [seed for seed in range(20) if _leaves(seed) > 1024]
    assert huge
    runner = Ladder().load(forest_program(grown(huge[0], targets=1, trees=1, splits=4_000)), contract(4, MARGIN))
    assert isinstance(runner, OnnxRunner)
    assert "leaves, more than 1024" in runner.why


def _leaves(seed: int) -> int:
    return grown(seed, targets=1, trees=1, splits=4_000).leaves


@pytest.mark.parametrize("engine", [Ladder(), NativeEngine()])
def test_a_graph_for_another_contract_is_refused_before_any_rung(engine: Engine) -> None:
    with pytest.raises(Untrusted, match="the contract makes 3 features"):
        engine.load(BINARY, contract(3, *classes(2)))


def test_a_release_is_answered_by_the_rung_that_was_tested(shop: Workshop) -> None:
    present()
    folder = shop.state / "staging" / "credit-1"
    answerers = {name: Answerer(folder, shop.verifier, engine=name) for name in ("auto", "native", "onnx")}
    assert {name: one.answering for name, one in answerers.items()} == {
        "auto": "native",
        "native": "native",
        "onnx": "onnx",
    }
    assert all(one.why == "" and one.parity().holds for one in answerers.values())


def test_a_kernel_that_fails_the_vectors_gives_way_and_the_reason_is_logged(
    shop: Workshop, wrong: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shop.state / "staging" / "credit-1"
    answerer = Answerer(folder, shop.verifier)
    answerer.engine = Ladder(wrong)
    answerer.runner = answerer.engine.load(answerer.bundle.program, answerer.contract)
    assert answerer.answering == "native"
    with caplog.at_level(logging.ERROR, logger="seaway.engines"):
        proof = answerer.parity()
    assert proof.holds
    assert answerer.answering == "onnx"
    assert answerer.why.startswith("it does not repeat the parity vectors: ")
    assert answerer.why in caplog.text
