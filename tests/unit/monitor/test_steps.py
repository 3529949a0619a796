"""Performance of forecasts: over all steps and over parts of the horizon, within one budget of false alarms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seaway.core.candidate import Score
from seaway.core.metrics import metric, score
from seaway.core.settings import MonitorSettings
from seaway.monitor import checks, judged, performance
from seaway.monitor.look import Look, Release
from seaway.monitor.window import Case, Window, Windows
from tests.unit.monitor import panel
from tests.unit.monitor.panel import Shops
from tests.unit.monitor.simulator import MODEL, Server

SETTINGS = MonitorSettings(labels=100)
PARTS = ((1, 2), (3, 4), (5, 7))


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    with Windows(tmp_path / "log", MODEL, state=tmp_path / "windows") as opened:
        yield opened


def live(windows: Windows, log: Path, shops: int = 30, **bias: object) -> list[Case]:
    made = Shops(Server(log), shops, 80, str(bias))
    for origin in range(40, 50):
        made.ask(origin, **bias)  # type: ignore[arg-type]
    for at in range(41, 55):
        made.tell(at)
    windows.refresh()
    return windows.labelled("r1")


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a release whose test scores are what such forecasts score."""
    folder = tmp_path_factory.mktemp("promised")
    with Windows(folder / "log", MODEL, state=folder / "windows") as windows:
        found = judged.outcomes(live(windows, folder / "log", shops=60), panel.CONTRACT)
    mase = metric("mase")
    parts = {part: score(mase, found.take((found.step >= part[0]) & (found.step <= part[1]))) for part in PARTS}
    return panel.release(score(mase, found), parts)


def look(release: Release, cases: list[Case], settings: MonitorSettings = SETTINGS) -> Look:
    return Look(release=release, settings=settings, window=Window(release="r1"), cases=cases, answered=300)


def test_quiet_forecasts_raise_nothing_and_show_every_part(windows: Windows, tmp_path: Path, promised: Release) -> None:
    found = look(promised, live(windows, tmp_path / "log"))
    (verdict,) = checks.m010_performance.CHECK(found)
    assert verdict.outcome == "pass", verdict.message
    assert list(verdict.evidence["steps"]) == ["1-2", "3-4", "5-7"]
    assert not any(part["fell"] for part in verdict.evidence["steps"].values())
    assert verdict.evidence["labels"] == 14 * 30  # a label that settles seven predictions is one label
    told = {one.code: one.outcome for one in checks.run(found, "labels")}
    assert told["M011"] == "pass"


def test_a_fall_at_certain_steps_names_them(windows: Windows, tmp_path: Path, promised: Release) -> None:
    cases = live(windows, tmp_path / "log", bias={5: 0.5, 6: 0.5, 7: 0.5})
    (verdict,) = checks.m010_performance.CHECK(look(promised, cases))
    assert verdict.outcome == "fail"
    assert "it has fallen at the steps 5-7" in verdict.message
    assert [name for name, part in verdict.evidence["steps"].items() if part["fell"]] == ["5-7"]


def test_a_fall_in_one_part_is_found_where_the_whole_has_not_fallen(
    windows: Windows, tmp_path: Path, promised: Release
) -> None:
    cases = live(windows, tmp_path / "log", bias={1: 0.3, 2: 0.3})
    generous = MonitorSettings(labels=100, margin=0.5)
    (verdict,) = checks.m010_performance.CHECK(look(promised, cases, generous))
    assert verdict.outcome == "fail"
    assert "no certain fall beyond" in verdict.message
    assert "fallen at the steps 1-2" in verdict.message


def test_labels_are_counted_and_not_what_they_settle(windows: Windows, tmp_path: Path, promised: Release) -> None:
    cases = live(windows, tmp_path / "log", shops=7)  # 98 labels, 490 predictions
    (verdict,) = checks.m010_performance.CHECK(look(promised, cases))
    assert (verdict.outcome, verdict.evidence["needed"]) == ("not-applicable", 2)


def test_the_spread_of_a_test_over_few_cases_is_taken_from_the_live_ones(windows: Windows, tmp_path: Path) -> None:
    found = judged.outcomes(live(windows, tmp_path / "log"), panel.CONTRACT)
    lucky = Score(value=0.8 * score(metric("mase"), found).value, low=0.5, high=0.5, n=1)
    fall = performance.fall(metric("mase"), found, lucky, 0.02)
    assert not fall.is_certain(0.002)
    assert fall.error > 5 * (fall.live.high - fall.live.low) / 4
    sure = performance.fall(metric("mase"), found, panel.score(lucky.value), 0.02)
    assert sure.is_certain(0.002)


@pytest.mark.parametrize(("name", "share"), [("mase", True), ("smape", True), ("pinball", True), ("coverage", False)])
def test_the_margin_of_errors_without_a_bound_is_a_share(name: str, share: bool) -> None:
    assert performance.in_units(metric(name), 4.0, 0.02) == pytest.approx(0.08 if share else 0.02)


def test_a_source_that_contradicts_the_others_is_named(windows: Windows, tmp_path: Path, promised: Release) -> None:
    made = Shops(Server(tmp_path / "log"), 30, 80)
    for origin in range(40, 46):
        made.ask(origin)
    for at in range(41, 48):
        for shop, values in made.values.items():
            wrong = shop % 2 == 0
            made.server.label(
                float(values[at]) * (3 if wrong else 1),
                id=f"s{shop}",
                at=panel.day(at),
                principal="mallory" if wrong else "till",
            )
    windows.refresh()
    told = [one for one in checks.run(look(promised, windows.labelled("r1")), "labels") if one.code == "M011"]
    assert {one.subject for one in told if one.outcome == "fail"} >= {"mallory"}
    assert np.isclose(told[0].evidence["share"], 0.5, atol=0.05)
