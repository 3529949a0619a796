"""The alarm budget: quiet in a clean world over many windows, and not deaf."""

from __future__ import annotations

from seaway.core.settings import MonitorSettings
from seaway.core.verdict import Verdict
from seaway.monitor import budget, checks
from seaway.monitor.look import Look
from seaway.monitor.window import Window
from tests.unit.monitor import world

RELEASES, WINDOWS, ROWS = 20, 50, 200


def alarms(verdicts: list[Verdict]) -> list[str]:
    return [f"{one.code} {one.subject}" for one in verdicts if one.outcome in ("warn", "fail")]


def test_at_most_one_clean_window_in_a_hundred_raises_any_alarm() -> None:
    raised = []
    for number in range(RELEASES):
        release = world.release(1200, number)
        for place in range(WINDOWS):
            raised += alarms(checks.run(world.look(release, ROWS, number, place), "window", "open"))[:1]
    assert len(raised) <= 0.01 * RELEASES * WINDOWS, raised


def test_labels_of_a_model_as_good_as_tested_raise_no_more_than_that() -> None:
    raised = []
    for number in range(10):
        release = world.release(1200, number)
        for place in range(3):
            rows, chance, truth = world.draw(400, "labels", number, place)
            cases = [world.case_of(i, rows[i], float(chance[i]), float(truth[i])) for i in range(len(rows))]
            look = Look(release=release, settings=MonitorSettings(), window=Window(release="r1"), cases=cases)
            raised += alarms(checks.run(look, "labels"))[:1]
    assert len(raised) <= 1, raised


def test_a_shift_of_three_tenths_of_a_standard_deviation_is_mostly_found_in_one_window() -> None:
    found = 0
    for number in range(30):
        release = world.release(1500, number)
        look = world.look(
            release,
            1000,
            number,
            change=lambda row: {**row, "amount": row["amount"] and row["amount"] + 3.0},
        )
        found += "M001 amount" in alarms(checks.run(look, "window"))
    assert found >= 0.6 * 30


def test_the_parts_are_all_there_is() -> None:
    parts = (budget.DRIFT, budget.SHARES, budget.PERFORMANCE, budget.TRUTH, budget.SOURCES)
    assert abs(sum(parts) - 1) < 1e-12
    assert budget.part(0.01, 0.5, 5) == 0.001
    assert budget.part(0.01, 0.5, 0) == 0.005
