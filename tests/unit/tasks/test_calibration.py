"""T101 warns of probabilities that are wrong, and neither of noise nor of what does not matter."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import chi2

from seaway.core.batch import Outcomes
from seaway.engines.finish import sigmoid
from seaway.tasks.tabular.checks.t101_calibration import Calibration, calibration_error
from tests.unit.tasks.candidates import candidate


def drawn(rows: int, slope: float, seed: int = 0) -> Outcomes:
    """Draw probabilities whose true log-odds are `slope` times what they say."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, rows)
    p = sigmoid(z)
    truth = (rng.random(rows) < sigmoid(slope * z)).astype(float)
    return Outcomes.of_rows({"probabilities": np.column_stack([1 - p, p]), "label": (p > 0.5).astype(int)}, truth)


def outcome(test: Outcomes) -> str:
    """Return the outcome for these test rows."""
    (verdict,) = Calibration()(candidate("binary", test=test))
    return verdict.outcome


def test_right_probabilities_pass_nearly_always() -> None:
    assert [outcome(drawn(500, 1.0, seed)) for seed in range(60)].count("warn") <= 1


def test_overconfidence_is_seen() -> None:
    assert outcome(drawn(3000, 0.3)) == "warn"


def test_a_certain_but_tiny_error_is_no_warning() -> None:
    assert outcome(drawn(200_000, 0.95)) == "pass"


def test_few_rows_tell_nothing() -> None:
    assert outcome(drawn(60, 0.2)) == "not-applicable"
    regression = candidate("regression", test=Outcomes.of_rows({"value": np.zeros(300)}, np.zeros(300)))
    assert Calibration()(regression)[0].outcome == "not-applicable"


def test_the_statistic_is_chi_squared_under_calibration() -> None:
    chances = []
    for seed in range(200):
        outcomes = drawn(2000, 1.0, seed)
        assert outcomes.truth is not None
        chances.append(calibration_error(outcomes.answer["probabilities"][:, 1], outcomes.truth)[1])
    assert 0.4 < np.mean(chances) < 0.6
    assert np.mean(np.array(chances) < 0.05) < 0.11


def test_the_tail_is_that_of_scipy() -> None:
    p, hit = np.full(100, 0.3), np.repeat([1.0, 0.0], 50)
    error, chance = calibration_error(p, hit)
    groups = [hit[part].mean() for part in np.array_split(np.arange(100), 10)]
    statistic = sum(10 * (observed - 0.3) ** 2 / 0.21 for observed in groups)
    assert math.isclose(chance, chi2.sf(statistic, 10), rel_tol=1e-9)
    assert math.isclose(error, np.mean([abs(observed - 0.3) for observed in groups]))


def test_of_several_classes_the_chosen_one_is_judged() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 3000)
    truth = (rng.random((3000, 1)) > np.cumsum(p, axis=1)).sum(axis=1).astype(float)
    fair = Outcomes.of_rows({"probabilities": p, "label": p.argmax(axis=1)}, truth)
    assert Calibration()(candidate("multiclass", test=fair))[0].outcome == "pass"
    sharp = p**3 / (p**3).sum(axis=1, keepdims=True)
    boasting = Outcomes.of_rows({"probabilities": sharp, "label": p.argmax(axis=1)}, truth)
    assert Calibration()(candidate("multiclass", test=boasting))[0].outcome == "warn"
