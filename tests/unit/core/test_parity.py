"""The one comparison, and the vectors that travel with a bundle."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seaway.core import parity
from seaway.core.batch import Query
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import Untrusted

CLASSES = ("good", "bad")
BINARY = Contract(
    task="any",
    per="row",
    columns=(Column(name="amount", kind="number"),),
    outputs=(
        Output(name="probabilities", kind="number", axes=("class",), labels=CLASSES),
        Output(name="label", kind="code", labels=CLASSES),
    ),
)
NUMBER = Contract(task="any", per="row", columns=(), outputs=(Output(name="value", kind="number"),))
ROUTES = Contract(
    task="any",
    per="request",
    columns=(),
    outputs=(Output(name="cost", kind="number"), Output(name="routes", kind="document")),
)

FINITE = st.floats(-1e12, 1e12)


def binary(*p: float) -> dict[str, Any]:
    ones = np.array(p)
    return {"probabilities": np.column_stack([1 - ones, ones]), "label": (ones >= 0.5).astype(np.int64)}


@given(values=hnp.arrays(np.float64, st.integers(1, 20), elements=FINITE))
def test_answers_agree_with_themselves(values: np.ndarray[Any, Any]) -> None:
    found = parity.compare({"value": values}, {"value": values.copy()}, NUMBER, 1e-12)
    assert (found.cases, found.largest, found.beyond, found.holds) == (len(values), 0.0, 0, True)


@given(
    values=hnp.arrays(np.float64, 8, elements=FINITE),
    place=st.integers(0, 7),
    part=st.floats(0.0, 3.0).filter(lambda part: abs(part - 1) > 1e-3),
)
def test_the_tolerance_is_relative_above_one_and_absolute_below(
    values: np.ndarray[Any, Any], place: int, part: float
) -> None:
    other = values.copy()
    other[place] += part * 1e-6 * max(1.0, abs(values[place]))
    found = parity.compare({"value": values}, {"value": other}, NUMBER, 1e-6)
    assert found.holds == (part <= 1)
    assert found.beyond == int(part > 1)
    assert found.largest == pytest.approx(part * 1e-6, abs=1e-9)
    if found.largest:
        assert found.where == f"value, case {place}"


def test_a_case_counts_once_however_many_of_its_numbers_differ() -> None:
    found = parity.compare(binary(0.2, 0.3), binary(0.2, 0.4), BINARY, 1e-6)
    assert (found.beyond, found.decisions) == (1, 0)


def test_a_changed_decision_fails_and_a_tie_does_not() -> None:
    expected = binary(0.5 + 1e-9, 0.9)
    tied = binary(0.5 - 1e-9, 0.9)
    found = parity.compare(expected, tied, BINARY, 1e-6)
    assert (found.near, found.decisions, found.holds) == (1, 0, True)
    flipped = binary(0.5 + 1e-9, 0.9) | {"label": np.array([1, 0])}
    found = parity.compare(expected, flipped, BINARY, 1e-6)
    assert (found.near, found.decisions, found.beyond, found.holds) == (0, 1, 0, False)


def test_without_probabilities_no_decision_is_a_tie() -> None:
    label_only = Contract(task="any", per="row", columns=(), outputs=(Output(name="label", kind="code"),))
    found = parity.compare({"label": np.array([1])}, {"label": np.array([0])}, label_only, 1e-6)
    assert (found.decisions, found.near) == (1, 0)


@pytest.mark.parametrize(
    ("found", "where"),
    [
        ({}, "value"),
        ({"other": np.zeros(3)}, "value"),
        ({"value": np.zeros(2)}, "value"),
        ({"value": np.zeros((3, 1))}, "value"),
    ],
)
def test_an_answer_that_is_missing_or_of_another_shape_fails_every_case(found: dict[str, Any], where: str) -> None:
    difference = parity.compare({"value": np.zeros(3)}, found, NUMBER, 1e-6)
    assert (difference.beyond, difference.holds, difference.where) == (3, False, where)
    assert parity.verdict("X", "s", difference, 1e-6).value is None, "infinity is no JSON number"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), 1e308])
def test_a_number_that_is_none_is_as_far_as_can_be(odd: float) -> None:
    difference = parity.compare({"value": np.array([1.0, -1e308])}, {"value": np.array([odd, odd])}, NUMBER, 1e-6)
    assert difference.beyond == 2
    assert not difference.holds


def test_two_missing_values_agree() -> None:
    nan = np.array([float("nan"), 1.0])
    assert parity.compare({"value": nan}, {"value": nan}, NUMBER, 1e-6).holds


def test_no_case_is_no_difference_and_no_error() -> None:
    found = parity.compare(binary(), binary(), BINARY, 1e-6)
    assert (found.cases, found.holds) == (0, True)


def test_documents_are_not_compared_cell_by_cell() -> None:
    cost = {"cost": np.array([3.0])}
    assert parity.compare(cost, cost, ROUTES, 1e-6).holds
    assert not parity.compare(cost, {"cost": np.array([3.1])}, ROUTES, 1e-6).holds


def test_a_verdict_carries_the_figures() -> None:
    good = parity.verdict("R004", "abc", parity.compare(binary(0.2), binary(0.2 + 1e-8), BINARY, 1e-6), 1e-6)
    assert (good.code, good.outcome, good.fix, good.limit) == ("R004", "pass", "", 1e-6)
    assert good.value == pytest.approx(1e-8)
    assert good.message.startswith("1 cases, largest difference 1.0e-08 (allowed 1e-06), 0 beyond")
    bad = parity.verdict("R004", "abc", parity.compare(binary(0.2), binary(0.9), BINARY, 1e-6), 1e-6)
    assert bad.outcome == "fail"
    assert "1 beyond, 1 decisions changed" in bad.message
    assert bad.fix


# --------------------------------------------------------------------------------------------------------- vectors

CELLS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | st.text(max_size=6)


@given(rows=st.lists(st.dictionaries(st.text(max_size=5), CELLS, max_size=3), min_size=1, max_size=6), data=st.data())
def test_vectors_read_back_bit_equal(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    p = data.draw(hnp.arrays(np.float64, (len(rows), 2), elements=st.floats(0, 1)))
    answers = {"probabilities": p, "label": p.argmax(axis=1).astype(np.int64)}
    queries = [Query(rows=[row]) for row in rows]
    written = parity.write_vectors(queries, answers)
    assert written.count(b"\n") == len(rows), "one line each, whatever a text holds"
    vectors = list(parity.read_vectors(written))
    assert [vector.query for vector in vectors] == queries
    found = parity.expected_of(vectors, BINARY)
    assert found["probabilities"].tobytes() == p.tobytes()
    assert found["label"].dtype == np.int64
    assert parity.write_vectors([vector.query for vector in vectors], found) == written


@pytest.mark.parametrize(
    "data",
    [
        b"{}\n",
        b"x\n",
        b"\n",
        b'{"query":{"rows":[]},"answers":[]}\n',
        b'{"query":{"rows":[]},"answers":{},"x":1}\n',
        b'{"query":{"rows":[],"x":1},"answers":{}}\n',
        b"[" * 100_000,
        b"\xff\n",
    ],
)
def test_a_line_that_is_no_vector_is_said_in_words(data: bytes) -> None:
    with pytest.raises(Untrusted, match="The parity vectors cannot be read: line 1"):
        list(parity.read_vectors(data))


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"probabilities": [0.5, 0.5]},
        {"probabilities": [0.5, 0.5], "label": "bad"},
        {"probabilities": [0.5, 0.5], "label": None},
        {"probabilities": {"good": 1.0}, "label": 0},
        {"probabilities": [[0.5], 0.5], "label": 0},
        {"probabilities": [0.5, 0.5], "label": 2**70},
    ],
)
def test_answers_that_the_contract_does_not_describe(answers: dict[str, Any]) -> None:
    line = json.dumps({"query": {"rows": [{}]}, "answers": answers}).encode()
    with pytest.raises(Untrusted, match="answers that the contract does not describe"):
        parity.expected_of(list(parity.read_vectors(line)), BINARY)


@given(data=st.data(), cases=st.integers(1, 4), horizon=st.integers(1, 5))
def test_steps_that_were_not_asked_for_are_null_in_json_and_missing_when_read(
    data: st.DataObject, cases: int, horizon: int
) -> None:
    contract = Contract(
        task="any", per="series", columns=(), outputs=(Output(name="mean", kind="number", axes=("step",)),)
    )
    mean = data.draw(hnp.arrays(np.float64, (cases, horizon), elements=FINITE))
    for case in range(cases):
        mean[case, data.draw(st.integers(1, horizon)) :] = np.nan
    queries = [Query(rows=[{"y": 1.0}], options={"horizon": 2})] * cases
    written = parity.write_vectors(queries, {"mean": mean})
    assert (b"null" in written) == bool(np.isnan(mean).any())
    assert b"NaN" not in written
    found = parity.expected_of(list(parity.read_vectors(written)), contract)
    assert found["mean"].dtype == np.float64
    np.testing.assert_array_equal(found["mean"], mean)
    assert parity.compare(found, {"mean": mean}, contract, 1e-6).holds
    longer = np.where(np.isnan(mean), 0.0, mean)
    assert parity.compare(found, {"mean": longer}, contract, 1e-6).holds == (not np.isnan(mean).any())
