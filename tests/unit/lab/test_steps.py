"""Outcomes by step: answers of cases become lines, folds keep their own, and scores tell how far ahead they look."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.lab.exam import sit
from seaway.lab.steps import by_group, by_step
from tests.unit.lab.ahead import Onward, exam, judge


def ahead(horizon: int, cases: int = 40) -> Outcomes:
    """Make lines whose error is their step."""
    step = np.tile(np.arange(1, horizon + 1), cases)
    truth = np.zeros(horizon * cases)
    return Outcomes(
        answer={"mean": step.astype(float)},
        truth=truth,
        case=np.repeat(np.arange(cases), horizon),
        step=step,
        scale=np.ones(len(step)),
    )


def test_answers_of_several_origins_stand_beside_their_own_truth() -> None:
    made = exam()
    answers = sit(made, Onward(), {"slope": 1.0}, number=0, threads=1, until=math.inf)
    assert answers.margin.shape == (5, 3, 2)
    outcomes = made.outcomes({"margin": answers.margin})
    assert outcomes.truth is not None
    assert np.array_equal(outcomes.answer["margin"][:, 0], outcomes.truth)  # the series go on by one
    assert outcomes.step.tolist() == [1, 2, 3] * 4 + [1]
    assert outcomes.case.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [0] * 3 + [1]
    assert [len(fold) for fold in made.by_fold(outcomes)] == [9, 4]


def test_a_fold_is_judged_by_its_own_lines() -> None:
    made = exam()
    margin = sit(made, Onward(), {"slope": 1.0}, number=0, threads=1, until=math.inf).margin
    margin[:3, :, 0] += 2
    found = judge(made)
    assert found.by_fold(margin) == (2.0, 0.0)
    assert found.scores(margin)["mase"] == pytest.approx(2 * 9 / 13)


def test_each_step_has_its_value_and_what_cannot_be_told_is_null() -> None:
    outcomes = ahead(4)
    assert outcomes.truth is not None
    outcomes.truth[outcomes.step == 3] = np.nan
    found = by_step(("mase", "pinball"), outcomes)
    assert found == {"mase": [1.0, 2.0, None, 4.0]}
    assert by_step(("mase",), outcomes.take(np.zeros(0, dtype=np.int64))) == {}


@pytest.mark.parametrize(
    ("horizon", "groups"),
    [
        (1, ["1-1"]),
        (4, ["1-1", "2-2", "3-3", "4-4"]),
        (6, ["1-1", "2-2", "3-3", "4-4", "5-5", "6-6"]),
        (14, ["1-3", "4-6", "7-8", "9-10", "11-12", "13-14"]),
        (48, ["1-8", "9-16", "17-24", "25-32", "33-40", "41-48"]),
    ],
)
def test_the_horizon_is_cut_into_equal_parts_with_intervals(horizon: int, groups: list[str]) -> None:
    found = by_group("mase", ahead(horizon), "test", 0)
    assert list(found) == [f"test.mase@{group}" for group in groups]
    for name, score in found.items():
        first, last = map(int, name.partition("@")[2].split("-"))
        assert score.value == pytest.approx((first + last) / 2)
        assert score.low <= score.value <= score.high
        assert score.n == 40


def test_a_table_has_no_steps() -> None:
    rows = Outcomes.of_rows({"value": np.ones(5)}, np.zeros(5))
    assert by_step(("rmse",), rows) == {}
    assert by_group("rmse", rows, "test", 0) == {}
