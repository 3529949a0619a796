"""Clients that keep a ledger of what a server told them: the oracle of every test that takes the server down."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seaway.core.event import Label, Prediction
from tests import serving
from tests.serving import ROW

HEADERS = {"Content-Type": "application/json"}


class Client(threading.Thread):
    """Asks at a rate, whether or not there is a server, and gives every tenth answer a label."""

    def __init__(self, port: int, rate: float) -> None:
        super().__init__()
        self._port, self._every_s = port, 1.0 / rate
        self._is_done = threading.Event()
        self.told: dict[str, object] = {}
        self.labelled: list[str] = []
        self.refused: Counter[str] = Counter()
        self.cut = 0
        self.repeated: list[str] = []

    def stop(self) -> None:
        """Ask nothing any more, and wait for the last answer."""
        self._is_done.set()
        self.join()

    def run(self) -> None:
        """Ask at moments fixed beforehand: a server that hangs makes no pause in the load."""
        due = time.monotonic()
        while not self._is_done.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                while not self._is_done.is_set():
                    due += self._every_s
                    self._is_done.wait(max(0.0, due - time.monotonic()))
                    self._ask(connection)
            except (OSError, http.client.HTTPException):
                self.cut += 1
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        status, told = _post(connection, "/v1/predict", {"rows": [ROW]})
        if status != 200:
            self.refused[f"{status} {told['error']['code']}"] += 1
            return
        if told["request_id"] in self.told:
            self.repeated.append(told["request_id"])
        self.told[told["request_id"]] = told["predictions"]
        if len(self.told) % 10 == 0:
            label = {"request_id": told["request_id"], "value": "bad"}
            if _post(connection, "/v1/labels", {"labels": [label]})[0] == 200:
                self.labelled.append(told["request_id"])


def _post(connection: http.client.HTTPConnection, path: str, body: object) -> tuple[int, Any]:
    connection.request("POST", path, json.dumps(body), HEADERS)
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


@contextmanager
def load(port: int, rate: float, clients: int = 4) -> Iterator[list[Client]]:
    """Ask at `rate` requests a second from several clients until the block ends."""
    asking = [Client(port, rate / clients) for _ in range(clients)]
    for client in asking:
        client.start()
    try:
        yield asking
    finally:
        for client in asking:
            client.stop()


def told(clients: Sequence[Client]) -> tuple[dict[str, object], list[str]]:
    """Return (answers by request id, labelled request ids) as acknowledged so far."""
    answers = {identifier: what for client in clients for identifier, what in dict(client.told).items()}
    return answers, [identifier for client in clients for identifier in list(client.labelled)]


def missing(state: Path, answers: dict[str, object], labelled: Sequence[str]) -> tuple[int, int, int]:
    """Hold the event log to the ledger; return how many answers are missing, how many ids stand twice, how many labels are missing."""
    found = serving.events(state)
    predictions = [one for one in found if isinstance(one, Prediction)]
    held = {one.request_id: one.answers for one in predictions}
    lost = sum(json.loads(held.get(identifier, b"null")) != what for identifier, what in answers.items())
    known = {one.request_id for one in found if isinstance(one, Label)}
    return lost, len(predictions) - len(held), len(set(labelled) - known)
