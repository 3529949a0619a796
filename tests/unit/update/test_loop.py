"""The whole loop on real releases, a real registry and a real log, while requests and labels keep coming."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance
from seaway.core.errors import Conflict, NotFound
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.registry import promote
from seaway.registry.store import Registry
from seaway.update import journal, loop
from seaway.update.loop import Outcome
from tests.unit.monitor import world
from tests.unit.update import loans
from tests.unit.update.traffic import Prediction, Traffic, released

SETTINGS = loans.with_update(
    loans.SETTINGS, labels=150, margin=0.04, shadow=60, canary=(0.3, 0.6), canary_cases=40, latency=50.0, wait_s=30.0
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a first release and 320 labelled requests behind it."""
    folder = tmp_path_factory.mktemp("served") / "project"
    project = released(folder, lambda place: loans.project(place, 600), SETTINGS)
    Traffic(project, SETTINGS).ask(320)
    return folder


@pytest.fixture
def project(served: Path, tmp_path: Path) -> Project:
    """Return a copy of it for one test."""
    shutil.copytree(served, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def gated(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose challenger has passed the gate and waits for a server to shadow on."""
    folder = tmp_path_factory.mktemp("gated") / "project"
    shutil.copytree(served, folder)
    assert "no server" in turn(Project(folder), None, wait_s=0.0).reason
    return folder


@pytest.fixture
def waiting(gated: Path, tmp_path: Path) -> Project:
    """Return a copy of it for one test."""
    shutil.copytree(gated, tmp_path / "waiting")
    return Project(tmp_path / "waiting")


def turn(project: Project, traffic: Traffic | None, settings: Settings = SETTINGS, **more: Any) -> Outcome:
    more = {"asked": True, **more}
    return loop.run(project, settings, progress=traffic, **more)


def kinds(project: Project) -> list[str]:
    return [entry.kind for entry in Registry(project.state).history("credit")]


def unlike(
    arm: str, how: Callable[[Prediction], Prediction | None], every: int = 1
) -> Callable[[str, Prediction], Prediction | None]:
    """Spoil every so-many-th answer of an arm."""
    count = 0

    def spoil(of: str, prediction: Prediction) -> Prediction | None:
        nonlocal count
        count += of == arm
        return how(prediction) if of == arm and count % every == 0 else prediction

    return spoil


def flipped(prediction: Prediction) -> Prediction:
    good, bad = prediction["probabilities"]["good"], prediction["probabilities"]["bad"]
    return {**prediction, "probabilities": {"good": bad, "bad": good}}


def test_from_a_decision_to_a_promotion_with_evidence_for_every_step(project: Project) -> None:
    traffic = Traffic(project, SETTINGS)
    first = Registry(project.state).assignment("credit")
    done = turn(project, traffic)
    assert done.state == "promoted"
    assert first is not None
    assert done.assignment.champion != first.champion
    assert (done.assignment.canary, done.assignment.shadows) == (None, ())
    steps = [
        f"update 0001 {name}"
        for name in ("decide", "rebuild", "gate", "shadow", "canary 1", "canary 2", "probation", "promoted")
    ]
    assert [kind for kind in kinds(project) if kind.startswith("update")] == steps
    entries = {entry.kind: entry for entry in Registry(project.state).history("credit")}
    assert {one.code for one in entries["update 0001 gate"].evidence} == {"U001", "U002", "R010"}
    assert {one.code for one in entries["update 0001 shadow"].evidence} == {"U003", "U004", "U005"}
    assert {one.code for one in entries["update 0001 canary 1"].evidence} >= {"U003", "U004", "U006", "U007"}
    moves = Registry(project.state).assignments("credit")
    assert [(one.canary is not None, len(one.shadows)) for one in moves] == [
        (False, 0),
        (False, 1),
        (True, 0),
        (True, 0),
        (False, 0),
    ]
    assert len({one.salt for one in moves[2:]}) == 1
    assert turn(project, traffic, asked=False).state == "nothing"


def test_an_update_begins_by_itself_when_performance_falls(project: Project) -> None:
    traffic = Traffic(project, SETTINGS, spoil=unlike("champion", flipped))
    generator = iter(range(10**6))
    traffic.spoil = lambda arm, p: {**p, "probabilities": {"good": 1 - (x := next(generator) % 97 / 97), "bad": x}}
    traffic.ask(1000)
    settled = turn(project, None, asked=False, wait_s=0.0)
    assert settled.state == "hold"  # no server follows, but the gate has decided by then
    assert "performance has fallen (roc_auc M010)" in next(
        entry.reason for entry in Registry(project.state).history("credit") if entry.kind.endswith("decide")
    )


HELD = loans.with_update(SETTINGS, labels=240)


@pytest.fixture(scope="module")
def short(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose gate lacks labels, and says how many."""
    folder = tmp_path_factory.mktemp("short") / "project"
    shutil.copytree(served, folder)
    held = turn(Project(folder), None, HELD, wait_s=0.0)
    assert (held.state, held.needed) == ("hold", 80)
    assert "80 more are needed" in held.reason
    return folder


def test_a_person_may_promote_what_lacks_labels(short: Path, tmp_path: Path) -> None:
    shutil.copytree(short, tmp_path / "short")
    project = Project(tmp_path / "short")
    registry = Registry(project.state)
    challenger = registry.releases("credit")[-1]
    promote.promote(registry, "credit", challenger.version, "summer", "person:ann")
    after = turn(project, None, HELD, wait_s=0.0)
    assert after.state == "promoted"
    assert "summer" in after.reason
    assert after.assignment.champion == challenger.digest


def test_a_hold_goes_on_when_labels_have_come(short: Path, tmp_path: Path) -> None:
    shutil.copytree(short, tmp_path / "short")
    project = Project(tmp_path / "short")
    traffic = Traffic(project, HELD, seed="more")
    traffic.ask(120)
    assert turn(project, traffic, HELD, asked=False).state == "promoted"
    assert [one.name for one in journal.every(project.updates / "credit")] == ["0001"]


def test_without_a_server_the_shadow_waits(waiting: Project) -> None:
    assert turn(waiting, Traffic(waiting, SETTINGS), asked=False).state == "promoted"


def test_without_traffic_the_step_waits_and_says_how_many_requests_are_lacking(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS, rows=0)
    held = turn(waiting, traffic, wait_s=1.0)
    assert (held.state, held.assignment.shadows != ()) == ("hold", True)
    assert "0 of 60 requests have come for the shadow" in held.reason


def test_one_answer_that_is_no_number_rolls_the_canary_back(waiting: Project) -> None:
    before = Registry(waiting.state).assignment("credit")
    traffic = Traffic(waiting, SETTINGS, spoil=unlike("canary", lambda _: None, every=20))
    done = turn(waiting, traffic)
    assert done.state == "rolled back"
    assert before is not None
    assert (done.assignment.champion, done.assignment.canary, done.assignment.shadows) == (before.champion, None, ())
    entry = next(one for one in Registry(waiting.state).history("credit") if one.kind == "rolled back")
    assert "broken-answer" in entry.reason
    assert entry.evidence[0].code == "U003"
    assert not any(prediction is None for prediction in traffic.seen)


def test_a_canary_that_fails_too_often_is_rolled_back(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS, spoil=unlike("canary", lambda _: None, every=3), code="engine-failed")
    done = turn(waiting, traffic)
    assert done.state == "rolled back"
    assert "requests failed" in done.reason


def test_a_shadow_that_answers_otherwise_than_tested_never_reaches_a_caller(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS, spoil=unlike("shadow", flipped, every=4))
    done = turn(waiting, traffic)
    assert done.state == "rolled back"
    assert "live answers differ" in done.reason
    assert not any(one.canary for one in Registry(waiting.state).assignments("credit"))
    assert done.assignment.shadows == ()


def test_a_new_champion_that_fails_is_rolled_back_in_its_probation(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS)
    first = Registry(waiting.state).assignment("credit")

    def broken(arm: str, prediction: Prediction) -> Prediction | None:
        now = traffic.registry.assignment("credit")
        return flipped(prediction) if now and first and now.champion != first.champion else prediction

    traffic.spoil = broken
    done = turn(waiting, traffic)
    assert done.state == "rolled back"
    assert first is not None
    assert done.assignment.champion == first.champion


def test_a_person_who_moves_meanwhile_is_left_alone(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS)
    registry = Registry(waiting.state)
    first = registry.assignment("credit")
    assert first is not None

    class Meddler(Traffic):
        def step(self, done: float, total: float, message: str, left_s: float) -> None:
            super().step(done, total, message, left_s)
            now = registry.assignment("credit")
            if now is not None and now.canary is not None:
                promote.rollback(registry, "credit", "I do not like it", "person:ann")

    done = turn(waiting, Meddler(waiting, SETTINGS))
    assert done.state == "overtaken"
    assert "I do not like it" in done.reason
    assert (done.assignment.champion, done.assignment.canary) == (first.champion, None)
    assert [entry.kind for entry in registry.history("credit")].count("rolled back") == 1
    assert traffic.asked == 0


def test_a_source_that_was_changed_by_hand_stops_the_loop(project: Project) -> None:
    with (project.folder / "loans.csv").open("a") as file:
        file.write("50.0,30,12,car,True,good\n")
    held = turn(project, None, wait_s=0.0)
    assert held.state == "hold"
    assert "source rows have changed" in held.reason
    assert journal.newest(project.updates / "credit") is None


def test_labels_that_contradict_the_answers_stop_everything(project: Project) -> None:
    traffic = Traffic(project, SETTINGS, labelled=0.0)
    for _ in range(4):
        _, _, truth = world.draw(300, "attack")
        for request_id, true in zip(traffic.ask(300, "attack"), truth, strict=True):
            traffic.server.label(
                world.CLASSES[1 - int(true)], request_id=request_id, principal="mallory", sequence=traffic._tick()
            )
    held = turn(project, None, asked=True, wait_s=0.0)
    assert held.state == "hold"
    assert "labels" in held.reason.lower()
    assert "contradict" in held.reason


def test_nothing_new_is_nothing(project: Project) -> None:
    assert turn(project, None, asked=False).state == "nothing"
    assert not list((project.updates / "credit").glob("0*"))


def test_two_updates_at_once_are_refused(project: Project) -> None:
    with (
        journal.locked(project.updates / "credit"),
        pytest.raises(Conflict, match="Another update of this model is running"),
    ):
        turn(project, None)


def test_a_model_without_a_release_cannot_be_updated(tmp_path: Path) -> None:
    empty = loans.project(tmp_path, 50)
    with pytest.raises(NotFound, match="no release yet"):
        turn(empty, None)


def test_a_rollback_restores_the_whole_former_assignment_in_two_seconds(waiting: Project) -> None:
    traffic = Traffic(waiting, SETTINGS)
    assert turn(waiting, traffic).state == "promoted"
    registry = Registry(waiting.state)
    first = registry.assignments("credit")[0]
    began = chance.monotonic()
    back = promote.rollback(registry, "credit", "test", "person:ann")
    assert chance.monotonic() - began < 2.0
    assert (back.champion, back.canary, back.shadows, back.salt) == (first.champion, None, (), first.salt)
