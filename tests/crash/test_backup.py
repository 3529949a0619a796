"""A backup under load holds all that was acknowledged before it began; backup and restore, struck anywhere, leave nothing half-made.

A04 and A10. Struck is at every system call that touches files: killed, or failing with EIO or ENOSPC (rig R1).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from seaway.core import segment
from seaway.core.errors import Unavailable
from seaway.core.event import Prediction
from seaway.core.verdict import Verdict, failed, worst
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.serve.segments import of_folder
from seaway.workflow.backup.restore import Restored, restore
from seaway.workflow.backup.take import backup
from seaway.workflow.doctor.examine import doctor
from seaway.workflow.workspace import open_project
from tests.bundles import add_release
from tests.crash.operations import Operation, whole
from tests.crash.rig import Ledger
from tests.crash.test_every_call import strikes
from tests.golden.frozen import FOLDER
from tests.serving import ROW, make_state, running

SETTINGS = '[project]\nname = "credit"\n'
CLIENTS, LATER = 4, 40
SHORT = 3
"""Strikes of each operation in the short form: each is followed by a whole restore."""


def make_project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "seaway.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def half_made(folder: Path) -> list[str]:
    """Return what a backup or restore that was cut short leaves beside its target."""
    return sorted(path.name for path in folder.glob(".*.partial"))


def refuse_failed(verdicts: Sequence[Verdict]) -> None:
    """End as the command line does where something does not hold: a disk that fails to read is one such thing."""
    for wrong in failed(verdicts):
        raise Unavailable(wrong.message, where=wrong.subject, fix=wrong.fix)


class Backup(Operation):
    """A project with a release and a log is backed up; where the name is taken the work was done before."""

    def prepare(self, folder: Path) -> None:
        state = make_project(folder / "loans") / ".seaway"
        make_state(state)
        shutil.rmtree(state / "staging")
        shutil.copytree(FOLDER / "v1" / "state" / "log" / "credit", state / "log" / "credit")

    def run(self, folder: Path, ledger: Ledger) -> None:
        if not (folder / "backup").exists():
            refuse_failed(backup(open_project(folder / "loans"), folder / "backup").verdicts)
        ledger.note("done")

    def check(self, folder: Path, told: list[str]) -> None:
        Registry(folder / "loans" / ".seaway")
        assert not told or (folder / "backup").exists()
        if (folder / "backup").exists():  # whatever has its name is whole
            with_scratch(folder, lambda scratch: restore(folder / "backup", scratch))

    def arrived(self, folder: Path) -> None:
        self.check(folder, ["done"])
        assert half_made(folder) == []


class Restore(Backup):
    """A project is restored; where it stands already the work was done before."""

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        super().run(folder, Ledger())

    def run(self, folder: Path, ledger: Ledger) -> None:
        if not (folder / "again").exists():
            refuse_failed(restore(folder / "backup", folder / "again").verdicts)
        ledger.note("done")

    def check(self, folder: Path, told: list[str]) -> None:
        assert not told or (folder / "again").exists()
        if (folder / "again").exists():
            found = doctor(folder / "again")
            assert worst(one for one in found if one.code in ("H011", "H015", "H016", "H017", "H019")) == "pass", found


def with_scratch(folder: Path, act: Callable[[Path], Restored]) -> None:
    done = act(folder / "scratch")
    assert done.is_done, done.verdicts
    shutil.rmtree(folder / "scratch")


OPERATIONS: dict[str, Operation] = {"backup": Backup(), "restore": Restore()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_struck_at_some_calls(name: str, tmp_path: Path) -> None:
    every, hits = strikes(OPERATIONS[name], tmp_path, SHORT)
    assert hits > min(SHORT, every) // 2


@pytest.mark.soak
@pytest.mark.parametrize("name", OPERATIONS)
def test_struck_at_every_call(name: str, tmp_path: Path) -> None:
    every, hits = strikes(OPERATIONS[name], tmp_path, None)
    print(
        f"\nA04 {name}: {hits} of {every} points struck (kill, EIO, ENOSPC), nothing half-made left, all arrived again"
    )
    assert hits >= 0.9 * every


# ----------------------------------------------------------------------------------------------------- under load


def ids(state: Path) -> set[str]:
    """Return the request ids of every answer that can be read in a log."""
    return {
        one.request_id
        for _, _, path in of_folder(state / "log" / "credit")
        for _, one in segment.events(path)
        if isinstance(one, Prediction)
    }


def load_and_back_up(tmp_path: Path, port: int, rounds: int) -> tuple[int, int]:
    """Back up again and again while clients ask and releases are promoted; return acknowledged answers, and promotions."""
    project = make_project(tmp_path / "project")
    digests = make_state(project / ".seaway", seeds=2)
    told: list[str] = []
    stop, moved = threading.Event(), 0
    with running(project / ".seaway", port, segment_s=0.3) as server:

        def ask() -> None:
            while not stop.is_set():
                told.append(str(server.predict(ROW)["request_id"]))

        clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for number in range(rounds):
                server.wait_until(lambda goal=(number + 1) * LATER: len(told) >= goal, 30.0)
                registry = Registry(project / ".seaway")
                promote(registry, "credit", digests[(number + 1) % 2], f"round {number}", "test")
                moved += 1
                before, champion = set(told), registry.assignment("credit")
                made = backup(open_project(project), tmp_path / f"backup-{number}")
                assert worst(made.verdicts) == "pass", made.verdicts
                done = restore(made.folder, tmp_path / f"restored-{number}")
                assert done.is_done, done.verdicts
                restored = tmp_path / f"restored-{number}" / ".seaway"
                assert before <= ids(restored), "an answer acknowledged before the backup is not in it"
                now = Registry(restored).assignment("credit")
                assert (now, champion) == (champion, now), "the assignment is the one of the moment"
        finally:
            stop.set()
            for client in clients:
                client.join()
        assert server.stop() == 0
    return len(told), moved


@pytest.mark.slow
def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it(tmp_path: Path, free_port: int) -> None:
    answers, moved = load_and_back_up(tmp_path, free_port, rounds=2)
    assert answers >= 2 * LATER
    assert moved == 2
    last = tmp_path / "restored-1" / ".seaway"
    with running(last, free_port) as server:
        assert server.predict(ROW)["predictions"]


@pytest.mark.soak
def test_twenty_backups_under_load(tmp_path: Path, free_port: int) -> None:
    answers, moved = load_and_back_up(tmp_path, free_port, rounds=20)
    print(
        f"\nA10: 20 backups under load, {answers} answers acknowledged, {moved} promotions; 0 missing, all restored and verified"
    )


def test_a_release_registered_meanwhile_is_whole_in_the_backup_or_not_named(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    add_release(project / ".seaway", "first")
    promote(Registry(project / ".seaway"), "credit", 1, "first", "test")
    stop = threading.Event()

    def release() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            add_release(project / ".seaway", f"more-{number}")

    worker = threading.Thread(target=release)
    worker.start()
    try:
        found = [backup(open_project(project), tmp_path / f"backup-{number}").listing for number in range(3)]
    finally:
        stop.set()
        worker.join()
    assert all(one.missing == () for one in found)
    whole(project / ".seaway")
