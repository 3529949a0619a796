"""Back to what answered before, by itself, and once."""

from __future__ import annotations

import pytest

from seaway.core import chance
from seaway.registry.store import Registry
from seaway.update import journal, loop
from tests.unit.monitor import world
from tests.unit.update import loans
from tests.unit.update.traffic import Traffic, released

SETTINGS = loans.with_update(
    loans.SETTINGS, labels=150, margin=0.04, shadow=30, canary=(0.5,), canary_cases=30, latency=50.0, wait_s=30.0
)
STRICT = loans.with_update(SETTINGS, margin=0.0)


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """Return the traffic of a project whose second release has been promoted."""
    project = released(
        tmp_path_factory.mktemp("promoted") / "project", lambda place: loans.project(place, 600), SETTINGS
    )
    made = Traffic(project, SETTINGS)
    made.ask(320)
    assert loop.run(project, SETTINGS, asked=True, progress=made).state == "promoted"
    return made


def truths_of(traffic: Traffic, digest: str, count: int, seed: str) -> None:
    """Let requests in whose truth is always what one release says."""
    rows, _, _ = world.draw(count, "traffic", traffic.seed, traffic.asked, seed)
    for row, request_id in zip(rows, traffic.ask(count, seed), strict=True):
        (answered,) = traffic._release(digest).answer([traffic._release(digest).encoder.request([row])])
        traffic.server.label(answered.predictions[0]["label"], request_id=request_id, sequence=traffic._tick())


def test_a_promotion_that_the_truth_speaks_against_is_undone_with_evidence(traffic: Traffic) -> None:
    registry = Registry(traffic.project.state)
    first, second = registry.assignments("credit")[0], registry.assignment("credit")
    assert second is not None
    traffic.labelled = 0.0
    # A former release that was worse is no reason to go back.
    truths_of(traffic, second.champion, 120, "new")
    assert loop.run(traffic.project, STRICT, wait_s=0.0).assignment == second
    truths_of(traffic, first.champion, 1600, "old")
    began = chance.monotonic()
    done = loop.run(traffic.project, STRICT, wait_s=0.0)
    assert (done.state, done.assignment.champion) == ("rolled back", first.champion)
    assert chance.monotonic() - began < 20
    entry = registry.history("credit")[-1]
    assert (entry.kind, entry.evidence[0].code) == ("rolled back", "U009")
    assert "its predecessor's would have been" in entry.reason
    looks = journal.every(traffic.project.updates / "credit")[-1].all("regret")
    assert [look["worse"] for look in looks] == [False, True]
