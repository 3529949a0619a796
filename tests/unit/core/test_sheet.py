"""The sheet: every answer lands on the line of its case and step, for tables and for series of any lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch, Sample
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.core.sheet import is_stepped, joined, sheet

HORIZON = 4
SERIES = Contract(
    task="any",
    per="series",
    columns=(Column(name="y", kind="number", role="target", encode="array"),),
    series=Series(frequency="1d", horizon=HORIZON),
    truth=Column(name="y", kind="number"),
    outputs=(
        Output(name="mean", kind="number", axes=("step",)),
        Output(name="quantiles", kind="number", axes=("step", "level"), labels=tuple(map(str, LEVELS))),
        Output(name="level", kind="number"),
    ),
)
TABLE = Contract(task="any", per="row", columns=(), outputs=(Output(name="value", kind="number"),))

LENGTHS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, HORIZON)), min_size=1, max_size=6)
"""(history rows, asked rows) of each case."""


def ragged(lengths: list[tuple[int, int]], *, weighted: bool = False, scaled: bool = False) -> Sample:
    """Make cases whose truth is their row's number; their numbers as cases are 100, 101, ..."""
    rows = sum(seen + asked for seen, asked in lengths)
    truth = np.arange(rows, dtype=np.float64)
    return Sample(
        batch=Batch(
            x=np.zeros((rows, 0), dtype=np.float32),
            starts=np.cumsum([0, *(seen + asked for seen, asked in lengths)]).astype(np.int64),
            seen=np.array([seen for seen, _ in lengths], dtype=np.int64),
        ),
        case=100 + np.arange(len(lengths)),
        truth=truth,
        weight=truth + 1 if weighted else None,
        scale=10.0 + np.arange(len(lengths)) if scaled else None,
    )


def numbered(cases: int, *, first: int = 0) -> dict[str, Array]:
    """Return answers that tell which case, step and level they are."""
    case = first + np.arange(cases, dtype=np.float64)
    step = 100 * case[:, None] + np.arange(1, HORIZON + 1)
    return {
        "mean": step,
        "margin": np.stack([step, -step], axis=-1),
        "quantiles": step[..., None] + np.arange(len(LEVELS)) / 10,
        "level": case,
    }


@given(lengths=LENGTHS)
def test_every_line_is_one_asked_row_with_its_own_answer(lengths: list[tuple[int, int]]) -> None:
    laid = sheet(ragged(lengths, weighted=True, scaled=True), SERIES).outcomes(numbered(len(lengths)))
    expected = []
    row = 0
    for case, (seen, asked) in enumerate(lengths):
        expected += [(100 + case, step, float(row + seen + step - 1), 10.0 + case) for step in range(1, asked + 1)]
        row += seen + asked
    assert laid.truth is not None
    assert laid.scale is not None
    assert list(zip(laid.case, laid.step, laid.truth, laid.scale, strict=True)) == expected
    assert laid.weight is not None
    assert np.array_equal(laid.weight, laid.truth + 1)
    place = laid.case - 100
    assert np.array_equal(laid.answer["mean"], 100 * place + laid.step)
    assert np.array_equal(laid.answer["margin"], np.column_stack([laid.answer["mean"], -laid.answer["mean"]]))
    assert np.array_equal(laid.answer["quantiles"][:, 3], laid.answer["mean"] + 0.3)
    assert np.array_equal(laid.answer["level"], place)


@given(lengths=LENGTHS, data=st.data())
def test_the_sheet_of_some_cases_is_the_sheet_of_their_sample(
    lengths: list[tuple[int, int]], data: st.DataObject
) -> None:
    places = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=0, max_size=8)), dtype=np.int64)
    sample, answers = ragged(lengths, weighted=True, scaled=True), numbered(len(lengths))
    some = {name: values[places] for name, values in answers.items()}
    ours = sheet(sample, SERIES).of_cases(places).outcomes(some)
    theirs = sheet(sample.take(places), SERIES).outcomes(some)
    for name in ("case", "step", "truth", "weight", "scale"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    for name, values in ours.answer.items():
        assert np.array_equal(values, theirs.answer[name]), name


@given(parts=st.lists(LENGTHS, min_size=1, max_size=3))
def test_joined_sheets_lay_joined_answers(parts: list[list[tuple[int, int]]]) -> None:
    sheets = [sheet(ragged(lengths, scaled=True), SERIES) for lengths in parts]
    answers = [numbered(len(lengths), first=10 * place) for place, lengths in enumerate(parts)]
    whole = joined(sheets)
    together = whole.outcomes({name: np.concatenate([one[name] for one in answers]) for name in answers[0]})
    apart = [one.outcomes(answer) for one, answer in zip(sheets, answers, strict=True)]
    assert (len(whole), whole.cases) == (sum(map(len, sheets)), sum(map(len, parts)))
    for name in answers[0]:
        assert np.array_equal(together.answer[name], np.concatenate([one.answer[name] for one in apart]))
    assert np.array_equal(together.case, np.concatenate([one.case for one in apart]))
    assert together.scale is not None
    assert together.weight is None


def test_what_one_part_does_not_know_the_whole_does_not_know() -> None:
    known, unknown = sheet(ragged([(1, 2)], weighted=True), SERIES), sheet(ragged([(1, 2)]), SERIES)
    assert joined([known, unknown]).weight is None
    assert joined([known, known]).weight is not None


def test_a_table_has_one_line_for_each_row_and_no_steps() -> None:
    sample = Sample(batch=Batch.of_rows(np.zeros((3, 2), dtype=np.float32)), case=np.array([7, 8, 9]), truth=np.ones(3))
    laid = sheet(sample, TABLE).outcomes({"value": np.arange(3.0), "margin": np.arange(6.0).reshape(3, 2)})
    assert laid.case.tolist() == [7, 8, 9]
    assert laid.step.tolist() == [0, 0, 0]
    assert np.array_equal(laid.answer["value"], np.arange(3.0))
    assert laid.answer["margin"].shape == (3, 2)


def test_without_a_truth_there_is_none_in_the_outcomes() -> None:
    sample = Sample(batch=Batch.of_rows(np.zeros((2, 1), dtype=np.float32)), case=np.arange(2))
    assert sheet(sample, TABLE).outcomes({"value": np.zeros(2)}).truth is None


@pytest.mark.parametrize(
    ("name", "contract", "expected"),
    [
        ("mean", SERIES, True),
        ("quantiles", SERIES, True),
        ("margin", SERIES, True),
        ("level", SERIES, False),
        ("unknown", SERIES, False),
        ("margin", TABLE, False),
        ("value", TABLE, False),
    ],
)
def test_what_has_steps(name: str, contract: Contract, expected: bool) -> None:
    assert is_stepped(name, contract) is expected
