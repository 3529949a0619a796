"""Checks of a forecast warn of what matters, and neither of noise nor of what nobody can know."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.core.candidate import Score
from seaway.core.contract import LEVELS
from seaway.core.verdict import Verdict
from seaway.engines.series.finish import Finish
from seaway.tasks.forecast.checks import CHECKS
from seaway.tasks.forecast.checks.t201_coverage import Coverage
from seaway.tasks.forecast.checks.t202_seasonal import Seasonal
from seaway.tasks.forecast.checks.t203_origins import Origins
from seaway.tasks.forecast.checks.t204_short import Short
from seaway.tasks.forecast.finish import NORMAL
from tests.unit.tasks.forecast.backtests import HORIZON, answered, backtests, candidate, contract

TRUE = np.sqrt(np.arange(1, HORIZON + 1))[:, None] * NORMAL
"""The offsets that the law of the backtests asks for."""


def judged(factor: float, *, series: int = 200, seed: int = 0) -> Outcomes:
    """Draw one origin of outcomes whose intervals are `factor` times as wide as they should be."""
    offsets = tuple(tuple(step) for step in (TRUE * factor).tolist())
    return answered(backtests(seed, series=series, origins=1), Finish(format=1, offsets=offsets))


def coverage(**told: Any) -> Verdict:
    """Return what T201 says."""
    (verdict,) = Coverage()(candidate(**told))
    return verdict


def test_right_intervals_pass_nearly_always() -> None:
    assert [coverage(test=judged(1.0, series=60, seed=seed)).outcome for seed in range(40)].count("pass") >= 38


@pytest.mark.parametrize(("factor", "outcome"), [(0.4, "fail"), (0.7, "warn"), (1.0, "pass"), (2.0, "warn")])
def test_coverage_that_is_off_is_said_with_its_figure(factor: float, outcome: str) -> None:
    verdict = coverage(test=judged(factor))
    assert verdict.outcome == outcome
    assert verdict.value is not None
    inside = 2 * NormalDist().cdf(NORMAL[-1] * factor) - 1
    assert verdict.value == pytest.approx(inside, abs=0.03)
    assert len(verdict.evidence["by_step"]) == HORIZON
    assert verdict.evidence["low"] <= verdict.value <= verdict.evidence["high"]
    assert bool(verdict.fix) is (outcome != "pass")


def test_without_test_rows_backtests_are_judged_by_quantiles_of_other_origins() -> None:
    oof = answered(backtests(3, series=100), Finish(format=1, offsets=((0.0,) * len(LEVELS),) * HORIZON))
    verdict = coverage(oof=oof)
    assert verdict.outcome == "pass", "the answers' own quantiles were never looked at"
    assert "steps of backtests" in verdict.message
    assert coverage(oof=oof, test=judged(0.4)).outcome == "fail"


def test_few_steps_tell_nothing_about_coverage() -> None:
    assert coverage(test=judged(0.1, series=3)).outcome == "not-applicable"
    assert coverage().outcome == "not-applicable"
    assert coverage(oof=answered(backtests(0, origins=1), _flat())).outcome == "not-applicable"


def test_unknown_truth_is_not_outside() -> None:
    test = judged(1.0)
    assert test.truth is not None
    test.truth[::2] = np.nan
    verdict = coverage(test=test)
    assert verdict.outcome == "pass"
    assert f"of {len(test) // 2} test steps" in verdict.message


def _flat() -> Finish:
    return Finish(format=1, offsets=((-1.0, -0.5, 0.0, 0.5, 1.0),) * HORIZON)


@pytest.mark.parametrize(
    ("value", "trials", "outcome"),
    [
        (0.8, (("seasonal-naive", 1.0), ("naive", 0.7)), "pass"),
        (1.0, (("seasonal-naive", 1.0), ("naive", 2.0)), "warn"),
        (1.2, (("naive", 1.0),), "warn"),
        (0.9, (("boosting", 0.8),), "not-applicable"),
        (None, (("seasonal-naive", 1.0),), "not-applicable"),
    ],
)
def test_a_forecast_must_beat_the_last_season(
    value: float | None, trials: tuple[tuple[str, float], ...], outcome: str
) -> None:
    scores = {} if value is None else {"oof.mase": Score(value=value, low=value - 0.1, high=value + 0.1, n=40)}
    made = tuple({"model": name, "scores": {"mase": score}} for name, score in trials)
    (verdict,) = Seasonal()(candidate(scores=scores, trials=made))
    assert verdict.outcome == outcome
    if outcome != "not-applicable":
        assert (verdict.value, verdict.limit) == (value, 1.0)


@pytest.mark.parametrize(("count", "outcome"), [(1, "warn"), (2, "warn"), (3, "pass"), (5, "pass")])
def test_a_horizon_needs_backtests_that_reach_it(count: int, outcome: str) -> None:
    (verdict,) = Origins()(candidate(oof=backtests(0, origins=count)))
    assert verdict.outcome == outcome
    assert verdict.value == count
    assert f"{HORIZON} steps ({HORIZON} days)" in verdict.message


def test_backtests_that_stop_short_of_the_horizon_do_not_count() -> None:
    oof = backtests(0, origins=5)
    short = oof.take(np.flatnonzero(oof.step < HORIZON))
    assert Origins()(candidate(oof=short))[0].value == 0.0
    assert Origins()(candidate(oof=replace(oof, truth=None)))[0].outcome == "not-applicable"
    (verdict,) = Origins()(candidate(oof=oof, told=contract(HORIZON + 1)))
    assert verdict.outcome == "warn"


@pytest.mark.parametrize(("young", "outcome"), [(0, "pass"), (1, "pass"), (5, "warn")])
def test_series_too_young_for_any_backtest_are_counted(young: int, outcome: str) -> None:
    oof = backtests(0, series=40)
    tried = oof.take(np.flatnonzero(oof.case >= young))
    (verdict,) = Short()(candidate(oof=tried, test=backtests(1, series=40, origins=1)))
    assert verdict.outcome == outcome
    assert f"{young} of 40 series" in verdict.message
    assert Short()(candidate(oof=tried))[0].outcome == "not-applicable"


def test_series_that_the_search_left_out_are_not_called_short() -> None:
    """On many rows the search asks about some of the series: that says nothing of how long the others are."""
    tried = backtests(0, series=5)
    (verdict,) = Short()(candidate(oof=tried, test=backtests(1, series=40, origins=1), limited=True))
    assert verdict.outcome == "not-applicable"
    assert "a sample of 5 series" in verdict.message


def test_every_check_has_its_code_and_copes_with_nothing() -> None:
    assert [check.code for check in CHECKS["lab"]] == ["T201", "T202", "T203", "T204"]
    for check in CHECKS["lab"]:
        (verdict,) = check(candidate())
        assert verdict.code == check.code
        assert verdict.outcome in ("not-applicable", "warn")
