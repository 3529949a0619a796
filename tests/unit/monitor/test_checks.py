"""Every check finds what it is for, names it, and is quiet otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seaway.core.chance import rng
from seaway.core.settings import MonitorSettings
from seaway.core.verdict import Verdict
from seaway.monitor import checks
from seaway.monitor.checks import m010_performance, m011_sources, m012_joins, m013_log
from seaway.monitor.look import Look, Release
from seaway.monitor.window import Joins, Window
from tests.unit.monitor import world


@pytest.fixture(scope="module")
def released() -> Release:
    return world.release()


def found(look: Look) -> dict[tuple[str, str], Verdict]:
    verdicts = checks.run(look, "window", "open")
    assert all(verdict.fix for verdict in verdicts if verdict.outcome in ("warn", "fail"))
    return {(one.code, one.subject): one for one in verdicts if one.outcome in ("warn", "fail")}


def changed(column: str, to: Any) -> world.Change:
    """Change one column of a row; `to` is a value or a function of the old one."""
    return lambda row: {**row, column: to(row[column]) if callable(to) else to}


def test_codes_are_stable_and_in_order() -> None:
    codes = [check.code for check in checks.CHECKS]
    assert codes == [f"M{number:03d}" for number in range(1, 14)]


def test_an_unchanged_world_is_quiet(released: Release) -> None:
    verdicts = checks.run(world.look(released), "window", "open")
    assert {verdict.outcome for verdict in verdicts} == {"pass"}
    assert {verdict.code for verdict in verdicts} == {f"M00{number}" for number in range(1, 9)}


def test_moved_numbers_are_named(released: Release) -> None:
    alarms = found(world.look(released, change=changed("age", lambda age: age + 12)))
    assert list(alarms) == [("M001", "age")]
    verdict = alarms["M001", "age"]
    assert "age has moved" in verdict.message
    assert sum(verdict.evidence["now"]) == pytest.approx(1.0)
    assert len(verdict.evidence["edges"]) + 1 == len(verdict.evidence["then"])


def test_a_wider_spread_is_found_too(released: Release) -> None:
    stretched = world.look(released, change=changed("amount", lambda v: None if v is None else 50 + 2 * (v - 50)))
    assert ("M001", "amount") in found(stretched)


def test_new_categories_are_named(released: Release) -> None:
    generator = rng("new categories")
    alarms = found(world.look(released, change=changed("purpose", lambda v: "boat" if generator.random() < 0.3 else v)))
    assert list(alarms) == [("M002", "purpose")]
    assert "new are 'boat'" in alarms["M002", "purpose"].message
    assert alarms["M002", "purpose"].evidence["new"]["boat"] > 250


def test_a_boolean_that_flips_is_found(released: Release) -> None:
    assert ("M002", "phone") in found(world.look(released, change=changed("phone", lambda v: not v)))


def test_a_column_that_goes_missing_is_found_within_300_rows(released: Release) -> None:
    generator = rng("missing")
    alarms = found(world.look(released, 300, change=changed("age", lambda v: None if generator.random() < 0.3 else v)))
    assert ("M003", "age") in alarms
    assert "in training it was in 0.0%" in alarms["M003", "age"].message


def test_a_missing_share_known_from_training_is_no_finding(released: Release) -> None:
    generator = rng("missing")
    look = world.look(released, change=changed("amount", lambda v: None if generator.random() < 0.03 else v))
    assert not found(look)


def test_a_changed_unit_is_found_within_100_rows(released: Release) -> None:
    rows, chance, _ = world.draw(100, "unit")
    flags = {i: [{"column": "amount", "rule": "outside"}] for i in range(100)}
    made = world.window([{**row, "amount": 50_000.0} for row in rows], chance, flags=flags)
    alarms = found(Look(release=released, settings=MonitorSettings(), window=made))
    assert {("M001", "amount"), ("M004", "amount")} <= set(alarms)
    assert "out of its range" in alarms["M004", "amount"].message


def test_moved_answers_are_found(released: Release) -> None:
    rows, chance, _ = world.draw(1000, "answers")
    look = Look(release=released, settings=MonitorSettings(), window=world.window(rows, np.sqrt(chance)))
    assert list(found(look)) == [("M005", "probabilities.bad")]


def test_refusals_name_the_column(released: Release) -> None:
    alarms = found(world.look(released, 200, refused=60, column="amount"))
    assert "most for amount" in alarms["M006", "requests"].message
    assert alarms["M006", "requests"].evidence["columns"] == {"amount": 60}
    assert not found(world.look(released, 1000, refused=30))


def test_errors_are_not_refusals(released: Release) -> None:
    alarms = found(world.look(released, 300, refused=30, status=500))
    assert list(alarms) == [("M007", "requests")]


def test_refusals_alone_raise_an_alarm_before_any_answer(released: Release) -> None:
    look = world.look(released, 0, refused=40, column="amount")
    assert ("M006", "requests") in found(look)


def test_slow_answers_are_found(released: Release) -> None:
    rows, chance, _ = world.draw(200, "slow")
    look = Look(release=released, settings=MonitorSettings(), window=world.window(rows, chance, took_us=300_000))
    alarms = found(look)
    assert list(alarms) == [("M008", "requests")]
    assert "99th percentile 300 ms" in alarms["M008", "requests"].message


def test_too_little_says_how_much_is_lacking(released: Release) -> None:
    verdicts = {one.code: one for one in checks.run(world.look(released, 20), "window", "open")}
    assert verdicts["M001"].outcome == verdicts["M006"].outcome == "not-applicable"
    assert "30 more are needed" in verdicts["M001"].message
    assert "10 more are needed" in verdicts["M006"].message


def test_findings_are_left_to_the_column_that_moved_however_many_there_are(released: Release) -> None:
    verdicts = checks.run(world.look(released, change=changed("age", 30)), "window")
    quiet = next(one for one in verdicts if one.code == "M001" and one.outcome == "pass")
    assert set(quiet.evidence["psi"]) == {"amount", "months"}


# ------------------------------------------------------------------------------------------------------- truth


def labelled(
    count: int, *, flip: float = 0.0, blur: float = 0.0, principal: str = "labeler", start: int = 0
) -> list[Any]:
    rows, chance, truth = world.draw(count, "labels", start)
    generator = rng("labels", start)
    truth = np.where(generator.random(count) < flip, 1 - truth, truth)
    chance = np.clip(chance + generator.normal(0, blur, count), 0.001, 0.999) if blur else chance
    return [world.case_of(start + i, rows[i], float(chance[i]), float(truth[i]), principal) for i in range(count)]


def about(released: Release, cases: list[Any]) -> Look:
    return Look(release=released, settings=MonitorSettings(), window=Window(release="r1"), cases=cases)


def test_performance_as_tested_is_no_finding(released: Release) -> None:
    (verdict,) = m010_performance.find(about(released, labelled(600)))
    assert verdict.outcome == "pass"
    assert verdict.evidence["low"] < (verdict.value or 0) < verdict.evidence["high"]


def test_a_fall_is_found_with_its_interval(released: Release) -> None:
    (verdict,) = m010_performance.find(about(released, labelled(600, blur=0.8)))
    assert verdict.outcome == "fail"
    assert "a fall beyond the margin of 0.02" in verdict.message
    assert verdict.evidence["high"] < verdict.evidence["test"]


def test_a_time_that_is_hardly_labelled_gives_an_early_estimate(released: Release) -> None:
    look = replace(about(released, labelled(300)), answered=2000)
    (verdict,) = m010_performance.find(look)
    assert "an early estimate: 15% of the cases of that time are labelled" in verdict.message
    assert verdict.evidence["labelled_share"] == 0.15
    (verdict,) = m010_performance.find(replace(look, answered=320))
    assert "early" not in verdict.message


def test_too_few_labels_say_how_many_are_lacking(released: Release) -> None:
    (verdict,) = m010_performance.find(about(released, labelled(120)))
    assert (verdict.outcome, verdict.evidence["needed"]) == ("not-applicable", 80)


def test_labels_of_one_class_cannot_tell(released: Release) -> None:
    cases = [replace(case, value="good") for case in labelled(250)]
    (verdict,) = m010_performance.find(about(released, cases))
    assert "one class only" in verdict.message


def test_a_moved_prior_is_found(released: Release) -> None:
    cases = [case for case in labelled(900) if case.value == "bad" or case.number % 4 == 0]
    verdict = next(one for one in checks.run(about(released, cases), "labels") if one.code == "M009")
    assert verdict.outcome == "fail"
    assert "'bad'" in verdict.message or "'good'" in verdict.message


def test_one_source_that_flips_its_labels_is_named(released: Release) -> None:
    cases = labelled(450, flip=1.0, principal="broker") + labelled(150, principal="bank", start=450)
    verdicts = m011_sources.find(about(released, cases))
    assert {verdict.outcome for verdict in verdicts} == {"fail"}
    assert any(verdict.subject == "broker" and "75% of all" in verdict.message for verdict in verdicts)


def test_flipped_labels_of_the_only_source_contradict_the_answers(released: Release) -> None:
    (verdict,) = m011_sources.find(about(released, labelled(400, flip=1.0)))
    assert (verdict.outcome, verdict.subject) == ("fail", "labels")
    assert "contradict the answers" in verdict.message


def test_honest_sources_agree(released: Release) -> None:
    cases = labelled(300, principal="broker") + labelled(300, principal="bank", start=300)
    (verdict,) = m011_sources.find(about(released, cases))
    assert verdict.outcome == "pass"


def test_labels_without_a_prediction_are_counted(released: Release) -> None:
    joins = Joins(labels=100, joined=80, unknown=15, early=5, corrected=3, repeats=0)
    look = replace(about(released, []), joins=joins)
    (verdict,) = m012_joins.find(look)
    assert verdict.outcome == "warn"
    assert "15 name none that was made, 5 came before" in verdict.message
    (verdict,) = m012_joins.find(replace(look, joins=replace(joins, unknown=0, early=0, joined=100)))
    assert verdict.outcome == "pass"


def test_damage_is_a_finding(released: Release) -> None:
    look = replace(about(released, []), damage={"00000-0000000001": "A record is damaged"})
    (verdict,) = m013_log.find(look)
    assert (verdict.outcome, verdict.subject) == ("fail", "00000-0000000001")
