"""The registry is copied whole while others change it, and a damaged or newer one is told apart."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from seaway.core.errors import Unavailable
from seaway.registry.copying import copy, survey
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from tests.bundles import add_release


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / ".seaway"
    for key in "ab":
        add_release(state, key)
    promote(Registry(state), "credit", 1, "first", "test")
    return state


def test_each_copy_is_one_moment_of_a_registry_that_moves(state: Path, tmp_path: Path) -> None:
    stop, registry = threading.Event(), Registry(state)

    def move() -> None:
        version = 1
        while not stop.is_set():
            version = 3 - version
            promote(registry, "credit", version, "loop", "test")

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for number in range(10):
            before = len(registry.audit())
            copy(state / "registry.db", tmp_path / f"{number}.db")
            found = survey(tmp_path / f"{number}.db", at_rest=True)
            assert found.problems == ()
            assert found.told is not None
            assert found.told.outcome == "pass"
            assert len(found.lines) >= before
            assert len(found.assigned) == 1
    finally:
        stop.set()
        mover.join()


def test_a_survey_tells_releases_and_who_answers(state: Path) -> None:
    found = survey(state / "registry.db", at_rest=False)
    one, two = Registry(state).releases("credit")
    assert [(version, digest) for _, version, digest, _ in found.releases] == [(1, one.digest), (2, two.digest)]
    assert found.assigned == {one.digest}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE meta SET value = '99' WHERE name = 'schema'", "schema 99"),
        ("DROP TABLE meta", "cannot be used: no such table"),
    ],
)
def test_one_that_cannot_be_read_is_refused(state: Path, tmp_path: Path, change: str, message: str) -> None:
    connection = sqlite3.connect(state / "registry.db")
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(Unavailable, match=message):
        survey(state / "registry.db", at_rest=True)
    with pytest.raises(Unavailable, match=message):
        copy(state / "registry.db", tmp_path / "copy.db")


def test_a_damaged_one_says_so(state: Path) -> None:
    (state / "registry.db").write_bytes(b"nothing like a database" * 200)
    with pytest.raises(Unavailable, match="damaged"):
        survey(state / "registry.db", at_rest=True)
