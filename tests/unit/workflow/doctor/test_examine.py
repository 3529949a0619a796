"""`seaway doctor` finds what is wrong, says what to do, changes nothing, and answers whatever is broken."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from seaway.core import chance, durable, event, segment
from seaway.core.event import Label
from seaway.core.verdict import Verdict
from seaway.registry.store import Registry
from seaway.security import keys as access_keys
from seaway.workflow.doctor.examine import MACHINE, PROJECT, doctor
from seaway.workflow.doctor.patient import Patient
from tests.golden.frozen import content, thaw


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = thaw("v1", tmp_path / "loans")
    Registry(folder / ".seaway")
    return folder


def finding(folder: Path, code: str) -> Verdict:
    (found,) = [verdict for verdict in doctor(folder) if verdict.code == code]
    return found


def test_a_healthy_project_has_nothing_to_do_and_is_not_touched(project: Path) -> None:
    before = content(project)
    found = doctor(project)
    assert [verdict.code for verdict in found] == [code for code, _, _ in MACHINE + PROJECT]
    assert not [verdict for verdict in found if verdict.outcome == "fail"]
    assert content(project) == before


def test_outside_a_project_only_the_machine_is_looked_at(tmp_path: Path) -> None:
    found = doctor(tmp_path)
    assert [verdict.code for verdict in found] == [code for code, _, _ in MACHINE]
    assert found[-1].outcome == "not-applicable"


def test_an_empty_project_is_no_broken_one(tmp_path: Path) -> None:
    (tmp_path / "seaway.toml").write_text('[project]\nname = "new"\n', encoding="utf-8")
    assert {verdict.outcome for verdict in doctor(tmp_path)} <= {"pass", "not-applicable", "warn"}
    assert not (tmp_path / ".seaway").exists()


def open_state(folder: Path) -> None:
    (folder / ".seaway").chmod(0o755)


def open_key(folder: Path) -> None:
    (folder / ".seaway" / "keys" / "signing.key").chmod(0o644)


def no_toml(folder: Path) -> None:
    (folder / "seaway.toml").write_text("[serve\n", encoding="utf-8")


def no_database(folder: Path) -> None:
    (folder / ".seaway" / "registry.db").write_bytes(b"no database at all" * 100)


def torn_page(folder: Path) -> None:
    path = folder / ".seaway" / "registry.db"
    data = bytearray(path.read_bytes())
    data[2 * 4096 : 2 * 4096 + 200] = bytes(200)
    path.write_bytes(data)


def edited_audit(folder: Path) -> None:
    connection = sqlite3.connect(folder / ".seaway" / "registry.db")
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("UPDATE audit SET principal = 'nobody' WHERE number = 3")
    connection.commit()
    connection.close()


def no_checkpoint(folder: Path) -> None:
    (folder / ".seaway" / "audit" / "checkpoint.json").unlink()


def champion_damaged(folder: Path) -> None:
    registry = Registry(folder / ".seaway")
    now = registry.assignment("credit")
    assert now is not None
    path = registry.store.get(now.champion) / "program" / "graph.onnx"
    path.chmod(0o600)
    path.write_bytes(b"")


def damaged_segment(folder: Path) -> None:
    (path,) = (folder / ".seaway" / "log" / "sales").iterdir()
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


def event_of_tomorrow(folder: Path) -> None:
    tomorrow = int((chance.now() + 86_400) * 1e6)
    one = Label(sequence=tomorrow, model="sales", principal="test", value=1.0, known=chance.stamp(), id="x")
    path = folder / ".seaway" / "log" / "sales" / segment.name(7, 1_900_000_000, sealed=True)
    path.write_bytes(segment.header(7, 1_900_000_000) + segment.frame(event.encode(one)))


def no_key(folder: Path) -> None:
    (folder / ".seaway" / "keys" / "signing.key").write_bytes(b"no key")
    (folder / ".seaway" / "keys" / "other.pub").write_bytes(b"no key either")


def no_certificate(folder: Path) -> None:
    text = (folder / "seaway.toml").read_text(encoding="utf-8")
    (folder / "seaway.toml").write_text(
        text.replace("port = 8000", 'port = 8000\ntls_cert = "no.pem"'), encoding="utf-8"
    )


BROKEN: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "state open to all": (open_state, "H011", "fail", "Others may read .seaway"),
    "key open to all": (open_key, "H011", "fail", "signing.key"),
    "settings that are none": (no_toml, "H010", "fail", "Not valid TOML"),
    "no database": (no_database, "H015", "fail", "damaged"),
    "torn page": (torn_page, "H015", "fail", "SQLite says|damaged"),
    "edited audit": (edited_audit, "H016", "fail", "Line 3"),
    "no checkpoint": (no_checkpoint, "H016", "fail", "no checkpoint"),
    "champion damaged": (champion_damaged, "H017", "fail", "credit version 1"),
    "damaged segment": (damaged_segment, "H019", "fail", "damaged at byte"),
    "clock set back": (event_of_tomorrow, "H020", "fail", "behind the newest event"),
    "unreadable keys": (no_key, "H021", "warn", "other.pub"),
    "no certificate": (no_certificate, "H023", "fail", "no.pem"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_the_rest_is_still_answered(project: Path, name: str) -> None:
    harm, code, outcome, message = BROKEN[name]
    harm(project)
    found = doctor(project)
    assert [verdict.code for verdict in found] == [one for one, _, _ in MACHINE + PROJECT]
    (verdict,) = [verdict for verdict in found if verdict.code == code]
    assert verdict.outcome == outcome, verdict
    assert re.search(message, verdict.message), verdict
    assert verdict.fix


def test_a_port_that_is_taken_is_told(project: Path, free_port: int) -> None:
    text = (project / "seaway.toml").read_text(encoding="utf-8")
    (project / "seaway.toml").write_text(text.replace("port = 8000", f"port = {free_port}"), encoding="utf-8")
    assert finding(project, "H004").outcome == "pass"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        assert finding(project, "H004").outcome == "warn"


def test_leftovers_are_told_once_they_are_old(project: Path) -> None:
    left = project / ".seaway" / "bundles" / ".staging-0123"
    left.mkdir()
    assert finding(project, "H013").outcome == "pass", "a process may be at work"
    old = time.time() - 7200
    os.utime(left, (old, old))
    assert finding(project, "H013").outcome == "warn"


def test_a_lock_is_told_with_its_holder(project: Path) -> None:
    with durable.locked(project / ".seaway" / "bundles" / ".lock", wait_s=1, what="testing"):
        found = finding(project, "H014")
    assert str(os.getpid()) in found.message
    assert finding(project, "H014").message == "No lock is held"


@pytest.mark.parametrize(("days", "outcome"), [(3, "warn"), (300, "pass")])
def test_keys_about_to_end_are_told(project: Path, days: int, outcome: str) -> None:
    registry = Registry(project / ".seaway")
    secret = access_keys.load_or_make_secret(project / ".seaway" / "keys")
    _, key = access_keys.make(
        "nightly", roles=("predictor",), models=("*",), by="test", slot=0, secret=secret, days=days
    )
    registry.add_key(key, "test", "for a test")
    found = finding(project, "H022")
    assert found.outcome == outcome, found
    assert ("nightly" in found.message) == (outcome == "warn")


def test_growth_is_told_in_days_left(project: Path) -> None:
    found = finding(project, "H012")
    assert found.evidence["per_day"] > 0
    assert Patient(project).log.events > 40
    assert msgspec.json.encode(found)
