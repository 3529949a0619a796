from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seaway.core.batch import Batch
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import Unavailable, Untrusted
from seaway.core.protocols import Engine, Runner
from seaway.core.verdict import Verdict
from seaway.engines.additive import constant
from seaway.engines.answers import BrokenAnswer
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Value
from seaway.engines.onnx import OnnxEngine
from tests.unit.engines import messages
from tests.unit.engines.forests import grown, rows, stump
from tests.unit.engines.messages import attribute, graph, held, info, model, node, number, tensor
from tests.unit.engines.runs import MARGIN, VALUE, classes, contract, load

BINARY = compose([(forest_program(grown(1, targets=1)), 1.0)], finish_program(Binary()))


def test_it_is_an_engine() -> None:
    engine: Engine = OnnxEngine()
    runner: Runner = engine.load(BINARY, contract(4, *classes(2)))
    assert runner.gather > 1
    assert engine.supports(BINARY)
    assert not engine.supports(Program(engine="onnx", files={}))
    assert not engine.supports(Program(engine="series", files=BINARY.files))


def test_answers_come_by_name_and_bring_the_margin() -> None:
    found = load(BINARY, 4, *classes(2)).run(Batch.of_rows(rows(1, 7)))
    assert {name: values.shape for name, values in found.items()} == {
        "margin": (7, 1),
        "probabilities": (7, 2),
        "label": (7,),
    }


def test_one_row_and_many_get_the_same_answers() -> None:
    runner, x = load(BINARY, 4, *classes(2)), rows(2, 3_000)
    whole = runner.run(Batch.of_rows(x))["margin"]
    alone = np.concatenate([runner.run(Batch.of_rows(x[i : i + 1]))["margin"] for i in range(0, 3_000, 100)])
    assert np.array_equal(whole[::100], alone)


def test_answers_are_the_callers_own() -> None:
    runner, x = load(BINARY, 4, *classes(2)), rows(3, 4)
    first = runner.run(Batch.of_rows(x))["probabilities"]
    before = first.copy()
    runner.run(Batch.of_rows(rows(4, 4)))
    assert np.array_equal(first, before)


@pytest.mark.parametrize(
    ("program", "outputs", "features", "reason"),
    [
        (BINARY, classes(2), 3, "the contract makes 3 features"),
        (BINARY, classes(3), 4, "its output 'probabilities' has dimensions"),
        (BINARY, (VALUE,), 4, "it does not answer 'value'"),
        (BINARY, (MARGIN,), 4, "it answers 'label', which the contract does not know"),
        (BINARY, (Output(name="label", kind="number"), *classes(2)[1:]), 4, "its output 'label'"),
        (finish_program(Value()), (VALUE,), 4, "it reads 'raw', which the contract does not make"),
    ],
)
def test_a_graph_for_another_contract_is_refused(
    program: Program, outputs: tuple[Output, ...], features: int, reason: str
) -> None:
    with pytest.raises(Untrusted, match=reason) as refusal:
        load(program, features, *outputs)
    assert refusal.value.code == "graph-contract"


def test_arrays_of_the_contract_are_fed_by_name() -> None:
    columns = (Column(name="x0", kind="number"), Column(name="place", kind="array", encode="array"))
    body = graph(
        node("Cast", ["place"], ["margin"], attribute("to", number(3, 11), 2)),
        inputs=(info("place", 1, "rows", 2),),
        outputs=(messages.MARGIN,),
    )
    program = Program(engine="onnx", files={"graph.onnx": model(body)})
    held_to = Contract(task="tabular", per="row", columns=columns, outputs=(MARGIN,))
    place = np.ones((3, 2), dtype=np.float32)
    batch = replace(Batch.of_rows(np.zeros((3, 1), dtype=np.float32)), arrays={"place": place})
    assert OnnxEngine().load(program, held_to).run(batch)["margin"].tolist() == [[1.0, 1.0]] * 3


def test_infinite_answers_never_leave() -> None:
    program = compose([(additive_program(constant([1e4], 4)), 1.0)], finish_program(Value(link="exp")))
    with pytest.raises(BrokenAnswer, match="'value' is not a finite number") as broken:
        load(program, 4, VALUE).run(Batch.of_rows(rows(1, 3)))
    assert broken.value.where == "case 0"


def test_nan_never_leaves() -> None:
    zeros = held(5, tensor(np.zeros((2,)), "zero"))
    cast = node("Cast", ["x"], ["y"], attribute("to", number(3, 11), 2))
    program = Program(
        engine="onnx", files={"graph.onnx": model(graph(cast, node("Div", ["y", "zero"], ["margin"]), more=zeros))}
    )
    x = np.array([[1, 1], [0, 1]], dtype=np.float32)
    with pytest.raises(BrokenAnswer, match="'margin'"):
        load(program, 2, MARGIN).run(Batch.of_rows(x))


def test_rows_of_the_wrong_width_are_a_clear_error_without_the_librarys_words() -> None:
    with pytest.raises(Unavailable, match="The model could not answer") as failed:
        load(BINARY, 4, *classes(2)).run(Batch.of_rows(rows(1, 3, features=5)))
    assert failed.value.code == "engine-failed"
    assert "onnx" not in failed.value.what.lower()


def test_a_graph_that_the_walk_accepts_but_the_library_does_not_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """Types are onnxruntime's to check: And of two floats."""
    cast = node("Cast", ["x"], ["y"], attribute("to", number(3, 11), 2))
    program = Program(engine="onnx", files={"graph.onnx": model(graph(cast, node("And", ["y", "y"], ["margin"])))})
    with pytest.raises(Untrusted, match="does not load this graph"):
        load(program, 2, MARGIN)
    assert not capfd.readouterr().err


def test_a_program_without_covers_says_that_it_is_not_explained() -> None:
    silent = Program(engine="onnx", files={"graph.onnx": forest_program(stump()).files["graph.onnx"]})
    found = load(silent, 2, MARGIN).reasons(Batch.of_rows(rows(1, 2, features=2)))
    assert isinstance(found, Verdict)
    assert (found.code, found.outcome) == ("E001", "not-applicable")
    assert found.fix


def test_an_explanation_names_every_feature() -> None:
    found = load(BINARY, 4, *classes(2)).reasons(Batch.of_rows(rows(1, 6)))
    assert not isinstance(found, Verdict)
    assert found.attributions.shape == (6, 4, 1)
    assert np.allclose(found.base + found.attributions.sum(axis=1), found.margin, atol=1e-9)


def test_serving_needs_no_training_library_and_reads_no_file(tmp_path: Path) -> None:
    """A fresh process loads, answers and explains; it opens nothing but code once the engine is imported."""
    for name, data in BINARY.files.items():
        (tmp_path / name).write_bytes(data)
    script = """
import sys
import numpy as np
from seaway.core.batch import Batch
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract, Output
from seaway.engines.onnx import OnnxEngine

files = {name: open(name, "rb").read() for name in ("graph.onnx", "explain.json")}
labels = ("no", "yes")
outputs = (Output(name="label", kind="code", labels=labels),
           Output(name="probabilities", kind="number", axes=("class",), labels=labels))
columns = tuple(Column(name=f"f{i}", kind="number") for i in range(4))
contract = Contract(task="tabular", per="row", columns=columns, outputs=outputs)
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
runner = OnnxEngine().load(Program(engine="onnx", files=files), contract)
batch = Batch.of_rows(np.zeros((2, 4), dtype=np.float32))
runner.run(batch)
runner.reasons(batch)
strange = [name for name in opened if not str(name).endswith((".py", ".pyc", ".so"))]
heavy = {"onnx", "lightgbm", "sklearn", "scipy", "pandas", "polars", "optuna"} & set(sys.modules)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("seaway.")} - {"core", "engines"}
assert not strange and not heavy and not rooms, (strange, heavy, rooms)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
