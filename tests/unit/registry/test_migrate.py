"""A registry of schema 1 is brought up to date whole, or stays as it was."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from seaway.core.errors import Refused, Unavailable
from seaway.core.verdict import failed
from seaway.registry.promote import rollback
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from tests.bundles import PASSED, caller

FROZEN = Path(__file__).parents[2] / "golden" / "v1" / "state"
"""Made by the commit before schema 2: four models, six moves."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FROZEN, tmp_path / ".seaway"))


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
    finally:
        connection.close()


def schema_of(path: Path) -> set[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        return {(kind, name, "".join((sql or "").split()).replace('"', "")) for kind, name, sql in found}
    finally:
        connection.close()


def test_everything_that_was_there_is_there(state: Path) -> None:
    tables = ("models", "reservations", "releases", "assignments")
    before = {table: rows(FROZEN / "registry.db", table) for table in tables}
    registry = Registry(state)
    assert {table: rows(state / "registry.db", table) for table in tables} == before
    history = rows(FROZEN / "registry.db", "history")
    assert len(history) == 11
    lines = registry.audit()
    for old, line in zip(history, lines, strict=False):
        for field, value in old.items():
            assert getattr(line, field) == value
    assert [line.kind for line in lines[len(history) :]] == ["migrated"]
    assert failed(registry.verify_audit()[0]) == []


def test_it_is_then_the_same_as_a_new_one(state: Path, tmp_path: Path) -> None:
    Registry(state)
    Registry(tmp_path / "new")
    assert schema_of(state / "registry.db") == schema_of(tmp_path / "new" / "registry.db")


def test_it_goes_on_where_it_was(state: Path) -> None:
    registry = Registry(state)
    assert registry.add_key(caller("shop"), "test", "first").slot == 0
    reservation = registry.reserve("sales", "next")
    assert (reservation.version, reservation.sequence) == (
        3,
        1 + max(one.sequence for one in registry.releases("sales")),
    )
    registry.note("loans", "hold", reason="too few labels", principal="update", evidence=PASSED)
    assert registry.history("loans")[-1].kind == "hold"
    with pytest.raises(Refused, match="no former assignment"):
        rollback(registry, "sales", "it was rolled back to its first already", "test")
    assert failed(registry.verify_audit()[0]) == []
    assert [line.kind for line in Registry(state).audit()].count("migrated") == 1, "once"


def test_a_server_reads_it_before_and_after(state: Path) -> None:
    source = RegistrySource(state)
    before = source.assignments()
    assert set(before) == {"credit", "loans", "sales", "shoppers"}
    assert source.keys() is None
    registry = Registry(state)
    assert source.assignments() == before
    key = registry.add_key(caller("shop"), "test", "first")
    assert source.keys() == {key.id: key}
    assert source.trouble == ""


def test_what_the_chain_did_not_see_made_is_held_to_the_moment_of_migration(state: Path) -> None:
    """Rows of schema 1 have no line that made them: one digest of all of them stands in the line of the migration."""
    registry = Registry(state)
    connection = sqlite3.connect(state / "registry.db")
    with connection:
        connection.execute("DROP TRIGGER releases_no_update")
        connection.execute("UPDATE releases SET principal = 'person:other' WHERE model = 'loans'")
    connection.close()
    (problem,) = failed(registry.verify_audit()[0])
    assert problem.code == "A003"
    assert "rows from before the chain are not those that were found then" in problem.message


def test_a_step_that_fails_changes_nothing(state: Path) -> None:
    connection = sqlite3.connect(state / "registry.db")
    with connection:
        connection.execute("CREATE TABLE audit (mine)")
    connection.close()
    before = (state / "registry.db").read_bytes()
    with pytest.raises(Unavailable, match="table audit already exists"):
        Registry(state)
    assert (state / "registry.db").read_bytes() == before
