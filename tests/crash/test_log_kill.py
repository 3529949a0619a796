"""kill -9 under load: what a caller was told is in the log, once, and the server is back by itself."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from seaway.core import chance
from seaway.core.event import Label, Prediction
from tests import serving
from tests.serving import ROW, running


class Client:
    """Asks as fast as it can and keeps a ledger of what it was told: the oracle of the test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told: dict[str, object] = {}
        self.labelled: list[str] = []
        self.failed = 0
        self.is_done = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.is_done.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                while not self.is_done.is_set():
                    self._ask(connection)
            except (OSError, http.client.HTTPException):
                self.failed += 1
                time.sleep(0.02)
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/predict", json.dumps({"rows": [ROW]}), headers)
        reply = connection.getresponse()
        told = json.loads(reply.read())
        if reply.status != 200:
            return
        assert told["request_id"] not in self.told
        self.told[told["request_id"]] = told["predictions"]
        if len(self.told) % 10 == 0:
            label = {"request_id": told["request_id"], "value": "bad"}
            connection.request("POST", "/v1/labels", json.dumps({"labels": [label]}), headers)
            reply = connection.getresponse()
            reply.read()
            if reply.status == 200:
                self.labelled.append(told["request_id"])


def kills(state: Path, port: int, times: int, **settings: object) -> None:
    serving.make_state(state)
    rng = chance.rng("kills", times)
    with running(state, port, **settings) as server:
        clients = [Client(port) for _ in range(3)]
        try:
            for _ in range(times):
                time.sleep(float(rng.uniform(0.3, 1.0)))
                workers = server.workers()
                if workers:
                    os.kill(workers[int(rng.integers(0, len(workers)))], signal.SIGKILL)
                server.wait_until(server.is_ready, 10.0)
            time.sleep(0.3)
        finally:
            for client in clients:
                client.is_done.set()
            for client in clients:
                client.thread.join()
        assert server.stop() == 0
    found = serving.events(state)
    predictions = {one.request_id: one for one in found if isinstance(one, Prediction)}
    times_seen = Counter(one.request_id for one in found if isinstance(one, Prediction))
    assert max(times_seen.values()) == 1
    told = {identifier: what for client in clients for identifier, what in client.told.items()}
    assert len(told) > 20 * times
    assert sum(len(client.told) for client in clients) == len(told)
    for identifier, what in told.items():
        assert json.loads(predictions[identifier].answers) == what
    labelled = {one.request_id for one in found if isinstance(one, Label)}
    assert {identifier for client in clients for identifier in client.labelled} <= labelled
    assert {path.suffix for path in (state / "log" / "credit").iterdir()} == {".seg"}


def test_no_acknowledged_answer_is_lost_to_kill_9(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    kills(state, free_port, 4)


@pytest.mark.slow
def test_two_workers_and_small_segments(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    kills(state, free_port, 5, workers=2, segment_bytes=20_000)


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    kills(state, free_port, 200)


def test_killing_the_whole_server_loses_nothing_either(tmp_path: Path, free_port: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    serving.make_state(state)
    told: dict[str, object] = {}
    for _ in range(2):
        with running(state, free_port) as server:
            for _ in range(20):
                one = server.predict()
                told[one["request_id"]] = one["predictions"]
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            server.process.kill()
            server.process.wait()
    found = {one.request_id: one for one in serving.events(state) if isinstance(one, Prediction)}
    assert set(told) <= set(found)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
