"""Somebody who can write to the project's state edits, deletes, reorders, truncates or replaces its audit (A50)."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seaway.core import chance
from seaway.core.errors import Refused
from seaway.registry.promote import promote, rollback
from seaway.registry.store import Registry
from seaway.security import audit
from seaway.security.sign import Ed25519Signer, TrustFolder
from tests.bundles import PASSED, add_release, caller

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_audit.py"
TRIES = 200
TEXTS = ("at", "kind", "subject", "principal", "reason", "evidence", "content")

Rng = np.random.Generator


@dataclass(frozen=True)
class Place:
    """A project that was honest until now: its state, and the checkpoint that was taken away in time."""

    state: Path
    kept: Path
    other: Path
    """The state folder of another project, as valid as this one."""
    older: Path
    """This project's own state as it was some moves ago."""

    @property
    def database(self) -> Path:
        return self.state / "registry.db"

    @property
    def checkpoint(self) -> Path:
        return self.state / "audit" / "checkpoint.json"


Attack = Callable[[Place, Rng], None]


def history(state: Path, moves: int) -> None:
    """Release, promote, roll back, make and revoke keys, as people do."""
    registry = Registry(state)
    for key in "abc":
        add_release(state, key)
    for number in range(moves):
        promote(registry, "credit", 1 + number % 3, f"reason {number}", "person:anna")
    rollback(registry, "credit", "worse than before", "person:ben")
    made = registry.add_key(caller("shop"), "person:anna", "the shop asks")
    registry.add_key(caller("bank"), "person:anna", "the bank asks")
    registry.revoke_key(made.id, "person:ben", "leaked")
    registry.note("credit", "hold", reason="too few labels", principal="update", evidence=PASSED)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("audit")
    history(root / "here", 2)
    older = Path(shutil.copytree(root / "here", root / "older"))
    history(root / "other", 3)
    registry = Registry(root / "here")
    for number in range(3):
        promote(registry, "credit", 1 + number, "later", "person:anna")
    kept = root / "kept.json"
    kept.write_bytes(registry.checkpoint())
    return Place(root / "here", kept, root / "other", older)


# ------------------------------------------------------------------------------------------------ with SQL alone


def opened(place: Place) -> sqlite3.Connection:
    """Open the registry as an attacker does: without its guards."""
    connection = sqlite3.connect(place.database)
    connection.row_factory = sqlite3.Row
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def chain(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute("SELECT * FROM audit ORDER BY number")]


def write(connection: sqlite3.Connection, lines: list[dict[str, Any]]) -> None:
    with connection:
        connection.execute("DELETE FROM audit")
        for line in lines:
            names = ", ".join(line)
            connection.execute(f"INSERT INTO audit ({names}) VALUES ({', '.join('?' * len(line))})", [*line.values()])
    connection.close()


def hashed(line: dict[str, Any]) -> str:
    """Return a line's hash as everybody can work it out who has read the source."""
    rest = {name: value for name, value in line.items() if name != "hash"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def rechained(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number and hash all lines anew, so that the chain holds in itself."""
    made: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        new = line | {"number": number, "previous": made[-1]["hash"] if made else audit.START}
        made.append(new | {"hash": hashed(new)})
    return made


def forged(line: dict[str, Any], rng: Rng) -> dict[str, Any]:
    """Return a line with another text in one of its fields."""
    field = str(rng.choice(TEXTS))
    return line | {field: f"{line[field]}{rng.integers(1000)}"}


def edited(*, then: Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]) -> Attack:
    def attack(place: Place, rng: Rng) -> None:
        connection = opened(place)
        lines = chain(connection)
        at = int(rng.integers(len(lines)))
        lines[at] = forged(lines[at], rng)
        write(connection, then(lines, at))

    return attack


def with_its_own_hash(lines: list[dict[str, Any]], at: int) -> list[dict[str, Any]]:
    return [*lines[:at], lines[at] | {"hash": hashed(lines[at])}, *lines[at + 1 :]]


def deleted(*, is_rechained: bool) -> Attack:
    def attack(place: Place, rng: Rng) -> None:
        connection = opened(place)
        lines = chain(connection)
        del lines[int(rng.integers(len(lines) - 1))]
        write(connection, rechained(lines) if is_rechained else lines)

    return attack


def reordered(*, is_rechained: bool) -> Attack:
    def attack(place: Place, rng: Rng) -> None:
        connection = opened(place)
        lines = chain(connection)
        one, two = (int(at) for at in rng.choice(len(lines), 2, replace=False))
        lines[one], lines[two] = (
            lines[two] | {"number": lines[one]["number"]},
            lines[one] | {"number": lines[two]["number"]},
        )
        write(connection, rechained(lines) if is_rechained else lines)

    return attack


def truncated(place: Place, rng: Rng) -> None:
    connection = opened(place)
    lines = chain(connection)
    write(connection, lines[: int(rng.integers(1, len(lines)))])


def inserted(place: Place, rng: Rng) -> None:
    connection = opened(place)
    lines = chain(connection)
    at = int(rng.integers(1, len(lines)))
    write(connection, rechained([*lines[:at], forged(lines[at], rng), *lines[at:]]))


def emptied(place: Place, rng: Rng) -> None:
    write(opened(place), [])


# ---------------------------------------------------------------------------------------------- with whole files


def registry_of_another_project(place: Place, rng: Rng) -> None:
    shutil.copy(place.other / "registry.db", place.database)


def registry_rolled_back(place: Place, rng: Rng) -> None:
    shutil.copy(place.older / "registry.db", place.database)


def registry_and_checkpoint_rolled_back(place: Place, rng: Rng) -> None:
    registry_rolled_back(place, rng)
    shutil.copy(place.older / "audit" / "checkpoint.json", place.checkpoint)


def everything_of_another_project(place: Place, rng: Rng) -> None:
    shutil.rmtree(place.state)
    shutil.copytree(place.other, place.state)


def checkpoint_edited(place: Place, rng: Rng) -> None:
    signed = json.loads(place.checkpoint.read_bytes())
    signed["checkpoint"]["size"] -= int(rng.integers(1, 4))
    place.checkpoint.write_text(json.dumps(signed, separators=(",", ":"), sort_keys=True))


def checkpoint_signed_by_a_stranger(place: Place, rng: Rng) -> None:
    """The chain is forged to its end and fits a checkpoint, which only a key from elsewhere could sign."""
    edited(then=lambda lines, at: rechained(lines))(place, rng)
    connection = sqlite3.connect(place.database)
    size, head = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    connection.close()
    stranger = Ed25519Signer.load_or_make(place.state.parent / "stranger", context=audit.CONTEXT)
    place.checkpoint.write_bytes(audit.checkpoint(size, head, stranger))


def checkpoint_removed(place: Place, rng: Rng) -> None:
    place.checkpoint.unlink()


# ------------------------------------------------------------------------------- rows, with the chain left alone


def changed_rows(statement: str) -> Attack:
    def attack(place: Place, rng: Rng) -> None:
        connection = opened(place)
        with connection:
            assert connection.execute(statement).rowcount > 0
        connection.close()

    return attack


SEEN_BY_BOTH: dict[str, Attack] = {
    "edit a line": edited(then=lambda lines, at: lines),
    "edit a line and its hash": edited(then=with_its_own_hash),
    "edit a line and all hashes after it": edited(then=lambda lines, at: rechained(lines)),
    "delete a line": deleted(is_rechained=False),
    "delete a line and close the gap": deleted(is_rechained=True),
    "reorder two lines": reordered(is_rechained=False),
    "reorder two lines and hash them anew": reordered(is_rechained=True),
    "insert a line and hash the rest anew": inserted,
    "truncate the chain": truncated,
    "truncate it to nothing": emptied,
    "replace the registry by another project's": registry_of_another_project,
    "replace the registry by an older one": registry_rolled_back,
    "replace registry and checkpoint by older ones": registry_and_checkpoint_rolled_back,
    "replace the whole state by another project's": everything_of_another_project,
    "forge all and sign with another key": checkpoint_signed_by_a_stranger,
}
"""What `seaway audit verify` and the script both tell, given the checkpoint that was kept elsewhere."""

SEEN_BY_SEAWAY: dict[str, Attack] = {
    "edit the checkpoint": checkpoint_edited,
    "remove the checkpoint": checkpoint_removed,
    "another champion in an assignment": changed_rows(
        "UPDATE assignments SET champion = (SELECT digest FROM releases WHERE version = 3) WHERE sequence = 1"
    ),
    "remove an assignment": changed_rows(
        "DELETE FROM assignments WHERE sequence = (SELECT max(sequence) FROM assignments)"
    ),
    "another expiry of a release": changed_rows(
        "UPDATE releases SET expires = '2999-01-01T00:00:00Z' WHERE version = 1"
    ),
    "another evidence of a release": changed_rows("UPDATE releases SET verdicts = '[]' WHERE version = 2"),
    "a revoked key opens again": changed_rows("UPDATE keys SET revoked = '' WHERE revoked != ''"),
    "a key with more rights": changed_rows("UPDATE keys SET roles = '[\"admin\"]'"),
    "remove a key": changed_rows("DELETE FROM keys WHERE revoked != ''"),
}
"""What lies beside the chain: the project's own checkpoint, and the rows that its lines tell of."""

ATTACKS = SEEN_BY_BOTH | SEEN_BY_SEAWAY
NEED_A_KEPT_CHECKPOINT = {
    "replace registry and checkpoint by older ones",
    "replace the whole state by another project's",
}


# ------------------------------------------------------------------------------------------------------ the proof


def is_told(place: Place, trust: Path, *, kept: bool = True) -> bool:
    """Say whether `seaway audit verify` says no; `trust` holds the key that signed what was kept elsewhere."""
    found, heads = Registry(place.state).verify_audit()
    if kept:
        verifier = TrustFolder(trust, context=audit.CONTEXT)
        found.append(audit.check_checkpoint(place.kept.read_bytes(), heads, verifier, "kept"))
    return any(verdict.outcome == "fail" for verdict in found)


def is_told_by_the_script(place: Place, trust: Path) -> bool:
    """Say whether the script, which knows no Seaway, ends with 1."""
    given: list[str | Path] = [place.database, "--checkpoint", place.kept, "--key", trust / "signing.pub"]
    ended = subprocess.run([sys.executable, "-I", SCRIPT, *given], capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    return ended.returncode == 1


def copied(honest: Place, folder: Path) -> Place:
    return Place(Path(shutil.copytree(honest.state, folder / "state")), honest.kept, honest.other, honest.older)


def tamper(honest: Place, folder: Path, number: int) -> str:
    """Tamper once; returns the attack's name after both have told."""
    name = list(ATTACKS)[number % len(ATTACKS)]
    place = copied(honest, folder)
    ATTACKS[name](place, chance.rng("audit", number))
    trust = honest.state / "keys"
    assert is_told(place, trust), name
    if name in SEEN_BY_BOTH:
        assert is_told_by_the_script(place, trust), f"{name}: the script"
    if name not in NEED_A_KEPT_CHECKPOINT:
        assert is_told(place, trust, kept=False), f"{name}: without a checkpoint kept elsewhere"
    return name


def test_what_nobody_touched_holds(honest: Place, tmp_path: Path) -> None:
    place, trust = copied(honest, tmp_path), honest.state / "keys"
    assert not is_told(place, trust)
    assert not is_told_by_the_script(place, trust)


def test_the_verifier_is_a_short_script_that_knows_no_seaway() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 200
    assert "import seaway" not in text
    assert "from seaway" not in text


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=list(ATTACKS))
def test_tampering_is_told(honest: Place, tmp_path: Path, number: int) -> None:
    tamper(honest, tmp_path, number)


@pytest.mark.parametrize("name", sorted(NEED_A_KEPT_CHECKPOINT))
def test_what_only_a_checkpoint_kept_elsewhere_can_tell(honest: Place, tmp_path: Path, name: str) -> None:
    """Everything here was replaced by something valid: this is why a checkpoint is to be kept elsewhere."""
    place = copied(honest, tmp_path)
    ATTACKS[name](place, chance.rng("audit"))
    assert not is_told(place, place.state / "keys", kept=False)


def test_a_line_appended_behind_the_checkpoint_is_told_for_ever(honest: Place, tmp_path: Path) -> None:
    """No checkpoint saw it, so it may be a line that a process could not sign before it died: both are told for ever."""
    place = copied(honest, tmp_path)
    connection = opened(place)
    lines = chain(connection)
    write(connection, rechained([*lines, lines[-1] | {"principal": "person:eve"}]))
    heads = [line["hash"] for line in rechained([*lines, lines[-1] | {"principal": "person:eve"}])]
    verifier = TrustFolder(honest.state / "keys", context=audit.CONTEXT)
    found = audit.check_checkpoint(place.checkpoint.read_bytes(), heads, verifier, "checkpoint", is_newest=True)
    assert found.outcome == "warn"
    assert found.message.endswith(", and 1 later")
    registry = Registry(place.state)
    caught = registry.audit()[-1]
    assert (caught.kind, caught.principal) == ("checkpoint caught up", "seaway")
    assert caught.reason.startswith(f"lines {len(lines) + 1} to {len(lines) + 1} stood behind the checkpoint")
    assert [verdict.outcome for verdict in registry.verify_audit()[0]] == ["pass"] * 3


def test_a_chain_that_was_edited_cannot_be_accepted(honest: Place, tmp_path: Path) -> None:
    place = copied(honest, tmp_path)
    edited(then=lambda lines, at: lines)(place, chance.rng("audit"))
    before = place.checkpoint.read_bytes()
    with pytest.raises(Refused, match="no later line can mend that"):
        Registry(place.state).accept_audit("it was me", "person:eve")
    assert place.checkpoint.read_bytes() == before


def test_a_whole_chain_has_nothing_to_accept(honest: Place, tmp_path: Path) -> None:
    place = copied(honest, tmp_path)
    with pytest.raises(Refused, match="there is nothing to accept"):
        Registry(place.state).accept_audit("why not", "person:ben")
    assert not list(place.checkpoint.parent.glob("set-aside-*"))


def test_an_older_registry_is_gone_on_with_once_somebody_says_why(honest: Place, tmp_path: Path) -> None:
    place = copied(honest, tmp_path)
    registry_rolled_back(place, chance.rng("audit"))
    registry = Registry(place.state)
    with pytest.raises(Refused, match="does not hold the"):
        registry.note("credit", "hold", reason="later", principal="update")
    registry.accept_audit("the disk was restored", "person:ben")
    assert registry.audit()[-1].kind == "chain accepted"
    assert [verdict.outcome for verdict in registry.verify_audit()[0]] == ["pass"] * 3


@pytest.mark.soak
def test_200_tamperings_are_told(honest: Place, tmp_path: Path) -> None:
    told: dict[str, int] = {}
    for number in range(TRIES):
        name = tamper(honest, tmp_path / str(number), number)
        told[name] = told.get(name, 0) + 1
        shutil.rmtree(tmp_path / str(number))
    by_both = sum(count for name, count in told.items() if name in SEEN_BY_BOTH)
    print(
        f"\n{sum(told.values())} of {TRIES} tamperings told ({len(told)} kinds); {by_both} of {by_both} by the script too"
    )
