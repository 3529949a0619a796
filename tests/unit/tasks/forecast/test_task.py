"""The task as rooms see it, and the figures it reaches on real series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.forecast import SETS, Panel, cut
from seaway.core import chance
from seaway.core.candidate import Candidate
from seaway.core.contract import Column
from seaway.core.dataset import Dataset
from seaway.core.settings import Settings, SplitSettings, TrainSettings
from seaway.data import build, infer
from seaway.data.rows import Table
from seaway.lab.progress import Silent
from seaway.lab.train import train
from seaway.tasks.forecast.outcomes import baseline
from seaway.tasks.forecast.task import Forecast
from tests.unit.tasks.forecast.backtests import backtests, contract

TASK = Forecast()


def test_metrics_are_those_that_mean_something() -> None:
    def named(limits: tuple[float, float] | None) -> list[str]:
        return list(TASK.metrics(contract(target=Column(name="y", kind="number", range=limits))))

    assert named((0.0, 9.0)) == ["mase", "smape", "wape", "pinball", "coverage"]
    assert named((-1.0, 9.0)) == ["mase", "wape", "pinball", "coverage"], "a percentage of what may be negative is none"
    assert named((0.0, 0.0)) == ["mase", "smape", "pinball", "coverage"], "no share of nothing"
    assert named(None) == ["mase", "wape", "pinball", "coverage"]


def test_models_start_with_those_to_beat() -> None:
    names = [model.name for model in TASK.models(contract(), "fast")]
    assert names[:3] == ["naive", "seasonal-naive", "drift"]
    assert len(names) > 3
    told = contract()
    assert told.series is not None
    flat = msgspec.structs.replace(told, series=msgspec.structs.replace(told.series, season=1))
    assert "seasonal-naive" not in [model.name for model in TASK.models(flat, "fast")]


def test_training_settles_nothing_of_the_contract() -> None:
    assert TASK.blends
    assert TASK.settle(contract(), []) is not None
    assert TASK.settle(contract(), []).digest == contract().digest


def test_calibration_can_be_left_out() -> None:
    assert TASK.finish(backtests(), contract(), {}).name == "conformal"
    assert TASK.finish(backtests(), contract(), {"calibrate": False}).name == "normal"


def test_stages_without_checks_have_none() -> None:
    assert [check.code for check in TASK.checks("lab")] == ["T201", "T202", "T203", "T204"]
    assert TASK.checks("monitor") == ()


# ---------------------------------------------------------------------------------------------------- real series


def trained(panel: Panel, source: Path, folder: Path, *, trials: int, folds: int) -> Candidate:
    """Train one candidate on everything but the last steps of each series, and judge it on those."""
    known, judging = (Table(frame) for frame in cut(panel, source))
    draft, _ = infer.draft(known, target=panel.target, time=panel.time, ids=panel.ids, task="forecast")
    shape = {"horizon": panel.horizon, "ahead": list(panel.ahead)}
    settings = Settings(
        split=SplitSettings(folds=folds), train=TrainSettings(trials=trials, preset="fast", threads=1, budget_s=0)
    )
    data: Dataset = build.dataset(known, TASK.shape(draft, known, shape), settings, test=judging)
    return train(data, TASK, settings, folder, progress=Silent(), started=chance.monotonic())


def test_air_passengers_are_forecast_better_than_by_the_last_year(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    panel = SETS["air_passengers"]
    made = trained(panel, shared_data(panel.file), tmp_path, trials=2, folds=4)
    scores = made.scores
    naive = baseline(made.trials, "mase")
    assert naive is not None
    assert scores["oof.mase"].value < naive
    assert scores["test.mase"].value < 1.0 < 1.57, "1.57 is what the last year repeated errs in 1960"
    assert scores["test.coverage"].value >= 0.75
    assert {one.title for one in TASK.figures(made)} >= {"Forecast of a usual series", "Coverage by step"}
    told = {verdict.code: verdict.outcome for check in TASK.checks("lab") for verdict in check(made)}
    assert told["T202"] == told["T203"] == told["T204"] == "pass"


@pytest.mark.slow
def test_walmart_stores_are_forecast_better_than_by_the_last_year(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    panel = SETS["walmart_weekly"]
    made = trained(panel, shared_data(panel.file), tmp_path, trials=1, folds=5)
    assert made.scores["test.wape"].value < 0.0513, "what the last year repeated errs"
    assert made.scores["test.mase"].value < 0.824
    assert 0.8 <= made.scores["test.coverage"].value <= 0.98


@pytest.mark.soak
def test_m4_hourly_beats_the_last_day_and_its_intervals_hold(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """The official split: 48 hours of 414 series. The last day repeated has sMAPE 13.912 and MASE 1.193."""
    panel = SETS["m4_hourly"]
    made = trained(panel, shared_data(panel.file), tmp_path, trials=1, folds=3)
    assert made.scores["test.smape"].value < 11.0
    assert made.scores["test.mase"].value < 0.893, "the winner's"
    assert 0.85 <= made.scores["test.coverage"].value <= 0.95
    assert np.isfinite([score.value for score in made.scores.values()]).all()
    told = {verdict.code: verdict.outcome for check in TASK.checks("lab") for verdict in check(made)}
    assert told == {"T201": "pass", "T202": "pass", "T203": "pass", "T204": "not-applicable"}
