"""Rig R2: the power goes at any moment; whatever was acknowledged by then is there when the machine comes back.

Processes work on an ext4 of their own that writes back by itself only after minutes, and are stopped; the image of that moment is
mounted elsewhere and recovered. What was acknowledged stands in memory outside of that disk.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.core import chance, segment
from seaway.core.event import Label
from seaway.registry.connect import open_engine, transaction
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.serve import labels as offline
from seaway.serve.log import EventLog
from seaway.serve.segments import mend
from seaway.serve.supervise import prepare
from tests import credit, serving
from tests.bundles import add_release
from tests.crash import ledger as clients
from tests.crash.disks import Ext4, ext4
from tests.crash.operations import MODEL, answer, leftovers, logged, whole
from tests.crash.rig import Ledger, fork

SHORT, LONG = 2, 10
"""Images of each workload; the server's are taken under load, the others where nothing but the one operation writes."""

PAUSE_S = 0.02

Work = Callable[[Path, Ledger], None]


def promotions(state: Path, ledger: Ledger) -> None:
    registry = Registry(state)
    while True:
        for version in (1, 2):
            ledger.note(str(promote(registry, MODEL, version, "loop", "test").sequence))
            time.sleep(PAUSE_S)


def check_promotions(state: Path, told: list[str]) -> None:
    now = whole(state).assignment(MODEL)
    assert now is not None
    assert now.sequence >= int(told[-1]), "an acknowledged promotion is lost"


def transactions(state: Path, ledger: Ledger) -> None:
    """Commit without the signed checkpoint that follows a move of the registry and would make the commit durable with it."""
    engine = open_engine(state / "other.db")
    with transaction(engine, write=True) as connection:
        connection.exec_driver_sql("CREATE TABLE told (number INTEGER)")
    for number in range(1_000_000):
        with transaction(engine, write=True) as connection:
            connection.exec_driver_sql("INSERT INTO told VALUES (?)", (number,))
        ledger.note(str(number))
        time.sleep(PAUSE_S)


def check_transactions(state: Path, told: list[str]) -> None:
    with transaction(open_engine(state / "other.db"), write=False) as connection:
        held = {str(number) for (number,) in connection.exec_driver_sql("SELECT number FROM told")}
    assert set(told) <= held, "an acknowledged transaction is lost"


def releases(state: Path, ledger: Ledger) -> None:
    for number in range(10_000):
        ledger.note(add_release(state, f"key-{number}"))
        time.sleep(PAUSE_S)


def check_releases(state: Path, told: list[str]) -> None:
    registry = whole(state)
    found = [release.digest for release in registry.releases(MODEL)]
    assert set(told) <= set(found), "an acknowledged release is lost"
    assert set(found) <= set(registry.store)
    registry.reserve(MODEL, "next")  # whoever writes next removes what is left over
    assert leftovers(state) == []


def answers(state: Path, ledger: Ledger) -> None:
    async def append() -> None:
        log = EventLog(state / "log" / MODEL, 0, segment_bytes=3000)
        for sequence in range(1_000_000):
            identifier = log.next_id()
            await log.append(answer(sequence, identifier))
            ledger.note(f"{identifier} {sequence}")
            await asyncio.sleep(PAUSE_S / 10)

    asyncio.run(append())


def check_answers(state: Path, told: list[str]) -> None:
    mend(state / "log" / MODEL)
    found = dict(logged(state / "log" / MODEL))
    for line in told:
        identifier, sequence = line.split()
        place = segment.place_of(identifier)
        assert place is not None
        assert found.get(place) == answer(int(sequence), identifier), "an acknowledged answer is lost"


def labels(state: Path, ledger: Ledger) -> None:
    for number in range(1_000_000):
        offline.write(state / "log", MODEL, [{"id": f"L{number}", "value": "bad"}], credit.CONTRACT, principal="p")
        ledger.note(f"L{number}")
        time.sleep(PAUSE_S / 4)


def check_labels(state: Path, told: list[str]) -> None:
    mend(state / "log" / MODEL)
    times = Counter(one.id for _, one in logged(state / "log" / MODEL) if isinstance(one, Label))
    assert set(told) <= set(times), "an acknowledged label is lost"


WORK: dict[str, tuple[Work, Callable[[Path, list[str]], None]]] = {
    "transactions": (transactions, check_transactions),
    "promotions": (promotions, check_promotions),
    "releases": (releases, check_releases),
    "answers": (answers, check_answers),
    "labels": (labels, check_labels),
}


def made(disk: Path) -> Path:
    """Make a state folder with two releases, durable as a whole before anything is acknowledged."""
    state = disk / "project" / ".seaway"
    state.parent.mkdir()
    for key in "ab":
        add_release(state, key)
    promote(Registry(state), MODEL, 1, "first", "test")
    return state


def power_cuts(work: Work, check: Callable[[Path, list[str]], None], folder: Path, images: int) -> int:
    """Cut the power under one workload so many times; return how many acknowledgements were held to the images."""
    rng, held = chance.rng("power", work.__name__), 0
    with ext4(folder) as machine:
        state, ledger = made(machine.disk), Ledger()
        os.sync()
        pid, _ = fork(lambda _: work(state, ledger))
        try:
            _until(lambda: len(ledger.lines) > 3)
            for number in range(images):
                time.sleep(float(rng.uniform(0.0, 2 * PAUSE_S)))
                with machine.cut_power([pid]) as stopped:
                    told = ledger.lines
                    image = stopped.copy(folder / f"image-{number}.img")
                with machine.after_power_loss(image) as disk:
                    check(disk / state.relative_to(machine.disk), told)
                image.unlink()
                held += len(told)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return held


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "nothing was acknowledged"
        time.sleep(0.005)


def server_cuts(folder: Path, port: int, images: int) -> tuple[int, int]:
    """Cut the power of a machine that serves under load; return how many answers and labels were held to the images."""
    rng, held, labelled = chance.rng("power", "server"), 0, 0
    with ext4(folder) as machine:
        state = machine.disk / "project" / ".seaway"
        state.parent.mkdir()
        serving.make_state(state)
        os.sync()
        with serving.running(state, port, segment_bytes=50_000) as server, clients.load(port, 200) as asking:
            _until(lambda: len(clients.told(asking)[1]) > 2)
            for number in range(images):
                time.sleep(float(rng.uniform(0.05, 0.3)))
                with machine.cut_power([server.process.pid, *server.workers()]) as stopped:
                    answered, known = clients.told(asking)
                    image = stopped.copy(folder / f"image-{number}.img")
                with machine.after_power_loss(image) as disk:
                    there = disk / state.relative_to(machine.disk)
                    prepare(there)
                    whole(there)
                    assert clients.missing(there, answered, known) == (0, 0, 0), (
                        "an acknowledged answer or label is lost"
                    )
                image.unlink()
                held, labelled = held + len(answered), labelled + len(known)
            assert server.stop() == 0
    return held, labelled


def test_the_rig_loses_what_was_not_made_durable(tmp_path: Path) -> None:
    """Without fsync a file's content is gone, without fsync of the folder its new name is; with both it is there."""
    with ext4(tmp_path) as machine:
        (machine.disk / "unsynced").write_bytes(b"content")
        with machine.cut_power([]) as stopped:
            first = stopped.copy(tmp_path / "first.img")
        _write_synced(machine, "temporary")
        (machine.disk / "temporary").rename(machine.disk / "final")
        with machine.cut_power([]) as stopped:
            second = stopped.copy(tmp_path / "second.img")
        with machine.after_power_loss(first) as disk:
            assert not (disk / "unsynced").exists()
        with machine.after_power_loss(second) as disk:
            assert not (disk / "final").exists()
            assert (disk / "temporary").read_bytes() == b"content"


def _write_synced(machine: Ext4, name: str) -> None:
    with (machine.disk / name).open("wb") as file:
        file.write(b"content")
        file.flush()
        os.fsync(file.fileno())


@pytest.mark.parametrize("name", WORK)
def test_what_was_acknowledged_survives_a_power_loss(name: str, tmp_path: Path) -> None:
    assert power_cuts(*WORK[name], tmp_path, SHORT) > SHORT


def test_a_server_loses_no_answer_to_a_power_loss(tmp_path: Path, free_port: int) -> None:
    assert server_cuts(tmp_path, free_port, SHORT)[0] > 10


@pytest.mark.soak
@pytest.mark.parametrize("name", WORK)
def test_ten_power_losses(name: str, tmp_path: Path) -> None:
    held = power_cuts(*WORK[name], tmp_path, LONG)
    print(f"\nR2 {name}: {LONG} images, {held} acknowledgements held to them, 0 lost")


@pytest.mark.soak
def test_ten_power_losses_of_a_server(tmp_path: Path, free_port: int) -> None:
    held, labelled = server_cuts(tmp_path, free_port, LONG)
    print(f"\nR2 server under 200 rps: {LONG} images, {held} answers and {labelled} labels held to them, 0 lost")
