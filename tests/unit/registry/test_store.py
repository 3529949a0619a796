"""Releases, assignments and history."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seaway.core.assignment import Assignment
from seaway.core.errors import BadInput, Conflict, NotFound, Refused, Unavailable, Untrusted
from seaway.core.verdict import Verdict
from seaway.registry import promote, schema, source
from seaway.registry.store import Registry
from seaway.security.sign import Ed25519Signer
from tests.bundles import PASSED, add_release, write_bundle


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".seaway"


def assigned(model: str, champion: str, **more: object) -> Assignment:
    return Assignment(model=model, sequence=0, champion=champion, **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- reservations


def test_the_same_key_gets_the_same_reservation(state: Path) -> None:
    first = Registry(state).reserve("credit", "a")
    assert Registry(state).reserve("credit", "a") == first
    assert (first.version, first.sequence, first.parent) == (1, 1, "")


def test_versions_and_sequences_count_by_model(state: Path) -> None:
    registry = Registry(state)
    made = [registry.reserve(model, key) for model, key in [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")]]
    assert [one.version for one in made] == [1, 1, 2, 2]
    assert [one.sequence for one in made] == [1, 1, 2, 2]


def test_a_reservation_keeps_the_parent_of_its_moment(state: Path) -> None:
    first = add_release(state, "a")
    registry = Registry(state)
    promote.promote(registry, "credit", 1, "first", "me")
    second = registry.reserve("credit", "b")
    assert second.parent == first
    promote.promote(registry, "credit", add_release(state, "c"), "other", "me")
    assert registry.reserve("credit", "b") == second


@pytest.mark.parametrize("name", ["", "Credit", "a/b", "../a", "a b", "é", "a" * 65, ".a"])
def test_a_name_that_could_be_a_path_is_refused(state: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a model's name"):
        Registry(state).reserve(name, "key")
    assert Registry(state).models() == []


# -------------------------------------------------------------------------------------------------------- releases


def test_a_release_is_found_by_version_digest_and_beginning(state: Path) -> None:
    digest = add_release(state, "a")
    registry = Registry(state)
    release = registry.release("credit", 1)
    assert release.digest == digest
    assert release.verdicts == PASSED
    assert (
        registry.release("credit", "1") == registry.release("credit", digest) == registry.release("credit", digest[:8])
    )
    assert registry.store.get(digest).is_dir()
    assert registry.models() == ["credit"]


@pytest.mark.parametrize("reference", ["2", "0", "ffffffffff", "", "abc", "not a release"])
def test_a_release_that_is_not_there_names_those_that_are(state: Path, reference: str) -> None:
    digest = add_release(state, "a")
    with pytest.raises(NotFound, match="has no release") as raised:
        Registry(state).release("credit", reference)
    assert f"1 ({digest[:8]})" in raised.value.fix


def test_a_model_without_releases_says_how_to_make_one(state: Path) -> None:
    with pytest.raises(NotFound, match="has no release") as raised:
        Registry(state).release("churn", 1)
    assert "seaway release" in raised.value.fix


def test_registering_twice_changes_nothing(state: Path) -> None:
    digest = add_release(state, "a")
    before = Registry(state).history("credit")
    assert add_release(state, "a") == digest
    assert Registry(state).history("credit") == before
    assert len(Registry(state).releases("credit")) == 1


@pytest.mark.parametrize(
    "verdicts",
    [
        (),
        (Verdict(code="R004", outcome="fail", subject="b", message="17 beyond"),),
        (*PASSED, Verdict(code="R004", outcome="fail", subject="b", message="17 beyond")),
        (Verdict(code="R004", outcome="not-applicable", subject="b", message="not asked"),),
    ],
    ids=["none", "failed", "one failed", "not asked"],
)
def test_nothing_is_registered_without_a_passing_verdict(state: Path, verdicts: tuple[Verdict, ...]) -> None:
    registry = Registry(state)
    reservation = registry.reserve("credit", "a")
    folder = write_bundle(state.parent / "b", Ed25519Signer.load_or_make(state / "keys"))
    with pytest.raises(Refused, match="has not passed its checks"):
        registry.register(folder, reservation, verdicts, "me")
    assert registry.releases("credit") == []
    assert list(registry.store) == []


def test_a_bundle_by_a_stranger_is_not_registered(state: Path, tmp_path: Path) -> None:
    registry = Registry(state)
    folder = write_bundle(tmp_path / "b", Ed25519Signer.load_or_make(tmp_path / "stranger"))
    with pytest.raises(Untrusted, match="not trusted here"):
        registry.register(folder, registry.reserve("credit", "a"), PASSED, "me")
    assert list(registry.store) == []


@pytest.mark.parametrize("changes", [{"version": 2}, {"sequence": 7}, {"model": "churn"}])
def test_a_bundle_must_be_what_was_reserved(state: Path, changes: dict[str, object]) -> None:
    registry = Registry(state)
    folder = write_bundle(state.parent / "b", Ed25519Signer.load_or_make(state / "keys"), **changes)
    with pytest.raises(Refused, match="reserved was credit version 1"):
        registry.register(folder, registry.reserve("credit", "a"), PASSED, "me")


def test_another_bundle_cannot_take_a_version(state: Path, tmp_path: Path) -> None:
    add_release(state, "a")
    registry = Registry(state)
    other = write_bundle(tmp_path / "b", Ed25519Signer.load_or_make(state / "keys"), files={"card.md": b"other"})
    with pytest.raises(Conflict, match=r"Version 1 of credit is \w+ already"):
        registry.register(other, registry.reserve("credit", "a"), PASSED, "me")


# ----------------------------------------------------------------------------------------------------- assignments


def test_a_move_is_read_back_as_it_was_made(state: Path) -> None:
    one, two, three = (add_release(state, key) for key in "abc")
    registry = Registry(state)
    assert registry.assignment("credit") is None
    made = registry.move(
        assigned("credit", one, canary=(two, 0.05), shadows=(three,), salt="s"),
        expect=0,
        reason="try",
        principal="me",
        evidence=PASSED,
    )
    assert made == registry.assignment("credit")
    assert (made.sequence, made.canary, made.shadows, made.salt, made.reason) == (1, (two, 0.05), (three,), "s", "try")
    entry = registry.history("credit")[-1]
    assert (entry.kind, entry.sequence, entry.principal, entry.reason) == ("assigned", 1, "me", "try")
    assert entry.evidence == PASSED


@pytest.mark.parametrize("expect", [0, 2, -1])
def test_who_has_not_seen_the_newest_assignment_cannot_move_it(state: Path, expect: int) -> None:
    one, two = add_release(state, "a"), add_release(state, "b")
    registry = Registry(state)
    promote.promote(registry, "credit", one, "first", "me")
    with pytest.raises(Conflict, match=f"is not number {expect} any more"):
        registry.move(assigned("credit", two), expect=expect, reason="late", principal="you")
    now = registry.assignment("credit")
    assert now is not None
    assert (now.champion, now.sequence) == (one, 1)


def test_of_many_who_move_at_once_one_wins(state: Path) -> None:
    digest = add_release(state, "a")
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def move(name: str) -> None:
        registry = Registry(state)
        gate.wait()
        try:
            registry.move(assigned("credit", digest), expect=0, reason=name, principal=name)
        except Conflict:
            outcomes.append("lost")
        else:
            outcomes.append(name)

    threads = [threading.Thread(target=move, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome != "lost"]
    assert len(winners) == 1
    now = Registry(state).assignment("credit")
    assert now is not None
    assert (now.sequence, now.reason) == (1, winners[0])


def test_only_registered_releases_can_answer(state: Path, tmp_path: Path) -> None:
    registry = Registry(state)
    digest = add_release(state, "a")
    with pytest.raises(NotFound, match="There is no bundle"):
        registry.move(assigned("credit", "f" * 64), expect=0, reason="", principal="me")
    stored = registry.store.put(write_bundle(tmp_path / "b", Ed25519Signer.load_or_make(state / "keys"), version=9))
    with pytest.raises(NotFound, match=f"credit has no release {stored[:12]}"):
        registry.move(assigned("credit", digest, shadows=(stored,)), expect=0, reason="", principal="me")
    add_release(state, "z", model="churn")
    with pytest.raises(NotFound, match="churn has no release"):
        registry.move(assigned("churn", digest), expect=0, reason="", principal="me")


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_outside_its_range_is_refused(state: Path, share: float) -> None:
    one, two = add_release(state, "a"), add_release(state, "b")
    with pytest.raises(BadInput, match="share above 0 and at most 1"):
        Registry(state).move(assigned("credit", one, canary=(two, share)), expect=0, reason="", principal="me")


def test_the_champion_is_no_canary(state: Path) -> None:
    one = add_release(state, "a")
    with pytest.raises(BadInput, match="another release than the champion"):
        Registry(state).move(assigned("credit", one, canary=(one, 0.5)), expect=0, reason="", principal="me")


# --------------------------------------------------------------------------------------------------------- history


def test_a_decision_that_moves_nothing_is_written_down(state: Path) -> None:
    registry = Registry(state)
    hold = Verdict(code="U003", outcome="warn", subject="credit", message="120 more labels are needed")
    registry.note("credit", "hold", reason="too few labels", principal="update", evidence=[hold])
    (entry,) = registry.history("credit")
    assert (entry.kind, entry.sequence, entry.evidence) == ("hold", None, (hold,))


@pytest.mark.parametrize("table", ["assignments", "audit", "releases", "reservations"])
@pytest.mark.parametrize("change", ["DELETE FROM {table}", "UPDATE {table} SET model = 'x'"])
def test_nothing_that_was_written_can_be_changed(state: Path, table: str, change: str) -> None:
    add_release(state, "a")
    promote.promote(Registry(state), "credit", 1, "first", "me")
    with sqlite3.connect(state / "registry.db") as connection:
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} only grows"):
            connection.execute(change.format(table=table))
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    assert count > 0


# ------------------------------------------------------------------------------------------------- files and locks


def test_sqlite_runs_as_safely_as_it_can(state: Path) -> None:
    registry = Registry(state)
    with registry._engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "delete", "synchronous": 3, "foreign_keys": 1}


def test_a_newer_schema_is_refused_and_nothing_is_changed(state: Path) -> None:
    add_release(state, "a")
    with sqlite3.connect(state / "registry.db") as connection:
        connection.execute("UPDATE meta SET value = '3' WHERE name = 'schema'")
    connection.close()
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    with pytest.raises(Unavailable, match="has schema 3, this version knows up to 2; nothing was changed"):
        Registry(state)
    with pytest.raises(Unavailable, match="has schema 3"):
        source.RegistrySource(state).assignments()
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file()} == before


def test_reader_and_writer_know_the_same_schema() -> None:
    assert source.SCHEMA == schema.VERSION


def test_a_file_that_is_no_registry_is_left_alone(state: Path) -> None:
    state.mkdir()
    with sqlite3.connect(state / "registry.db") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(Unavailable, match="no registry of Seaway"):
        Registry(state)
    (state / "registry.db").write_bytes(b"this was a registry once" * 100)
    with pytest.raises(Unavailable, match="The registry is damaged: file is not a database"):
        Registry(state)
    assert (state / "registry.db").read_bytes() == b"this was a registry once" * 100


def test_a_registry_that_stays_locked_says_so(state: Path) -> None:
    add_release(state, "a")
    registry = Registry(state)
    holder = sqlite3.connect(state / "registry.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        from seaway.registry.connect import open_engine

        registry._engine = registry._ledger._engine = open_engine(state / "registry.db", busy_s=0.1)
        with pytest.raises(Unavailable, match="kept the registry busy for too long") as raised:
            registry.reserve("credit", "b")
        assert raised.value.code == "busy"
    finally:
        holder.close()
    assert registry.reserve("credit", "b").version == 2


# ---------------------------------------------------------------------------------------- any order of any moves


class Moves(RuleBasedStateMachine):
    """Whatever people and the update loop do, history is linear and the newest assignment is what was last decided."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.state = Path(self._folder.name) / ".seaway"
        self.log: list[Assignment] = []
        self.undo: list[int] = []  # places in `log` that a rollback may go back to, oldest first, the current one last

    def teardown(self) -> None:
        self._folder.cleanup()

    @initialize()
    def start(self) -> None:
        self.digests = [add_release(self.state, key) for key in "abc"]
        self.registry = Registry(self.state)

    @property
    def expect(self) -> int:
        return self.log[-1].sequence if self.log else 0

    @rule(champion=st.integers(0, 2), canary=st.integers(0, 2), share=st.floats(0.01, 1), shadow=st.booleans())
    def move(self, champion: int, canary: int, share: float, shadow: bool) -> None:
        wanted = Assignment(
            model="credit",
            sequence=0,
            champion=self.digests[champion],
            canary=(self.digests[canary], share) if canary != champion else None,
            shadows=(self.digests[2],) if shadow else (),
            salt=str(len(self.log)),
        )
        self.log.append(self.registry.move(wanted, expect=self.expect, reason="m", principal="p"))
        self.undo.append(len(self.log) - 1)

    @rule(version=st.integers(1, 3))
    def promote(self, version: int) -> None:
        done = promote.promote(self.registry, "credit", version, "p", "p")
        assert (done.champion, done.canary, done.shadows) == (self.digests[version - 1], None, ())
        if not self.log or done != self.log[-1]:
            self.log.append(done)
            self.undo.append(len(self.log) - 1)

    @precondition(lambda self: len(self.undo) > 1)
    @rule()
    def rollback(self) -> None:
        now = self.log[self.undo[-1]]
        withdrawn = now.canary[0] if now.canary else now.champion
        clean = [place for place in self.undo[:-1] if withdrawn not in self.log[place].digests]
        target = clean[-1] if clean else self.undo[-2]
        done = promote.rollback(self.registry, "credit", "back", "p")
        former = msgspec.structs.replace(self.log[target], sequence=done.sequence, reason="back")
        assert done == former, "the whole former assignment: champion, canary, shadows and salt"
        self.log.append(done)
        self.undo = self.undo[: self.undo.index(target) + 1]

    @precondition(lambda self: len(self.undo) == 1)
    @rule()
    def nothing_before(self) -> None:
        with pytest.raises(Refused, match="no former assignment"):
            promote.rollback(self.registry, "credit", "back", "p")

    @rule(stale=st.integers(1, 5))
    def stale(self, stale: int) -> None:
        with pytest.raises(Conflict, match="someone else moved it"):
            self.registry.move(
                Assignment(model="credit", sequence=0, champion=self.digests[0]),
                expect=self.expect - stale,
                reason="late",
                principal="p",
            )

    @invariant()
    def the_newest_is_the_last_decided(self) -> None:
        if not self.log:
            return
        assert self.registry.assignment("credit") == self.log[-1]
        assert self.registry.assignments("credit") == self.log
        assert [one.sequence for one in self.log] == list(range(1, len(self.log) + 1))
        moves = [entry.sequence for entry in self.registry.history("credit") if entry.sequence is not None]
        assert moves == [one.sequence for one in self.log]
        assert source.RegistrySource(self.state).assignments() == {"credit": self.log[-1]}


TestMoves = Moves.TestCase
TestMoves.settings = settings(max_examples=20, stateful_step_count=14, deadline=None)
