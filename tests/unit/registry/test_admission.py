"""Bundles that were built elsewhere take their place, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seaway.core.errors import Conflict, Refused, Untrusted
from seaway.core.verdict import Verdict, failed
from seaway.registry.promote import promote, rollback
from seaway.registry.store import Registry
from seaway.security.sign import Ed25519Signer
from tests.bundles import PASSED, add_release, write_bundle


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".seaway"


def built(state: Path, **changes: Any) -> Path:
    folder = state.parent / f"from-elsewhere-{changes.get('version', 1)}-{changes.get('sequence', 1)}-{len(changes)}"
    return write_bundle(folder, Ed25519Signer.load_or_make(state / "keys"), **changes)


def test_a_bundle_from_elsewhere_is_what_its_manifest_says(state: Path) -> None:
    registry = Registry(state)
    digest = registry.admit(built(state, version=4, sequence=9), PASSED, "ann", reason="from the training cluster")
    (release,) = registry.releases("credit")
    assert (release.digest, release.version, release.sequence, release.principal) == (digest, 4, 9, "ann")
    assert promote(registry, "credit", 4, "first", "ann").champion == digest
    entry = registry.history("credit")[0]
    assert (entry.kind, entry.subject) == ("imported", digest)
    assert entry.reason.startswith("from the training cluster: version 4, sequence 9")
    assert failed(registry.verify_audit()[0]) == []


def test_twice_changes_nothing(state: Path) -> None:
    registry = Registry(state)
    digest = registry.admit(built(state), PASSED, "ann")
    registry.admit(built(state, version=2, sequence=2), PASSED, "ann")
    before = registry.audit()
    assert registry.admit(built(state), PASSED, "bob") == digest, "known is known, also once it is not the newest"
    assert registry.audit() == before


def test_what_is_built_next_comes_after_what_was_imported(state: Path) -> None:
    registry = Registry(state)
    registry.admit(built(state, version=4, sequence=9), PASSED, "ann")
    made = registry.reserve("credit", "a")
    assert (made.version, made.sequence) == (5, 10)
    assert registry.reserve("churn", "a").sequence == 1


def test_an_older_one_is_refused_unless_it_is_meant(state: Path) -> None:
    registry = Registry(state)
    registry.admit(built(state, version=4, sequence=9), PASSED, "ann")
    older = built(state, version=3, sequence=8)
    with pytest.raises(Refused, match="older than what is here: sequence 8 of credit, the newest is 9") as raised:
        registry.admit(older, PASSED, "ann")
    assert raised.value.code == "older-release"
    assert [release.version for release in registry.releases("credit")] == [4]
    assert len(list(registry.store)) == 1, "nothing of it is kept"
    digest = registry.admit(older, PASSED, "ann", is_older=True, reason="the newer one is wrong")
    entry = registry.history("credit")[-1]
    assert (entry.kind, entry.principal) == ("imported older", "ann")
    assert entry.reason.startswith("the newer one is wrong: version 3")
    promote(registry, "credit", 4, "first", "ann")
    assert promote(registry, "credit", 3, "back", "ann").champion == digest
    assert rollback(registry, "credit", "and forth", "ann").sequence == 3
    newer = built(state, version=5, sequence=10)
    registry.admit(newer, PASSED, "ann", is_older=True)
    assert registry.history("credit")[-1].kind == "imported", "the permission alone makes nothing older"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"version": 1, "sequence": 7}, "Version 1 of credit is .* already"),
        ({"version": 7, "sequence": 1}, "Sequence 1 of credit is .* already"),
        ({"version": 2, "sequence": 7}, r"Version 2 \(sequence 7\) of credit is reserved"),
        ({"version": 7, "sequence": 2}, r"Version 7 \(sequence 2\) of credit is reserved"),
    ],
)
def test_a_place_that_is_taken_or_waited_for_stays_so(state: Path, changes: dict[str, int], what: str) -> None:
    add_release(state, "a")
    registry = Registry(state)
    waiting = registry.reserve("credit", "b")
    assert (waiting.version, waiting.sequence) == (2, 2)
    for is_older in (False, True):
        with pytest.raises(Conflict, match=what):
            registry.admit(built(state, **changes), PASSED, "ann", is_older=is_older)
    add_release(state, "b")
    assert [release.version for release in registry.releases("credit")] == [1, 2], "the build comes through"


def test_nothing_is_taken_unproven_or_from_strangers_or_under_a_path(state: Path, tmp_path: Path) -> None:
    registry = Registry(state)
    no = Verdict(code="R004", outcome="fail", subject="b", message="17 beyond")
    with pytest.raises(Refused, match="has not passed its checks: R004 17 beyond"):
        registry.admit(built(state), (no,), "ann")
    with pytest.raises(Untrusted, match="not trusted here"):
        registry.admit(write_bundle(tmp_path / "b", Ed25519Signer.load_or_make(tmp_path / "stranger")), PASSED, "ann")
    with pytest.raises(Untrusted, match="is no name of a model"):
        registry.admit(built(state, model="../keys", version=3), PASSED, "ann")
    assert registry.models() == []
    assert list(registry.store) == []
