"""Cases as numbers: taking, joining, splitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch, Flag, Outcomes, Sample, join, split

LENGTHS = st.lists(st.integers(1, 4), min_size=0, max_size=6)


def ragged(lengths: list[int], *, first: int = 0, with_time: bool = True) -> Batch:
    """Make cases of the given numbers of rows; every cell is different."""
    rows = sum(lengths)
    x = np.arange(first * 10, (first + rows) * 10, 5, dtype=np.float32).reshape(rows, 2)
    return Batch(
        x=x,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        seen=np.array([length - 1 for length in lengths], dtype=np.int64),
        arrays={"text": np.array([f"row {first + row}" for row in range(rows)], dtype=object)},
        time=np.arange(first, first + rows, dtype=np.int64) if with_time else None,
        options=[{"horizon": length} for length in lengths],
        flags=[Flag(row=row, column="amount", rule="range") for row in range(rows)],
    )


def cases_of(batch: Batch) -> list[tuple[Any, ...]]:
    """Return every case on its own, for comparing."""
    return [
        (
            batch.x[start:end].tolist(),
            batch.arrays["text"][start:end].tolist(),
            None if batch.time is None else batch.time[start:end].tolist(),
            int(batch.seen[case]),
            dict(batch.options[case]),
        )
        for case, (start, end) in enumerate(zip(batch.starts[:-1], batch.starts[1:], strict=True))
    ]


@given(lengths=st.lists(LENGTHS, min_size=1, max_size=4), with_time=st.booleans())
def test_joined_batches_hold_the_same_cases_in_order(lengths: list[list[int]], with_time: bool) -> None:
    firsts = np.cumsum([0, *(sum(part) for part in lengths)])
    parts = [ragged(part, first=int(first), with_time=with_time) for part, first in zip(lengths, firsts, strict=False)]
    whole = join(parts)
    assert cases_of(whole) == [case for part in parts for case in cases_of(part)]
    assert (whole.rows, whole.cases) == (sum(map(sum, lengths)), sum(map(len, lengths)))
    assert whole.x.dtype == np.float32
    assert whole.starts.dtype == whole.seen.dtype == np.int64
    assert [flag.row for flag in whole.flags] == list(range(whole.rows)), "a flag stays with its row"


@given(lengths=LENGTHS, data=st.data())
def test_taken_cases_are_those_asked_for_in_that_order(lengths: list[int], data: st.DataObject) -> None:
    batch = ragged(lengths)
    places = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=8)) if lengths else []
    taken = batch.take(np.array(places, dtype=np.int64))
    assert cases_of(taken) == [cases_of(batch)[place] for place in places]
    assert taken.x.shape == (taken.rows, 2)
    assert taken.starts.dtype == np.int64


def test_taking_makes_a_copy() -> None:
    batch = ragged([1, 1])
    batch.take(np.array([0])).x[:] = 99
    assert batch.x.max() < 99


@given(counts=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_split_answers_are_those_of_each_request(counts: list[int]) -> None:
    total = sum(counts)
    answers = {"value": np.arange(total), "probabilities": np.arange(2 * total).reshape(total, 2)}
    parts = split(answers, counts)
    assert [len(part["value"]) for part in parts] == counts
    for name, values in answers.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values)


def test_every_row_is_a_case_of_a_table() -> None:
    batch = Batch.of_rows(np.zeros((3, 2), dtype=np.float32))
    assert (batch.rows, batch.cases) == (3, 3)
    assert batch.starts.tolist() == [0, 1, 2, 3]
    assert batch.seen.tolist() == [0, 0, 0]


def test_a_sample_takes_truth_and_weight_along() -> None:
    sample = Sample(
        batch=ragged([1, 1, 1]),
        case=np.array([4, 5, 6]),
        truth=np.array([0.0, 1.0, 2.0]),
        weight=np.array([5.0, 6.0, 7.0]),
    )
    taken = sample.take(np.array([2, 0]))
    assert taken.truth is not None
    assert taken.weight is not None
    assert (taken.truth.tolist(), taken.weight.tolist()) == ([2.0, 0.0], [7.0, 5.0])
    assert cases_of(taken.batch) == [cases_of(sample.batch)[2], cases_of(sample.batch)[0]]
    assert taken.case.tolist() == [6, 4]
    bare = Sample(batch=ragged([1]), case=np.zeros(1, dtype=np.int64)).take(np.array([0]))
    assert bare.truth is None
    assert bare.weight is None


def test_the_rows_of_a_case_stay_together() -> None:
    sample = Sample(batch=ragged([2, 3, 1]), case=np.arange(3), truth=np.arange(6.0), scale=np.array([1.0, 2.0, 3.0]))
    taken = sample.take(np.array([1, 2]))
    assert taken.truth is not None
    assert taken.scale is not None
    assert taken.truth.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert taken.scale.tolist() == [2.0, 3.0]
    assert taken.batch.starts.tolist() == [0, 3, 4]
    assert sample.batch.rows_of(np.array([2, 0])).tolist() == [5, 0, 1]


def outcomes() -> Outcomes:
    return Outcomes(
        answer={"value": np.arange(4.0)},
        truth=np.array([0.0, 1.0, np.nan, 3.0]),
        case=np.array([0, 0, 1, 2]),
        step=np.array([0, 1, 0, 0]),
        weight=np.ones(4),
        scale=np.full(4, 2.0),
    )


@pytest.mark.parametrize("index", [np.array([3, 0]), np.array([True, False, False, True])])
def test_outcomes_are_taken_by_place_or_mask(index: Array) -> None:
    taken = outcomes().take(index)
    assert len(taken) == 2
    assert sorted(taken.answer["value"].tolist()) == [0.0, 3.0]
    assert taken.truth is not None
    assert sorted(taken.truth.tolist()) == [0.0, 3.0]
    assert sorted(taken.case.tolist()) == [0, 2]


def test_other_answers_about_the_same_cases() -> None:
    other = outcomes().answered({"value": np.zeros(4)})
    assert other.answer["value"].tolist() == [0.0] * 4
    assert other.case is not None
    np.testing.assert_array_equal(other.truth, outcomes().truth)  # type: ignore[arg-type]


def test_outcomes_of_rows() -> None:
    made = Outcomes.of_rows({"value": np.arange(3.0)}, None)
    assert (made.case.tolist(), made.step.tolist(), made.truth) == ([0, 1, 2], [0, 0, 0], None)
    assert len(Outcomes.of_rows({}, None)) == 0
