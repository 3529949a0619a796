"""When to rebuild, when to hold, and what is lacking."""

from __future__ import annotations

import msgspec
import pytest

from seaway.core.settings import UpdateSettings
from seaway.core.verdict import Outcome, Verdict
from seaway.update.policy import Decision, decide

SETTINGS = UpdateSettings(labels=300)


def told(code: str, outcome: Outcome = "fail", message: str = "it moved") -> Verdict:
    return Verdict(code=code, outcome=outcome, subject="x", message=message)


def decision(
    *verdicts: Verdict,
    labels: int = 1000,
    since_s: float = 0.0,
    asked: bool = False,
    settings: UpdateSettings = SETTINGS,
) -> Decision:
    return decide(verdicts, labels=labels, settings=settings, since_s=since_s, asked=asked)


def test_nothing_found_is_nothing_to_do() -> None:
    assert decision(told("M001", "pass"), told("M001", "warn"), told("M008")).action == "nothing"


@pytest.mark.parametrize(
    ("code", "word"),
    [("M001", "drift"), ("M002", "drift"), ("M005", "drift"), ("M009", "drift"), ("M010", "performance")],
)
def test_drift_and_performance_ask_for_a_rebuild(code: str, word: str) -> None:
    made = decision(told(code))
    assert made.action == "rebuild"
    assert made.reason.startswith(word)
    assert made.reason.endswith(f"(x {code})")
    assert [one.code for one in made.evidence] == [code]


def test_only_what_is_set_triggers() -> None:
    only = UpdateSettings(triggers=("performance",))
    assert decision(told("M001"), settings=only).action == "nothing"
    assert decision(told("M010"), settings=only).action == "rebuild"


def test_the_schedule_comes_due() -> None:
    weekly = UpdateSettings(triggers=("schedule",), every_s=7 * 86400.0)
    assert decision(since_s=6 * 86400, settings=weekly).action == "nothing"
    assert "schedule" in decision(since_s=8 * 86400, settings=weekly).reason
    assert decision(since_s=8 * 86400, settings=UpdateSettings(triggers=("schedule",))).action == "nothing"


def test_too_few_labels_hold_with_the_number_lacking() -> None:
    made = decision(told("M001"), labels=100)
    assert (made.action, made.needed) == ("hold", 250)
    assert "250 more labels are needed: 300 to judge on and 50 to learn from" in made.reason


def test_a_person_is_not_asked_for_labels() -> None:
    assert decision(labels=0, asked=True).action == "rebuild"


def test_labels_that_contradict_one_another_stop_everything_even_for_a_person() -> None:
    flipped = told("M011", message="The labels of mallory contradict the others")
    for asked in (False, True):
        made = decision(told("M010"), flipped, asked=asked)
        assert (made.action, made.reason) == ("hold", flipped.message)


def test_new_categories_are_learnt_and_a_changed_unit_is_not() -> None:
    new = Verdict(code="M004", outcome="fail", subject="x", message="unseen", value=0.9, evidence={"rule": "unseen"})
    unit = Verdict(
        code="M004",
        outcome="fail",
        subject="x",
        message="x is out of its range",
        value=0.9,
        evidence={"rule": "outside"},
    )
    assert decision(new).action == "rebuild"
    assert decision(unit).action == "hold"
    assert decision(msgspec.structs.replace(unit, value=0.1)).action == "rebuild"


def test_an_error_upstream_is_not_learnt() -> None:
    gone = told("M003", message="age is missing in 90% of the rows")
    made = decision(told("M001"), gone)
    assert made.action == "hold"
    assert "correct it where the rows come from" in made.reason
    assert decision(told("M010"), gone).action == "rebuild"
    assert decision(gone).action == "nothing"
    assert decision(told("M001"), gone, asked=True).action == "rebuild"
