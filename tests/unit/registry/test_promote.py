"""Promotion and rollback by people."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from seaway.core.assignment import Assignment
from seaway.core.errors import NotFound, Refused
from seaway.registry.promote import promote, rollback
from seaway.registry.store import Registry
from tests.bundles import PASSED, add_release


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    state = tmp_path / ".seaway"
    for key in "abc":
        add_release(state, key)
    return Registry(state)


def digests(registry: Registry) -> list[str]:
    return [release.digest for release in registry.releases("credit")]


def test_a_promotion_takes_canary_and_shadows_away(registry: Registry) -> None:
    one, two, three = digests(registry)
    promote(registry, "credit", 1, "first", "ann")
    registry.move(
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.1), shadows=(three,), salt="s"),
        expect=1,
        reason="try",
        principal="update",
    )
    done = promote(registry, "credit", 2, "better on 800 labels", "ann", evidence=PASSED)
    assert (done.champion, done.canary, done.shadows, done.sequence) == (two, None, (), 3)
    entry = registry.history("credit")[-1]
    assert (entry.kind, entry.principal, entry.reason, entry.evidence) == (
        "promoted",
        "ann",
        "better on 800 labels",
        PASSED,
    )


def test_promoting_what_answers_already_moves_nothing(registry: Registry) -> None:
    first = promote(registry, "credit", 1, "first", "ann")
    assert promote(registry, "credit", 1, "again", "ann") == first
    assert len(registry.assignments("credit")) == 1


def test_promoting_the_champion_ends_its_canary(registry: Registry) -> None:
    one, two, _ = digests(registry)
    registry.move(
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.1)), expect=0, reason="", principal=""
    )
    assert promote(registry, "credit", 1, "stop the trial", "ann").canary is None


def test_an_unknown_release_is_not_promoted(registry: Registry) -> None:
    with pytest.raises(NotFound, match="has no release '9'"):
        promote(registry, "credit", 9, "typo", "ann")


def test_a_rollback_restores_the_whole_former_assignment(registry: Registry) -> None:
    one, two, three = digests(registry)
    before = registry.move(
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.25), shadows=(two,), salt="pepper"),
        expect=0,
        reason="trial",
        principal="update",
    )
    promote(registry, "credit", three, "by hand", "ann")
    began = time.monotonic()
    done = rollback(registry, "credit", "complaints", "bob")
    assert time.monotonic() - began < 2.0
    assert (done.champion, done.canary, done.shadows, done.salt) == (
        before.champion,
        before.canary,
        before.shadows,
        before.salt,
    )
    assert (done.sequence, done.reason) == (3, "complaints")
    assert registry.history("credit")[-1].kind == "rolled back"


def test_a_rollback_withdraws_the_release_and_not_only_its_last_step(registry: Registry) -> None:
    """After shadow, 5 %, 25 % and champion, going one step back would leave a quarter of the callers with it."""
    one, two, _ = digests(registry)
    promote(registry, "credit", one, "first", "ann")
    steps = [
        Assignment(model="credit", sequence=0, champion=one, shadows=(two,), salt="1"),
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.05), salt="1"),
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.25), salt="1"),
    ]
    for expect, step in enumerate(steps, start=1):
        registry.move(step, expect=expect, reason="step", principal="update")
    during = registry.former("credit")
    assert during is not None
    assert (during.champion, during.digests) == (one, (one,)), "a canary is withdrawn in one move, too"
    promote(registry, "credit", two, "passed", "update")
    done = rollback(registry, "credit", "worse", "update")
    assert done.digests == (one,)


def test_a_second_rollback_goes_further_back_and_not_forward_again(registry: Registry) -> None:
    one, two, three = digests(registry)
    for digest in (one, two, three):
        promote(registry, "credit", digest, "next", "ann")
    assert rollback(registry, "credit", "bad", "ann").champion == two
    assert rollback(registry, "credit", "bad too", "ann").champion == one
    with pytest.raises(Refused, match="no former assignment to go back to"):
        rollback(registry, "credit", "all bad", "ann")


def test_after_a_rollback_a_new_release_can_be_rolled_back_to_what_was_restored(registry: Registry) -> None:
    one, two, three = digests(registry)
    promote(registry, "credit", one, "first", "ann")
    promote(registry, "credit", two, "next", "ann")
    rollback(registry, "credit", "bad", "ann")
    promote(registry, "credit", three, "fixed", "ann")
    assert rollback(registry, "credit", "bad", "ann").champion == one


def test_without_a_former_assignment_the_way_on_is_said(registry: Registry) -> None:
    with pytest.raises(Refused, match="no former assignment") as raised:
        rollback(registry, "credit", "bad", "ann")
    assert "seaway promote" in raised.value.fix
