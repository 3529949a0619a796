"""kill -9 between send and answer: the client's retry gets the first answer, and the log holds the request once."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from seaway.client import Client, Retries, Timeouts
from seaway.core import chance
from seaway.core.event import Prediction
from tests import credit, serving
from tests.serving import Running
from tests.unit.client.conftest import forward, listening, request

TIMES = 6
PATIENT = Retries(times=200, first_s=0.05, most_s=0.2)


class Killed:
    """A server that dies with -9 while a request is at work in it, and is started again."""

    def __init__(self, state: Path, port: int, held: ExitStack) -> None:
        self._state, self._port, self._held = state, port, held
        self.server = self._start()

    def _start(self) -> Running:
        return self._held.enter_context(serving.running(self._state, self._port, durability="disk", workers=2))

    def kill(self) -> None:
        for pid in [*self.server.workers(), self.server.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.server.process.wait()
        self.server = self._start()


@contextmanager
def dying(state: Path, port: int) -> Iterator[Killed]:
    with ExitStack() as held:
        yield Killed(state, port, held)


@pytest.mark.slow
def test_a_retry_after_kill_9_gets_the_first_answer(tmp_path: Path, free_port: int) -> None:
    """Odd requests: the answer was made and is lost. Even ones: killed at any moment between 0 and 3 ms after the sending."""
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state, 1)
    lost: dict[int, bytes] = {}
    asked: dict[int, int] = {}
    turn = 0

    with dying(state, free_port) as killed:

        def wire(connection: socket.socket, number: int) -> None:
            data = request(connection)
            asked[turn] = asked.get(turn, 0) + 1
            if asked[turn] > 1:
                with suppress(OSError):  # not back yet: the connection ends without a reply
                    connection.sendall(_closing(forward(connection, free_port, data)))
            elif turn % 2:
                told = forward(connection, free_port, data)
                while (
                    b"not-ready" in told
                ):  # the turn before may have answered and died after that; each worker starts anew
                    chance.sleep(0.02)
                    told = forward(connection, free_port, data)
                lost[turn] = told.partition(b"\r\n\r\n")[2]
                killed.kill()
            else:
                killer = threading.Timer(0.0005 * turn, killed.kill)
                killer.start()
                with suppress(OSError):
                    lost[turn] = forward(connection, free_port, data).partition(b"\r\n\r\n")[2]
                killer.join()

        with listening(wire) as url, Client(url, retries=PATIENT, timeouts=Timeouts(read_s=30, total_s=60)) as client:
            answers = []
            for turn in range(TIMES):
                rows = credit.rows(2, seed=turn)
                answers.append(client.predict(rows))
        assert killed.server.stop() == 0

    events = [one for one in serving.events(state) if isinstance(one, Prediction)]
    for number, answer in enumerate(answers):
        found = [one for one in events if one.client_id == answer.client_id]
        assert [one.request_id for one in found] == [answer.request_id], number
        assert len(answer.predictions) == 2
        if number % 2:
            assert answer.request_id.encode() in lost[number]
    assert len({one.request_id for one in events}) == len(events)


def _closing(told: bytes) -> bytes:
    """Return the reply as it is, a refusal of a server that is not ready yet too, on a connection that ends with it."""
    return told.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
