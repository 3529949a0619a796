"""kill -9 under load: what a client was told is in the log, once, and the server is back by itself (A01)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seaway.core import chance
from seaway.serve.supervise import prepare
from tests import serving
from tests.crash.ledger import load, missing, told
from tests.serving import Running

RATE = 100
"""Requests a second."""

BACK_S = 5.0
"""Seconds within which a killed server is ready again."""


@dataclass
class Story:
    """What a run of kills did: kills of one worker, kills of all processes at once, and the seconds until ready again."""

    workers: int = 0
    servers: int = 0
    back_s: list[float] = field(default_factory=list)
    answers: int = 0
    labels: int = 0

    def __str__(self) -> str:
        slowest = max(self.back_s)
        return (
            f"{self.workers + self.servers} x kill -9 under {RATE} rps ({self.workers} of a worker, {self.servers} of all "
            f"processes): {self.answers} acknowledged answers and {self.labels} labels, 0 missing, 0 ids twice, 0 unreadable "
            f"segments; ready again after {sum(self.back_s) / len(self.back_s):.2f} s on average, {slowest:.2f} s at most"
        )


class Restarted:
    """A server that is started again whenever all of its processes are gone, as an init system does."""

    def __init__(self, state: Path, port: int, **settings: object) -> None:
        self._state, self._port, self._settings = state, port, settings
        self._held = contextlib.ExitStack()
        self.server = self._start()

    def _start(self) -> Running:
        return self._held.enter_context(serving.running(self._state, self._port, **self._settings))

    def kill_one(self, number: int) -> float:
        """Kill one worker; return the seconds until the server was ready without it."""
        workers = self.server.workers()
        began = time.monotonic()
        os.kill(workers[number % len(workers)], signal.SIGKILL)
        self.server.wait_until(lambda: self.server.is_ready() and len(self.server.workers()) >= len(workers), BACK_S)
        return time.monotonic() - began

    def kill_all(self) -> float:
        """Kill every process of the server and start another; return the seconds until it was ready."""
        began = time.monotonic()
        workers = self.server.workers()
        for pid in (self.server.process.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        self.server.process.wait()
        self.server = self._start()
        return time.monotonic() - began

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        with self._held:
            yield


def kills(folder: Path, port: int, times: int, **settings: object) -> Story:
    """Kill one worker or all processes at random moments under load; hold the log to what the clients were told."""
    state, story = folder / "state", Story()
    state.mkdir()
    serving.make_state(state)
    rng = chance.rng("kills", times)
    restarted = Restarted(state, port, **settings)
    with restarted.ending():
        with load(port, RATE) as clients:
            for number in range(times):
                time.sleep(float(rng.uniform(0.2, 0.8)))
                is_one = bool(number % 2)
                took = restarted.kill_one(int(rng.integers(8))) if is_one else restarted.kill_all()
                assert took <= BACK_S
                story.back_s.append(took)
                story.workers, story.servers = story.workers + is_one, story.servers + (not is_one)
            time.sleep(0.3)
        assert restarted.server.stop() == 0
    answers, labelled = told(clients)
    assert [client.repeated for client in clients] == [[]] * len(clients), "an id was given twice"
    assert sum(len(client.told) for client in clients) == len(answers), "an id was given to two clients"
    assert missing(state, answers, labelled) == (0, 0, 0)
    prepare(state)  # as the next start does: a worker that was killed last may not have had a successor before the stop
    assert {path.suffix for path in (state / "log" / "credit").iterdir()} == {".seg"}
    story.answers, story.labels = len(answers), len(labelled)
    assert story.answers > 10 * times
    return story


def test_no_acknowledged_answer_is_lost_to_kill_9(tmp_path: Path, free_port: int) -> None:
    kills(tmp_path, free_port, 3)


@pytest.mark.slow
def test_two_workers_and_small_segments(tmp_path: Path, free_port: int) -> None:
    kills(tmp_path, free_port, 2, workers=2, segment_bytes=20_000)


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path, free_port: int) -> None:
    print(f"\nA01 one worker: {kills(tmp_path, free_port, 200)}")


@pytest.mark.soak
def test_a_hundred_more_of_two_workers_with_small_segments(tmp_path: Path, free_port: int) -> None:
    print(f"\nA01 two workers: {kills(tmp_path, free_port, 100, workers=2, segment_bytes=20_000)}")


def test_the_rig_sees_a_lost_answer(tmp_path: Path, free_port: int) -> None:
    """The oracle itself: a log from which a segment was taken away does not stand up to the ledger."""
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state)
    with serving.running(state, free_port) as server, load(free_port, RATE) as clients:
        server.wait_until(lambda: len(told(clients)[1]) > 0)
    answers, labelled = told(clients)
    for path in (state / "log" / "credit").iterdir():
        path.unlink()
    lost, _, unlabelled = missing(state, answers, labelled)
    assert (lost, unlabelled) == (len(answers), len(labelled))


def test_a_second_server_refuses_within_two_seconds(tmp_path: Path, free_port: int) -> None:
    """Two writers on one project (A08): counted from the start of the process to its end."""
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state)
    with serving.running(state, free_port) as server:
        first = server.predict()["request_id"]
        began = time.monotonic()
        second = serving.start(state, 0, subprocess.PIPE)
        _, problem = second.communicate(timeout=20)
        took = time.monotonic() - began
        assert second.returncode == 3
        assert b"Another server is running on this state folder" in problem
        assert took <= 2.0
        assert server.predict()["request_id"] > first
        assert len(server.workers()) == 1
