"""Rig R3: a disk of a few MiB that is full. Nothing is acknowledged without its record, what fails says so, and all goes on by itself (A06)."""

from __future__ import annotations

import contextlib
import errno
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from seaway.core import event, segment
from seaway.core.errors import Unavailable
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.security.sign import Ed25519Signer
from seaway.serve import labels as offline
from seaway.serve.log import EventLog
from seaway.serve.segments import OpenSegment, mend
from tests import credit, serving
from tests.bundles import PASSED, add_release, write_bundle
from tests.crash.disks import tmpfs
from tests.crash.ledger import Client, load, missing, told
from tests.crash.operations import MODEL, answer, leftovers, logged, whole
from tests.serving import Running

DISK_BYTES = 6 << 20
BACK_S = 10.0
FULL_S, FULL_LONG_S = 1.5, 5.0


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Take all that is left of the disk, as another program's file would, until the block ends."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    try:
        yield
    finally:
        filler.unlink()


def is_full(disk: Path) -> bool:
    try:
        (disk / "probe").write_bytes(b"x")
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False


def a_full_disk(disk: Path, port: int, seconds: float, times: int) -> list[float]:
    """Fill the disk of a server under load so many times; return the seconds it took each time to answer again."""
    state = disk / "project" / ".seaway"
    state.parent.mkdir()
    serving.make_state(state)
    with serving.running(state, port, segment_bytes=100_000) as server:
        workers = server.workers()
        with load(port, 100) as clients:
            back = [_filled(disk, server, clients, seconds) for _ in range(times)]
        assert server.workers() == workers, "it went on without a restart"
        assert server.is_ready()
        assert server.stop() == 0
    answers, labelled = told(clients)
    assert missing(state, answers, labelled) == (0, 0, 0), "an answer left without its record"
    assert {reason for client in clients for reason in client.refused} == {"503 log-unavailable"}
    assert [client.cut for client in clients] == [0] * len(clients)
    assert {path.suffix for path in (state / "log" / MODEL).iterdir()} == {".seg"}
    return back


def _filled(disk: Path, server: Running, clients: Sequence[Client], seconds: float) -> float:
    """Fill the disk for so many seconds; return how long after that answers came again."""
    answered = len(told(clients)[0])
    server.wait_until(lambda: len(told(clients)[0]) > answered + 20)
    refused = sum(client.refused.total() for client in clients)
    with full(disk):
        time.sleep(seconds)
        server.wait_until(lambda: sum(client.refused.total() for client in clients) > refused)
        assert is_full(disk)
    began, answered = time.monotonic(), len(told(clients)[0])
    server.wait_until(lambda: len(told(clients)[0]) > answered + 10, BACK_S)
    return time.monotonic() - began


def test_a_full_disk_stops_the_answers_and_nothing_else(tmp_path: Path, free_port: int) -> None:
    with tmpfs(tmp_path / "disk", DISK_BYTES) as disk:
        a_full_disk(disk, free_port, FULL_S, 1)


@pytest.mark.soak
def test_a_disk_that_is_full_ten_times(tmp_path: Path, free_port: int) -> None:
    with tmpfs(tmp_path / "disk", 4 * DISK_BYTES) as disk:
        back = a_full_disk(disk, free_port, FULL_LONG_S, 10)
    print(
        f"\nA06: 10 x full for {FULL_LONG_S} s under 100 rps: 0 answers without a record, all refused with 503;",
        end=" ",
    )
    print(f"answers again after {max(back):.2f} s at most, without a restart")


# ------------------------------------------------------------------------------------------------- other commands


def _promote(state: Path) -> None:
    promote(Registry(state), MODEL, 2, "second", "test")


def _register(state: Path) -> None:
    registry = Registry(state)
    registry.register(state.parent / "built", registry.reserve(MODEL, "c"), PASSED, "test")


def _label(state: Path) -> None:
    told = [{"id": f"L{number}", "value": "bad"} for number in range(2000)]
    offline.write(state / "log", MODEL, told, credit.CONTRACT, principal="test")


def _mend(state: Path) -> None:
    mend(state / "log" / MODEL)


def _sign(state: Path) -> None:
    Ed25519Signer.load_or_make(state / "other-keys")


def _log(state: Path) -> None:
    EventLog(state / "log" / "another", 0).close()
    EventLog(state / "log" / MODEL, 0).close()


COMMANDS: dict[str, Callable[[Path], None]] = {
    "promote": _promote,
    "register": _register,
    "label": _label,
    "mend": _mend,
    "sign": _sign,
    "log": _log,
}


def prepared(disk: Path) -> Path:
    """Make a project with two releases, a third that is built, and a segment that a crash left open."""
    state = disk / "project" / ".seaway"
    state.parent.mkdir()
    for key in "ab":
        add_release(state, key)
    registry = Registry(state)
    promote(registry, MODEL, 1, "first", "test")
    reservation = registry.reserve(MODEL, "c")
    write_bundle(
        state.parent / "built",
        Ed25519Signer.load_or_make(state / "keys"),
        files={"program/graph.onnx": bytes(50_000)},
        version=reservation.version,
        sequence=reservation.sequence,
        parent=reservation.parent,
        created=reservation.created,
    )
    (state / "log" / MODEL).mkdir(parents=True)
    opened = OpenSegment(state / "log" / MODEL, 0, 5, lambda _: None)
    opened.write(b"".join(segment.frame(event.encode(answer(number, f"R{number}"))) for number in range(40)))
    opened.abandon()
    return state


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_full_disk_says_so_and_arrives_later(name: str, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", DISK_BYTES) as disk:
        state = prepared(disk)
        before = logged(state / "log" / MODEL)
        with full(disk):
            with pytest.raises(Unavailable, match=r"space|full") as refused:
                COMMANDS[name](state)
            assert refused.value.fix
            now = whole(state).assignment(MODEL)
            assert now is not None
            assert now.sequence == 1
            assert logged(state / "log" / MODEL) == before
            assert [path for path in leftovers(state) if not path.endswith("-journal")] == []
        COMMANDS[name](state)
        assert leftovers(state) == []


def test_the_command_line_ends_with_a_message_and_exit_3(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", DISK_BYTES) as disk:
        state = prepared(disk)
        (state.parent / "seaway.toml").write_text('[project]\nname = "credit"\n')
        command = [sys.executable, "-m", "seaway.cli", "promote", "2", "--reason", "better", "--json"]
        with full(disk):
            done = subprocess.run(command, cwd=state.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
        said = json.loads(done.stdout)["error"]
        assert "full" in said["message"]
        assert "space" in said["fix"]
        done = subprocess.run(command, cwd=state.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
