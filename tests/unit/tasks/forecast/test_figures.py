"""Figures of a forecast: valid drawings of the lines that judge, and nothing where there is nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from seaway.core.batch import Array, Outcomes
from seaway.tasks.forecast.figures import error_by_step, figures
from seaway.tasks.forecast.finish import fit
from seaway.tasks.forecast.outcomes import Judged, baseline
from tests.unit.tasks.forecast.backtests import HORIZON, answered, backtests, candidate, contract

TITLES = ["Error by step", "Coverage by step", "Residuals"]
FANS = ["Forecast of a usual series", "Forecast of a hard series", "Forecast of an easy series"]
TRIALS = ({"model": "seasonal-naive", "scores": {"mase": 1.25, "wape": 0.5}},)


def outcomes(seed: int, **told: int) -> Outcomes:
    """Draw backtests with answers."""
    found = backtests(seed, **told)  # type: ignore[arg-type]
    return answered(found, fit(found, contract(), calibrate=True))


def test_test_rows_are_drawn_with_what_came_before() -> None:
    made = candidate(oof=outcomes(0), test=outcomes(1, origins=1), trials=TRIALS, design={"lag 1": 0.6, "weekday": 0.4})
    drawn = figures(made)
    assert [one.title for one in drawn] == [*FANS, *TITLES, "Importance"]
    for one in drawn:
        assert ET.fromstring(one.svg).tag.endswith("svg")
    assert "past" in drawn[0].svg, "what the newest backtest saw come true"
    assert f"{40 * HORIZON} test steps" in drawn[0].note
    assert f"{HORIZON} days ahead" in drawn[0].note
    assert "seasonal naive" in drawn[3].svg


def test_without_test_rows_backtests_are_drawn() -> None:
    drawn = figures(candidate(oof=outcomes(0)))
    assert [one.title for one in drawn] == [*FANS, *TITLES]
    assert f"{40 * 5 * HORIZON} steps of backtests" in drawn[0].note


def test_one_series_is_drawn_once() -> None:
    drawn = figures(candidate(oof=outcomes(0, series=1), test=outcomes(1, series=1, origins=1)))
    assert [one.title for one in drawn] == [FANS[0], *TITLES]


def test_nothing_to_show_shows_nothing() -> None:
    assert figures(candidate()) == []
    unknown = outcomes(0)
    assert unknown.truth is not None
    unknown.truth[:] = np.nan
    assert figures(candidate(test=unknown)) == []


def test_series_without_a_scale_are_drawn_by_their_total() -> None:
    drawn = figures(candidate(oof=replace(outcomes(0), scale=None), trials=TRIALS))
    assert "WAPE" in next(one.svg for one in drawn if one.title == "Error by step")


@pytest.mark.parametrize("scaled", [True, False])
def test_error_by_step_is_counted_line_by_line(scaled: bool) -> None:
    found = outcomes(0, series=5)
    assert found.scale is not None
    found.scale[found.case == 2] = np.nan
    lines = Judged(
        outcomes=found if scaled else replace(found, scale=None), quantiles=found.answer["quantiles"], rows=""
    )
    by_step = error_by_step(lines, HORIZON)
    for step in range(1, HORIZON + 1):
        here = found.step == step
        gap, truth, scale = np.abs(lines.truth - lines.mean)[here], np.abs(lines.truth[here]), found.scale[here]
        expected = np.nanmean(gap / scale) if scaled else gap.sum() / truth.sum()
        assert by_step[step - 1] == pytest.approx(expected)


def test_the_drawn_series_are_where_the_notes_say() -> None:
    """Of 40 series in the order of their errors the easy one is number 4 and the hard one number 35, counted from 0."""
    test = outcomes(1, origins=1)
    assert test.scale is not None
    errors: Array = np.bincount(test.case, weights=np.abs(np.asarray(test.truth) - test.answer["mean"]) / test.scale)
    order = np.argsort(errors)
    drawn = {one.title: one.note for one in figures(candidate(test=test)) if one.title in FANS}
    for title, place in (("Forecast of a hard series", 35), ("Forecast of an easy series", 4)):
        assert f"Series {order[place] + 1} of the data" in drawn[title]


def test_the_baseline_is_the_season_before_the_last_value() -> None:
    trials = ({"model": "naive", "scores": {"mase": 2.0}}, {"model": "seasonal-naive", "scores": {"mase": 1.0}})
    assert baseline(trials, "mase") == 1.0
    assert baseline(trials[:1], "mase") == 2.0
    assert baseline(trials, "wape") is None
