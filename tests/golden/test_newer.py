"""A11: what a newer version wrote is refused with a message that says so, and not one byte of it changes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core import canonical, segment
from seaway.core.candidate import load
from seaway.core.errors import SeawayError
from seaway.lab.journal import FILE, Journal, recipe
from seaway.monitor.window import Windows
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from seaway.security.sign import Ed25519Signer
from seaway.serve import labels
from seaway.serve.log import EventLog
from seaway.update import journal as updating
from seaway.workflow.backup import listing
from seaway.workflow.backup.restore import restore
from seaway.workflow.backup.take import backup
from seaway.workflow.bundles import card
from seaway.workflow.doctor.examine import doctor
from seaway.workflow.workspace import open_project
from tests.golden.frozen import content, thaw
from tests.releases import resign


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return thaw("v1", tmp_path / "loans")


def refused(folder: Path, act: Callable[[], object], message: str) -> None:
    """Assert that an act is refused for a newer format, says so, and leaves every byte below `folder` as it was."""
    before = content(folder)
    with pytest.raises(SeawayError, match=message) as caught:
        act()
    assert caught.value.fix
    assert re.search("newer|version that (made|wrote|began)|Seaway version", caught.value.fix), caught.value.fix
    after = {name: digest for name, digest in content(folder).items() if not name.endswith(".lock")}
    assert after == {name: digest for name, digest in before.items() if not name.endswith(".lock")}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_registry(folder: Path, mode: str) -> None:
    state = folder / ".seaway"
    connection = sqlite3.connect(state / "registry.db")
    connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    connection.commit()
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.close()
    refused(folder, lambda: Registry(state), "schema 99")
    refused(folder, lambda: RegistrySource(state).assignments(), "schema 99")
    refused(folder, lambda: backup(open_project(folder), folder.parent / "backup"), "schema 99")
    (found,) = [verdict for verdict in doctor(folder) if verdict.code == "H015"]
    assert (found.outcome, "schema 99" in found.message) == ("fail", True)


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "sealed"])
def test_event_log(folder: Path, is_open: bool) -> None:
    log = folder / ".seaway" / "log" / "loans"
    head = bytearray(segment.header(0, 1_900_000_000))
    head[8:10] = (2).to_bytes(2, "little")
    path = log / segment.name(0, 1_900_000_000, sealed=not is_open)
    path.write_bytes(bytes(head) + b"what a later version knows to read")
    refused(log, lambda: EventLog(log, 0), "version 2")
    refused(log, lambda: list(segment.read(path)), "version 2")
    contract = open_project(folder).contract
    row = {"id": "N1", "value": "good"}
    refused(
        log, lambda: labels.write(log.parent, "loans", [row] * 3, contract, principal="test"), "version 2"
    ) if not is_open else None
    (found,) = [verdict for verdict in doctor(folder) if verdict.code == "H019"]
    assert (found.outcome, "version 2" in found.message) == ("fail", True)


def test_index_of_the_log(folder: Path) -> None:
    state = folder / ".seaway"
    connection = sqlite3.connect(state / "windows" / "loans" / "index.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    refused(state, lambda: Windows(state / "log", "loans", state=state / "windows"), "version 99")


@pytest.mark.parametrize("more", [{}, {"a field of later": 1}], ids=["as it is", "with a new field"])
def test_run_journal(folder: Path, more: dict[str, Any]) -> None:
    (path,) = (folder / ".seaway" / "runs").glob(f"*/{FILE}")
    first, *lines = path.read_bytes().split(b"\n")
    header = msgspec.json.decode(first)
    path.write_bytes(b"\n".join([canonical.encode(header | {"format": 2} | more), *lines]))
    refused(folder, lambda: Journal(path.parent, header["identity"]).__enter__(), "format 2")
    refused(folder, lambda: recipe(path.parent), "format 2")


@pytest.mark.parametrize("more", [{}, {"later": True}], ids=["as it is", "with a new field"])
def test_update_journal(folder: Path, more: dict[str, Any]) -> None:
    updates = folder / ".seaway" / "updates" / "loans"
    updating.following(updates).write("decide", rebuild=True)
    (path,) = updates.glob("*/journal.ndjson")
    line = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({name: value for name, value in line.items() if name != "format"}))
    assert updating.following(updates).name == "0002"
    found = updating.newest(updates)
    assert found is not None
    assert found.last == "decide", "a line of before the format stood in it is read"
    path.write_bytes(msgspec.json.encode(line | {"format": 2} | more))
    refused(folder, lambda: updating.newest(updates), "format 2")


def test_candidate_of_a_run(folder: Path) -> None:
    (path,) = (folder / ".seaway" / "runs").glob("*/candidate.json")
    path.write_bytes(canonical.encode(msgspec.json.decode(path.read_bytes()) | {"format": 2}))
    refused(folder, lambda: load(path.parent), "format 2")


@pytest.mark.parametrize("more", [{}, {"later": True}], ids=["as it is", "with a new field"])
def test_bundle(folder: Path, more: dict[str, Any]) -> None:
    workspace = open_project(folder)
    signer = Ed25519Signer.load_or_make(workspace.project.keys)
    bundle = workspace.bundle()
    resign(bundle, signer, format=2, **more)
    refused(folder, lambda: card(workspace), "format 2")


@pytest.mark.parametrize("more", [{}, {"later": True}], ids=["as it is", "with a new field"])
def test_backup(folder: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    made = backup(open_project(folder), tmp_path / "backup").folder
    raw = canonical.encode(msgspec.json.decode((made / listing.LISTING).read_bytes()) | {"format": 2} | more)
    signer = Ed25519Signer.load_or_make(folder / ".seaway" / "keys", context=listing.CONTEXT)
    (made / listing.LISTING).write_bytes(raw)
    (made / listing.SIGNATURE).write_bytes(signer.sign(raw))
    key = folder / ".seaway" / "keys"
    refused(tmp_path, lambda: restore(made, tmp_path / "restored", trust=key), "format 2")
    assert not (tmp_path / "restored").exists()
