"""Figures for every problem, of the rows that judge."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.tasks.tabular.figures import figures
from tests.unit.tasks.candidates import candidate
from tests.unit.tasks.tables import PROBLEMS


def outcomes(problem: str, rows: int = 200) -> Outcomes:
    """Draw outcomes that are right more often than not."""
    rng = np.random.default_rng(0)
    if problem == "regression":
        truth = rng.normal(size=rows)
        return Outcomes.of_rows({"value": truth + rng.normal(size=rows) / 3}, truth)
    count = 2 if problem == "binary" else 3
    truth = rng.integers(0, count, rows)
    logits = rng.normal(size=(rows, count))
    logits[np.arange(rows), truth] += 1
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Outcomes.of_rows({"probabilities": p, "label": p.argmax(axis=1)}, truth.astype(float))


TITLES = {
    "binary": ["ROC curve", "Precision and recall", "Calibration", "Confusion"],
    "multiclass": ["Confusion", "Calibration of the chosen class"],
    "regression": ["Predicted and actual", "Residuals"],
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_problem_has_its_figures_as_valid_svg(problem: str) -> None:
    drawn = figures(candidate(problem, test=outcomes(problem), figures={"importance": {"a": 0.7, "b": 0.3}}))
    assert [one.title for one in drawn] == [*TITLES[problem], "Importance"]
    for one in drawn:
        assert ET.fromstring(one.svg).tag.endswith("svg")
    assert "200 test rows" in drawn[0].note


def test_without_test_rows_the_out_of_fold_rows_are_shown() -> None:
    drawn = figures(candidate("binary", oof=outcomes("binary", 50)))
    assert "50 out-of-fold rows" in drawn[0].note


def test_nothing_to_show_shows_nothing() -> None:
    assert figures(candidate("binary")) == []


def test_unknown_truth_is_left_out() -> None:
    some = outcomes("regression", 100)
    assert some.truth is not None
    some.truth[:60] = np.nan
    assert "40 test rows" in figures(candidate("regression", test=some))[0].note
