"""What counts as better, and how sure the scores are."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.batch import Array, Outcomes
from seaway.lab.exam import prepare
from seaway.lab.judge import Judge, judge_of, with_intervals
from seaway.tasks.tabular.task import Tabular
from tests.unit.lab.fixtures import data


def judge(problem: str = "binary", wanted: str = "") -> Judge:
    """Return the judge of a small exam."""
    made = data(problem, rows=300)
    return judge_of(prepare(made, Tabular(), made.split.train, 3, 0), Tabular(), wanted)


def truth_of(found: Judge) -> Array:
    """Return the truth of the exam's lines as -1 and 1."""
    assert found.exam.sheet.truth is not None
    return np.asarray(found.exam.sheet.truth * 2 - 1)


@pytest.mark.parametrize(
    ("problem", "decides", "smooth"),
    [("binary", "roc_auc", "log_loss"), ("multiclass", "log_loss", "log_loss"), ("regression", "rmse", "rmse")],
)
def test_the_tasks_first_metric_decides_and_weights_follow_a_smooth_one(
    problem: str, decides: str, smooth: str
) -> None:
    found = judge(problem)
    assert (found.decides.name, found.smooth.name) == (decides, smooth)


@pytest.mark.parametrize("wanted", ["roc_auc", "log_loss", "accuracy"])
def test_less_loss_is_better_whatever_the_metric(wanted: str) -> None:
    found = judge(wanted=wanted)
    good = truth_of(found)[:, None] * 3.0
    losses = [found.loss(found.scores(margin)) for margin in (good, -good)]
    assert losses[0] < losses[1]
    assert found.loss({}) == float("inf")


def test_the_score_by_fold_is_of_each_folds_own_rows() -> None:
    found = judge(wanted="accuracy")
    margin = truth_of(found)[:, None] * 1.0
    first = found.exam.folds[0].asked.batch.cases
    margin[:first] *= -1
    assert found.by_fold(margin) == (0.0, 1.0, 1.0)


def test_intervals_are_named_and_what_cannot_be_told_is_left_out() -> None:
    p = np.tile([0.4, 0.6], (30, 1))
    one_class = Outcomes.of_rows({"probabilities": p, "label": np.ones(30, dtype=np.int64)}, np.ones(30))
    found = with_intervals(("roc_auc", "accuracy"), one_class, "test", 0)
    assert set(found) == {"test.accuracy"}
    assert found["test.accuracy"].n == 30
    assert with_intervals(("accuracy",), one_class.take(np.zeros(0, dtype=np.int64)), "test", 0) == {}
