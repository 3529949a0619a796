"""The gate: never wrong more often than it says, and it says what it lacks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seaway.core.batch import Array, Outcomes
from seaway.core.chance import rng
from seaway.core.metrics import metric
from seaway.core.settings import UpdateSettings
from seaway.update.compare import Gain, gain, labels_needed, performance, spent

AUC = metric("roc_auc")
SETTINGS = UpdateSettings()
ROUNDS = 200


def table(score: Array, truth: Array) -> Outcomes:
    p = 1 / (1 + np.exp(-score))
    return Outcomes.of_rows({"probabilities": np.stack([1 - p, p], axis=1), "label": (p > 0.5).astype(int)}, truth)


def models(cases: int, noise: float, *seed: int | str) -> tuple[Outcomes, Outcomes]:
    """Return a champion and a challenger that sees the same signal through `noise` more."""
    generator = rng("models", *seed)
    truth = (generator.random(cases) < 0.4).astype(float)
    signal = 1.2 * truth + generator.normal(0, 1, cases)
    return (
        table(signal + generator.normal(0, 0.2, cases), truth),
        table(signal + generator.normal(0, math.hypot(0.2, noise), cases), truth),
    )


WORSE = 0.45
"""Noise that costs two points of AUC in these data, as the first test shows."""


def test_the_worse_model_is_two_points_worse() -> None:
    champion, challenger = models(200_000, WORSE, "large")
    assert AUC(champion) - AUC(challenger) == pytest.approx(0.02, abs=0.002)


def test_two_points_worse_is_never_promoted_in_50_seeds() -> None:
    verdicts = []
    for seed in range(50):
        found = gain(*models(600, WORSE, seed), AUC, spent(SETTINGS.alpha, 1), rounds=ROUNDS)
        verdicts.append(performance(found, AUC, SETTINGS))
    assert [one.outcome for one in verdicts].count("pass") == 0
    assert all(one.evidence["needed"] > 0 for one in verdicts if one.outcome == "warn")


def test_a_model_against_itself_passes_and_its_twin_never_fails() -> None:
    for seed in range(25):
        champion, twin = models(600, 0.0, "twin", seed)
        assert performance(gain(champion, champion, AUC, 0.025, rounds=ROUNDS), AUC, SETTINGS).outcome == "pass"
        assert performance(gain(champion, twin, AUC, 0.025, rounds=ROUNDS), AUC, SETTINGS).outcome != "fail"


def test_a_clearly_better_model_passes_and_says_so() -> None:
    challenger, champion = models(1500, 1.5, "better")
    verdict = performance(gain(champion, challenger, AUC, 0.025), AUC, SETTINGS)
    assert (verdict.outcome, verdict.evidence["better"]) == ("pass", True)
    assert "the challenger is better" in verdict.message


def test_a_clearly_worse_model_fails() -> None:
    verdict = performance(gain(*models(1500, 1.5, "worse"), AUC, 0.025), AUC, SETTINGS)
    assert verdict.outcome == "fail"
    assert verdict.evidence["high"] < -SETTINGS.margin


def test_too_few_labels_hold_and_say_how_many_are_lacking() -> None:
    verdict = performance(gain(*models(120, 0.0, "few"), AUC, 0.025, rounds=ROUNDS), AUC, SETTINGS)
    assert (verdict.outcome, verdict.evidence["needed"]) == ("warn", 180)
    assert "180 more labels" in verdict.message


def test_one_class_or_nothing_cannot_judge() -> None:
    champion, challenger = models(400, 0.0, "one")
    only = np.flatnonzero(champion.truth == 1)
    one_class = performance(gain(champion.take(only), challenger.take(only), AUC, 0.025, rounds=ROUNDS), AUC, SETTINGS)
    assert one_class.outcome == "warn"
    empty = Outcomes.of_rows({}, np.zeros(0))
    nothing = performance(gain(empty, empty, AUC, 0.025, rounds=ROUNDS), AUC, SETTINGS)
    assert (nothing.outcome, nothing.evidence["needed"]) == ("warn", SETTINGS.labels)


def test_the_number_of_labels_still_needed_is_about_right() -> None:
    """With that many labels a model as good as the champion passes about as often as promised."""
    small = gain(*models(600, 0.0, "size"), AUC, 0.025, rounds=ROUNDS)
    level = Gain(**{**{name: getattr(small, name) for name in small.__dataclass_fields__}, "value": 0.0})
    total = 600 + labels_needed(level, 0.01, 0.025)
    passed = [
        performance(gain(*models(total, 0.0, "sized", seed), AUC, 0.025, rounds=200), AUC, SETTINGS).outcome == "pass"
        for seed in range(20)
    ]
    assert sum(passed) >= 11


def test_alpha_is_spent_over_all_looks() -> None:
    assert sum(spent(0.05, look) for look in range(1, 10_000)) < 0.05


def test_errors_are_turned_and_their_margin_is_a_share() -> None:
    generator = rng("rmse")
    truth = generator.normal(100, 20, 2000)
    good = Outcomes.of_rows({"value": truth + generator.normal(0, 5, 2000)}, truth)
    bad = Outcomes.of_rows({"value": truth + generator.normal(0, 6, 2000)}, truth)
    rmse = metric("rmse")
    better = performance(gain(bad, good, rmse, 0.025), rmse, SETTINGS)
    assert (better.outcome, better.limit) == ("pass", pytest.approx(-0.06, rel=0.1))
    assert (better.value or 0) > 0.5
    assert performance(gain(good, bad, rmse, 0.025), rmse, SETTINGS).outcome == "fail"
