"""Hostile forecasts are refused by their form, each for its reason, before a graph or a series is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.candidate import Program
from seaway.core.errors import Untrusted
from seaway.engines.additive import constant
from seaway.engines.answers import BrokenAnswer
from seaway.engines.export import additive_program, forest_program
from seaway.engines.series import finish as last_step
from seaway.engines.series.compose import compose
from seaway.engines.series.design import Design, names
from seaway.engines.series.document import FILE, MAX_BYTES, Drift, Lagged, member_program
from seaway.engines.series.engine import SeriesEngine
from seaway.engines.series.finish import Finish
from seaway.engines.walk import GRAPH
from tests.unit.engines.forests import grown
from tests.unit.engines.series_made import batch, contract, waves

DESIGN = Design(window=28, seasons=(7,), zone="UTC", calendar=())
WIDTH = len(names(DESIGN, 5))
METHOD = Lagged(design=DESIGN, growth=(1.0,) * 5, graph="0/graph.onnx")
GOOD = compose(
    [
        (member_program(METHOD, forest_program(grown(1, features=WIDTH, targets=1)).files[GRAPH]), 0.5),
        (member_program(Drift(window=28)), 0.5),
    ],
    last_step.program(Finish(format=1, offsets=((-2.0, -1.0, 0.0, 1.0, 2.0),) * 5)),
)


def load(program: Program) -> None:
    SeriesEngine().load(program, contract()).run(batch(waves(1, 30), [5]))


def with_document(change: Callable[[Any], Any]) -> Program:
    """Return the good program with a changed document, in canonical form again."""
    document = msgspec.json.decode(GOOD.files[FILE])
    changed = change(document)
    data = msgspec.json.encode(document if changed is None else changed, order="sorted")
    return Program(engine="series", files={**GOOD.files, FILE: data})


def with_graph(graph: bytes) -> Program:
    return Program(engine="series", files={**GOOD.files, "0/graph.onnx": graph})


def method(place: int, **fields: Any) -> Callable[[Any], None]:
    return lambda document: document["members"][place]["method"].update(fields)


def design(**fields: Any) -> Callable[[Any], None]:
    return lambda document: document["members"][0]["method"]["design"].update(fields)


def test_the_plain_program_these_attacks_start_from_is_accepted() -> None:
    load(GOOD)


HOSTILE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unknown kind": (method(1, kind="pickle"), "Not a valid Document"),
    "unknown field": (method(1, command="x"), "Not a valid Document"),
    "other format": (lambda document: document.update(format=2), "format is 2"),
    "no members": (lambda document: document.update(members=[]), "0 members"),
    "many members": (lambda document: document.update(members=document["members"] * 40), "80 members"),
    "huge window": (method(1, window=1 << 40), "Not a valid Document"),
    "window beyond the contract": (method(1, window=29), "looks back 29 rows"),
    "window of nothing": (method(1, window=0), "Not a valid Document"),
    "weight no number": (lambda document: document["members"][0].update(weight="NaN"), "Not a valid Document"),
    "graph elsewhere": (method(0, graph="../../graph.onnx"), "not named 0/graph.onnx"),
    "graph that is not there": (method(1, kind="lagged"), "Not a valid Document"),
    "season beyond the window": (design(seasons=[29]), "longer than the window"),
    "too many seasons": (design(seasons=list(range(1, 12))), "seasons are not"),
    "column that is not there": (design(ahead=[0]), "not there"),
    "huge column": (design(past=[1 << 60]), "Not a valid Document"),
    "unknown part": (design(calendar=["century"]), "Not a valid Document"),
    "zone as a path": (design(zone="../../etc/passwd"), "no time zone"),
    "design of other width": (design(calendar=["month"]), "features"),
    "spread of nought": (method(0, growth=[0.0] * 5), "positive"),
    "spread of other length": (method(0, growth=[1.0] * 4), "positive"),
    "quantiles out of order": (
        lambda document: document["finish"].update(offsets=[[2.0, 1.0, 0.0, -1.0, -2.0]] * 5),
        "not in order",
    ),
    "quantiles of other length": (lambda document: document["finish"].update(offsets=[[0.0] * 5] * 6), "5 steps"),
    "finish of other format": (lambda document: document["finish"].update(format=9), "format 9"),
    "not an object": (lambda document: [document], "Not a valid Document"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_for_its_reason(name: str) -> None:
    change, reason = HOSTILE[name]
    with pytest.raises(Untrusted, match=reason):
        load(with_document(change))


@pytest.mark.parametrize("token", [b"NaN", b"Infinity", b"1e999", b'"1"', b"null"])
def test_numbers_that_are_none_are_refused(token: bytes) -> None:
    data = GOOD.files[FILE].replace(b'"weight":0.5', b'"weight":' + token, 1)
    with pytest.raises(Untrusted, match="Not a valid Document"):
        load(Program(engine="series", files={**GOOD.files, FILE: data}))


def test_other_spellings_of_the_same_document_are_refused() -> None:
    for data in (GOOD.files[FILE] + b" ", GOOD.files[FILE].replace(b"0.5", b"0.50", 1), b" " * (MAX_BYTES + 1), b""):
        with pytest.raises(Untrusted, match=r"canonical|Not a valid|bytes"):
            load(Program(engine="series", files={**GOOD.files, FILE: data}))


def test_files_that_are_not_named_or_not_there_are_refused() -> None:
    with pytest.raises(Untrusted, match=r"'run\.py' is there or named"):
        load(Program(engine="series", files={**GOOD.files, "run.py": b""}))
    with pytest.raises(Untrusted, match=r"'0/graph\.onnx' is there or named"):
        load(Program(engine="series", files={FILE: GOOD.files[FILE]}))
    with pytest.raises(Untrusted, match=r"series\.json is not there"):
        load(Program(engine="series", files={}))


def test_graphs_that_are_not_one_forest_of_this_design_are_refused() -> None:
    for graph, reason in (
        (b"", "."),
        (b"\x08\x0a" * 9, "."),
        (additive_program(constant([0.0], WIDTH)).files[GRAPH], "not one tree ensemble"),
        (forest_program(grown(1, features=WIDTH + 1, targets=1)).files[GRAPH], f"{WIDTH + 1} features"),
        (forest_program(grown(1, features=WIDTH, targets=2)).files[GRAPH], "to 2, not"),
    ):
        with pytest.raises(Untrusted, match=reason):
            load(with_graph(graph))


@settings(max_examples=150)
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), is_graph=st.booleans())
def test_any_changed_byte_is_refused_or_still_answers_numbers(place: int, byte: int, is_graph: bool) -> None:
    name = "0/graph.onnx" if is_graph else FILE
    data = bytearray(GOOD.files[name])
    data[place % len(data)] = byte
    try:
        load(Program(engine="series", files={**GOOD.files, name: bytes(data)}))
    except (Untrusted, BrokenAnswer):
        return
