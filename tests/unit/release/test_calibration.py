"""Reliability of stated probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.core.contract import Column, Contract
from seaway.release.calibration import reliability


def contract(*classes: str) -> Contract:
    truth = Column(name="y", kind="category", categories=classes) if classes else Column(name="y", kind="number")
    return Contract(task="tabular", per="row", columns=(), truth=truth)


def binary(p: list[float], truth: list[float]) -> Outcomes:
    ones = np.array(p)
    return Outcomes.of_rows({"probabilities": np.column_stack([1 - ones, ones])}, np.array(truth))


def test_probabilities_that_come_true_have_no_gap() -> None:
    p = [0.25] * 100 + [0.75] * 100
    truth = ([1.0] * 25 + [0.0] * 75) + ([1.0] * 75 + [0.0] * 25)
    found = reliability(binary(p, truth), contract("no", "yes"), bins=2)
    assert found is not None
    assert found["about"] == "yes"
    assert found["error"] == pytest.approx(0.0, abs=1e-12)
    assert found["bins"] == [
        {"stated": pytest.approx(0.25), "came_true": pytest.approx(0.25), "cases": 100},
        {"stated": pytest.approx(0.75), "came_true": pytest.approx(0.75), "cases": 100},
    ]


def test_the_error_is_the_mean_gap() -> None:
    found = reliability(binary([0.9] * 50, [1.0] * 30 + [0.0] * 20), contract("no", "yes"), bins=1)
    assert found is not None
    assert found["error"] == pytest.approx(0.3)


def test_more_classes_are_judged_by_the_answered_one() -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    found = reliability(
        Outcomes.of_rows({"probabilities": p}, np.array([0.0, 2.0, 1.0])), contract("a", "b", "c"), bins=1
    )
    assert found is not None
    assert found["about"] == "the answered class"
    assert found["bins"][0]["stated"] == pytest.approx(0.6)
    assert found["bins"][0]["came_true"] == pytest.approx(2 / 3)


def test_unknown_truth_is_left_out() -> None:
    found = reliability(binary([0.5, 0.9, 0.2], [1.0, float("nan"), 0.0]), contract("no", "yes"))
    assert found is not None
    assert sum(part["cases"] for part in found["bins"]) == 2


def test_numbers_have_no_calibration() -> None:
    outcomes = Outcomes.of_rows({"value": np.ones(3)}, np.ones(3))
    assert reliability(outcomes, contract()) is None
    assert reliability(binary([0.5], [float("nan")]), contract("no", "yes")) is None
    assert reliability(Outcomes.of_rows({"probabilities": np.ones((2, 2)) / 2}, None), contract("no", "yes")) is None
