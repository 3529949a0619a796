"""Callers' keys: stored once, ended once, never forgotten, and seen by servers at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from seaway.core import chance
from seaway.core.errors import Conflict, NotFound, Unavailable
from seaway.core.verdict import failed
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from tests.bundles import add_release, caller

FAR, NEAR = "2099-01-01T00:00:00.000000Z", "2098-01-01T00:00:00.000000Z"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".seaway"


@pytest.fixture
def registry(state: Path) -> Registry:
    return Registry(state)


def test_a_key_is_read_back_as_it_was_made_with_a_slot_of_its_own(registry: Registry, state: Path) -> None:
    wanted = caller("shop", roles=("viewer", "labeler"), models=("credit", "churn"), expires=FAR, rate=2.5, slot=99)
    made = registry.add_key(wanted, "ann", "for the shop")
    assert made == msgspec.structs.replace(wanted, slot=0)
    other = registry.add_key(caller("other", rate=5), "ann", "for another")
    assert other.slot == 1
    assert registry.keys() == RegistrySource(state).keys() == {made.id: made, other.id: other}
    (entry, _) = registry.history(None)[-2:]
    assert (entry.kind, entry.subject, entry.principal, entry.reason) == ("key made", made.id, "ann", "for the shop")
    assert failed(registry.verify_audit()[0]) == []


def test_before_the_first_key_there_is_none_to_ask_for(registry: Registry, state: Path) -> None:
    source = RegistrySource(state)
    assert source.keys() is None
    made = registry.add_key(caller("shop"), "ann", "first")
    registry.revoke_key(made.id, "ann", "lost")
    found = source.keys()
    assert found is not None
    assert found[made.id].revoked, "revoking the last key does not open the door again"
    assert RegistrySource(state / "elsewhere").keys() is None


def test_a_key_ends_once_and_for_ever(registry: Registry) -> None:
    made = registry.add_key(caller("shop"), "ann", "first")
    ended = registry.revoke_key(made.id, "bob", "lost")
    assert ended == msgspec.structs.replace(made, revoked=ended.revoked)
    before = registry.audit()
    assert registry.revoke_key(made.id, "bob", "again") == ended
    assert registry.audit() == before
    with pytest.raises(NotFound, match="There is no key 'nobody'"):
        registry.revoke_key("nobody", "bob", "typo")
    with pytest.raises(Conflict, match=r"There is a key .* already"):
        registry.add_key(made, "ann", "again")
    assert failed(registry.verify_audit()[0]) == []


@pytest.mark.parametrize(
    ("expires", "ends", "then"),
    [("", NEAR, NEAR), (FAR, NEAR, NEAR), (NEAR, FAR, NEAR)],
    ids=["open", "later", "sooner"],
)
def test_a_key_that_is_replaced_never_lasts_longer(registry: Registry, expires: str, ends: str, then: str) -> None:
    old = registry.add_key(caller("old", expires=expires), "ann", "first")
    new = registry.rotate_key(old.id, caller("new"), ends, "ann", "a year has passed")
    assert registry.keys() == {old.id: msgspec.structs.replace(old, expires=then), new.id: new}
    assert [entry.kind for entry in registry.history(None)[-2:]] == ["key made", "key ends"]
    assert failed(registry.verify_audit()[0]) == []


def test_without_an_overlap_the_old_key_ends_now(registry: Registry) -> None:
    old = registry.add_key(caller("old"), "ann", "first")
    registry.rotate_key(old.id, caller("new"), chance.stamp(), "ann", "leaked")
    assert registry.keys()[old.id].revoked
    with pytest.raises(NotFound, match="There is no key"):
        registry.rotate_key("nobody", caller("third"), chance.stamp(), "ann", "typo")
    assert len(registry.keys()) == 2, "a rotation is whole or did not happen"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM keys",
        "UPDATE keys SET roles = '[\"admin\"]'",
        "UPDATE keys SET revoked = ''",
        "UPDATE keys SET expires = ''",
        "UPDATE keys SET expires = '2100-01-01T00:00:00.000000Z'",
    ],
)
def test_sqlite_itself_refuses_what_would_widen_a_key(registry: Registry, state: Path, change: str) -> None:
    made = registry.add_key(caller("shop", expires=FAR), "ann", "first")
    if "revoked" in change:
        registry.revoke_key(made.id, "ann", "lost")
    connection = sqlite3.connect(state / "registry.db")
    with pytest.raises(sqlite3.IntegrityError, match=r"a key can only end|keys are never forgotten"):
        connection.execute(change)
    connection.close()


def test_a_key_that_was_widened_by_force_is_found(registry: Registry, state: Path) -> None:
    made = registry.add_key(caller("shop"), "ann", "first")
    connection = sqlite3.connect(state / "registry.db")
    with connection:
        connection.execute("DROP TRIGGER keys_only_end")
        connection.execute("UPDATE keys SET roles = '[\"admin\"]'")
    connection.close()
    (problem,) = failed(registry.verify_audit()[0])
    assert f"key {made.id} is not as the newest line about it says" in problem.message


def test_keys_that_cannot_be_read_open_nothing(registry: Registry, state: Path) -> None:
    add_release(state, "a")
    made = registry.add_key(caller("shop"), "ann", "first")
    source = RegistrySource(state)
    assert source.keys() == {made.id: made}
    holder = sqlite3.connect(state / "registry.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert source.keys() == {made.id: made}, "while a writer holds the file, nothing can have changed"
    assert "locked" in source.trouble
    holder.close()
    (state / "registry.db").write_bytes(b"not a database" * 1000)
    for _ in range(2):
        with pytest.raises(Unavailable, match="The registry cannot be read"):
            source.keys()
    (state / "registry.db").unlink()
    with pytest.raises(Unavailable, match="No such file"):
        source.keys()


def test_one_row_that_makes_no_sense_closes_the_door(registry: Registry, state: Path) -> None:
    registry.add_key(caller("shop"), "ann", "first")
    connection = sqlite3.connect(state / "registry.db")
    with connection:
        connection.execute("DROP TRIGGER keys_only_end")
        connection.execute("UPDATE keys SET roles = '[\"owner\"]'")
    connection.close()
    with pytest.raises(Unavailable, match="The registry cannot be read: Invalid enum value 'owner'"):
        RegistrySource(state).keys()
