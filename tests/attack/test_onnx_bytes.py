"""Hostile graph bytes are refused by our own walk, each for its reason, before any parser sees them."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Batch
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import Untrusted
from seaway.engines import wire
from seaway.engines.answers import BrokenAnswer
from seaway.engines.export import finish_program, forest_program
from seaway.engines.finish import Binary
from seaway.engines.onnx import OnnxEngine
from seaway.engines.readers.lightgbm import read as read_booster
from seaway.engines.walk import walk
from tests.unit.engines.boosters import trained
from tests.unit.engines.messages import (
    CAST,
    DOUBLES,
    MARGIN,
    OPSETS,
    X,
    attribute,
    graph,
    held,
    info,
    model,
    node,
    number,
    opset,
    tensor,
    varint,
)

SUBGRAPH = attribute("body", held(6, graph()), 5)
LIBRARY = "custom.domain"


def with_constant(body: bytes) -> bytes:
    return model(graph(more=held(5, body)))


def test_the_plain_graph_these_attacks_start_from_is_accepted() -> None:
    read = wire.read(model())
    assert [one.op for one in read.nodes] == ["Cast"]
    assert read.inputs["x"] == wire.Info(kind=1, dims=("rows", 2))
    assert wire.read(with_constant(tensor(DOUBLES, "c"))).constants["c"].tolist() == [0.0, 0.0]


HOSTILE = {
    "external data": (
        with_constant(
            number(1, 2) + number(2, 11) + held(8, "c") + held(13, held(1, "location") + held(2, "/etc/passwd"))
        ),
        "external data in a tensor",
    ),
    "external location": (with_constant(tensor(DOUBLES, "c") + number(14, 1)), "a data location"),
    "unknown domain": (
        model(graph(node("Run", ["x"], ["margin"], domain=LIBRARY)), opsets=OPSETS + opset(LIBRARY, 1)),
        "operator set 'custom.domain'",
    ),
    "domain not imported": (model(graph(node("Run", ["x"], ["margin"], domain=LIBRARY))), "operator 'Run' of domain"),
    "microsoft's operators": (model(opsets=OPSETS + opset("com.microsoft", 1)), "operator set 'com.microsoft'"),
    "unknown operator": (model(graph(node("ConstantOfShape", ["x"], ["margin"]))), "operator 'ConstantOfShape'"),
    "reads a file name": (model(graph(node("ImageDecoder", ["x"], ["margin"]))), "operator 'ImageDecoder'"),
    "loop": (model(graph(node("Loop", ["x"], ["margin"], SUBGRAPH))), "a subgraph in an attribute"),
    "if": (model(graph(node("If", ["x"], ["margin"], SUBGRAPH))), "a subgraph in an attribute"),
    "scan": (model(graph(node("Scan", ["x"], ["margin"], SUBGRAPH))), "a subgraph in an attribute"),
    "loop without its body": (model(graph(node("Loop", ["x"], ["margin"]))), "operator 'Loop'"),
    "unlisted attribute": (
        model(graph(node("Cast", ["x"], ["margin"], attribute("saturate", number(3, 1), 2)))),
        "attribute 'saturate' of Cast",
    ),
    "old operator set": (model(opsets=opset("", 9)), "operator set 'ai.onnx' version 9"),
    "future operator set": (model(opsets=opset("", 99)), "operator set 'ai.onnx' version 99"),
    "operator set twice": (model(opsets=OPSETS + opset("", 20)), "operator set '' twice"),
    "old ir": (model(ir=3), "IR version 3"),
    "future ir": (model(ir=14), "IR version 14"),
    "negative ir": (model(ir=-1), "IR version -1"),
    "functions": (model(more=held(25, held(1, "f"))), "functions in a model"),
    "training information": (model(more=held(20, b"")), "training information in a model"),
    "metadata": (model(more=held(14, held(1, "k") + held(2, "v"))), "metadata in a model"),
    "a function call": (model(graph(CAST + held(8, "overload"))), "an overload"),
    "strings": (with_constant(number(1, 1) + number(2, 8) + held(8, "c") + held(6, b"x" * 100)), "strings in a tensor"),
    "string type": (with_constant(number(1, 1) + number(2, 8) + held(8, "c")), "tensor type 8"),
    "sparse tensor": (model(graph(more=held(15, b""))), "sparse initialisers"),
    "string attribute": (
        model(graph(node("Cast", ["x"], ["margin"], attribute("to", held(4, "float"), 3)))),
        "a string attribute",
    ),
    "sequence type": (model(graph(inputs=(held(1, "x") + held(2, held(4, b"")),))), "a sequence in a type"),
    "unknown field": (model(more=number(99, 1)), "field 99 in a model"),
    "huge length": (model() + varint(7 << 3 | 2) + varint(1 << 40), "claims 1099511627776 bytes where 0 are left"),
    "negative length": (model() + varint(2 << 3 | 2) + varint(-1), "claims 18446744073709551615 bytes"),
    "endless number": (b"\x08" + b"\xff" * 11, "more than 64 bits"),
    "number too large": (b"\x08" + b"\xff" * 9 + b"\x7f", "longer than it has to be"),
    "padded number": (b"\x08\x8a\x00" + model()[2:], "longer than it has to be"),
    "trailing bytes": (model() + b"\x00\x00\x00", "field number 0"),
    "a group": (model() + b"\x0b\x0c", "wire type 3"),
    "graph twice": (model(more=held(7, graph())), "field 7 of a model comes twice"),
    "no graph": (number(1, 10) + OPSETS, "no graph"),
    "dims beyond data": (
        with_constant(number(1, 1 << 40) + number(2, 11) + held(8, "c") + held(9, b"\0" * 8)),
        "holds 8 bytes",
    ),
    "dims that overflow": (
        with_constant(number(1, 1 << 33) + number(1, 1 << 31) + number(2, 11) + held(8, "c") + held(9, b"")),
        "holds 0 bytes",
    ),
    "negative dims": (
        with_constant(number(1, -1) + number(1, -1) + number(2, 11) + held(8, "c") + held(9, b"\0" * 8)),
        "holds 8 bytes",
    ),
    "too many dims": (with_constant(number(1, 1) * 9 + tensor(DOUBLES, "c")), "too large: more than 8"),
    "half a boolean": (with_constant(tensor(np.array([2], dtype=np.uint8), "c", kind=9)), "neither 0 nor 1"),
    "a name twice": (with_constant(tensor(DOUBLES, "x")), "the name of an input"),
    "a value made twice": (model(graph(CAST, CAST)), "without a name of its own"),
    "a value never made": (model(graph(node("Exp", ["later"], ["margin"]))), "nothing made before"),
    "an output never made": (model(graph(outputs=(MARGIN, info("label", 7, "rows")))), "the output 'label'"),
    "long name": (model(graph(inputs=(info("x" * 10_000, 1, "rows", 2),))), "a text of 10000 bytes"),
    "escape codes in a name": (model(graph(inputs=(info("x\x1b[2J", 1, "rows"),))), "control characters"),
    "name not utf-8": (model(graph(CAST + held(1, b"\xff\xfe"))), "not UTF-8"),
    "type that lies": (
        model(graph(node("Cast", ["x"], ["margin"], attribute("to", number(3, 11), 7)))),
        "type does not agree",
    ),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused_for_their_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Untrusted) as refusal:
        wire.read(data)
    assert reason in str(refusal.value)
    assert refusal.value.where
    assert refusal.value.fix
    assert refusal.value.code in {"graph-malformed", "graph-not-allowed", "graph-too-large"}


def test_nesting_cannot_run_deep() -> None:
    body = graph()
    for _ in range(50_000 // 50):
        body = graph(node("If", ["x"], ["margin"], attribute("then_branch", held(6, body), 5)))
    with pytest.raises(Untrusted, match="a subgraph"):
        wire.read(model(body))


def test_counts_are_capped_before_anything_is_kept() -> None:
    many = b"".join(held(1, b"") for _ in range(20_000))
    with pytest.raises(Untrusted, match="too large: more than 10000 of field 1 in a graph"):
        wire.read(model(graph(more=many)))
    inputs = [f"v{place}" for place in range(1_000)]
    with pytest.raises(Untrusted, match="more than 64 of field 1 in a node"):
        wire.read(model(graph(node("Concat", inputs, ["margin"]))))
    with pytest.raises(Untrusted, match="more than 100"):
        wire.read(model(), wire.Limits(bytes=100))


def test_outer_products_are_refused_although_every_operator_is_allowed() -> None:
    column, row = (tensor(np.ones(shape), name) for shape, name in (((5_000, 1), "a"), ((1, 5_000), "b")))
    body = graph(node("Add", ["a", "b"], ["c"]), CAST, more=held(5, column) + held(5, row))
    with pytest.raises(Untrusted, match="25000000 elements") as refusal:
        walk(Program(engine="onnx", files={"graph.onnx": model(body)}))
    assert refusal.value.code == "graph-shape"


def test_rows_against_rows_are_refused() -> None:
    inputs = (X, info("other", 1, 2, "rows"))
    body = graph(
        node("MatMul", ["x", "other"], ["margin"]), inputs=inputs, outputs=(info("margin", 1, "rows", "rows"),)
    )
    with pytest.raises(Untrusted, match="one at most may be open"):
        walk(Program(engine="onnx", files={"graph.onnx": model(body)}))


def test_a_claimed_terabyte_costs_no_memory() -> None:
    data = model(graph(more=held(5, number(1, 1 << 50) + number(2, 11) + held(8, "c") + held(9, b"\0" * 16))))
    tracemalloc.start()
    with pytest.raises(Untrusted, match="holds 16 bytes"):
        wire.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_interleaved_numbers_do_not_cost_quadratic_time() -> None:
    """A run of numbers may be broken by singular fields only, so an attribute is scanned a few times at most."""
    body = (number(8, 5) * 1_000 + number(3, 1)) * 1_000
    start = time.perf_counter()
    with pytest.raises(Untrusted, match="comes twice"):
        wire.read(model(graph(node("Cast", ["x"], ["margin"], attribute("to", body, 2)))))
    assert time.perf_counter() - start < 5.0


def test_extra_files_beside_the_graph_are_refused() -> None:
    files = {**finish_program(Binary()).files, "run.json": b"{}"}
    with pytest.raises(Untrusted, match=r"the file 'run\.json' is not part of one"):
        walk(Program(engine="onnx", files=files))


# ------------------------------------------------------------------------------------------------- any bytes at all

MODEL = trained(4)
GOOD = forest_program(read_booster(MODEL.booster)).files["graph.onnx"]
CONTRACT = Contract(
    task="tabular",
    per="row",
    columns=tuple(Column(name=f"f{place}", kind="number") for place in range(MODEL.x.shape[1])),
    outputs=(Output(name="margin", kind="number", axes=("rank",)),),
)


@settings(max_examples=300)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    _read_or_refused(data)


@settings(max_examples=300)
@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_is_read_or_refused(at: int, bit: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    _read_or_refused(bytes(changed))


@settings(max_examples=100)
@given(end=st.integers(0, len(GOOD) - 1))
def test_a_cut_graph_is_refused(end: int) -> None:
    with pytest.raises(Untrusted):
        wire.read(GOOD[:end])


@settings(max_examples=100)
@given(more=st.binary(min_size=1, max_size=20))
def test_bytes_behind_the_graph_are_refused(more: bytes) -> None:
    with pytest.raises(Untrusted):
        wire.read(GOOD + more)


def _read_or_refused(data: bytes) -> None:
    """Nothing but our own errors comes out, and what passes the walk is safe to load and to run."""
    try:
        runner = OnnxEngine().load(Program(engine="onnx", files={"graph.onnx": data}), CONTRACT)
    except Untrusted as refusal:
        told = (refusal.where, refusal.fix)
    else:
        told = ("loaded", "ran")
        with contextlib.suppress(BrokenAnswer):
            runner.run(Batch.of_rows(MODEL.x[:5]))
    assert all(told)


@pytest.mark.parametrize("name", ["external data", "unknown domain", "future operator set", "loop", "too many nodes"])
def test_a_hostile_graph_is_refused_before_a_session_is_made(name: str) -> None:
    """A41: the profiler sees every call of this thread; none of them makes onnxruntime parse the bytes."""
    many = b"".join(held(1, b"") for _ in range(20_000))
    data = model(graph(more=many)) if name == "too many nodes" else HOSTILE[name][0]
    called: list[str] = []
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name) if event == "call" else None)
    try:
        with pytest.raises(Untrusted):
            OnnxEngine().load(Program(engine="onnx", files={"graph.onnx": data}), CONTRACT)
    finally:
        sys.setprofile(None)
    assert "walk" in called
    assert "_session" not in called


def test_values_that_are_small_each_and_too_large_together_are_refused() -> None:
    width = 1 << 15
    inputs = (info("x", 1, "rows", width),)
    names = ["x", *(f"y{place}" for place in range(8))]
    steps = [node("Exp", [before], [after]) for before, after in itertools.pairwise(names)]
    body = graph(*steps, inputs=inputs, outputs=(info(names[-1], 1, "rows", width),))
    with pytest.raises(Untrusted, match="294912 elements per row together"):
        walk(Program(engine="onnx", files={"graph.onnx": model(body)}))
