"""Real servers for tests: the state folder of a project with releases, and server processes over it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from seaway.core import segment
from seaway.core.event import Event
from seaway.core.settings import ServeSettings
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from tests import credit
from tests.releases import Workshop

PARENT = """
import sys
from pathlib import Path
import msgspec
from seaway.core.errors import SeawayError
from seaway.core.settings import ServeSettings
from seaway.serve.workers import serve
try:
    sys.exit(serve(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=ServeSettings)))
except SeawayError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit)
"""

ROW = {"amount": 3000.0, "months": 24, "purpose": "car", "owner": False}


def make_state(state: Path, seeds: int = 1, source: ModuleType = credit) -> list[str]:
    """Release a model `seeds` times (credit or `source`), make the first release champion, and return the digests."""
    workshop = Workshop(state)
    digests = [workshop.register(seed, source) for seed in range(seeds)]
    promote(Registry(state), source.MODEL, digests[0], reason="first", principal="test")
    return digests


@dataclass
class Running:
    """A server in processes of its own."""

    state: Path
    port: int
    process: subprocess.Popen[bytes]
    tls_cert: str = ""

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 20.0
    ) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body (read as JSON where it is some)."""
        connection = self._connection(timeout)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        try:
            connection.request(method, path, data, {**sent, **(headers or {})})
            reply = connection.getresponse()
            told = reply.read()
        finally:
            connection.close()
        found = dict(reply.getheaders())
        is_json = found.get("content-type", "").startswith("application/json") and told
        return reply.status, {k.lower(): v for k, v in found.items()}, json.loads(told) if is_json else told

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if not self.tls_cert:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        trusting = ssl.create_default_context(cafile=self.tls_cert)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=trusting)

    def predict(self, *rows: Mapping[str, Any], **fields: Any) -> Any:
        """Ask for predictions and return the reply's body; it must be 200."""
        status, _, told = self.ask("POST", "/v1/predict", {"rows": list(rows or [ROW]), **fields})
        assert status == 200, told
        return told

    def workers(self) -> list[int]:
        """Return the worker processes."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed]

    def wait_until(self, holds: Any, seconds: float = 10.0) -> None:
        """Wait for something to become true."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/health/ready", timeout=2.0)[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        """Stop it as an operator does; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def events(self, model: str = "credit") -> list[Event]:
        return events(self.state, model)


def start(state: Path, port: int, said: int, *, parent: str = PARENT, **settings: Any) -> subprocess.Popen[bytes]:
    """Start a server's process; what it says goes to the file `said`."""
    told = msgspec.json.encode(ServeSettings(**{"port": port, "poll_s": 0.05, **settings})).decode()
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", parent, str(state), told],
        stderr=said,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"},
    )


@contextmanager
def running(state: Path, port: int, *, parent: str = PARENT, **settings: Any) -> Iterator[Running]:
    """Run a server until the block ends; `parent` is the program that starts it."""
    with (state.parent / f"server-{port}.txt").open("ab") as said:
        process = start(state, port, said.fileno(), parent=parent, **settings)
    server = Running(state, port, process, tls_cert=settings.get("tls_cert", ""))
    try:
        server.wait_until(lambda: process.poll() is not None or server.is_ready(), 30.0)
        assert process.poll() is None, (state.parent / f"server-{port}.txt").read_text()
        yield server
    finally:
        process.kill()
        process.wait()


def events(state: Path, model: str = "credit") -> list[Event]:
    """Return every event in a model's log."""
    return [
        one
        for path in sorted((state / "log" / model).iterdir())
        if path.suffix in (segment.OPEN, segment.SEALED) and path.stat().st_size >= segment.HEADER.size
        for _, one in segment.events(path)
    ]


def metric(text: bytes, name: str, absent: float | None = None, **labels: str) -> float:
    """Return one sample of what Prometheus would read; `absent` stands for a counter that nothing has counted in yet."""
    for line in text.decode().splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name:
            told = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            if all(told.get(key) == wanted for key, wanted in labels.items()):
                return float(found[3])
    if absent is not None:
        return absent
    raise AssertionError(f"{name} {labels} is not in:\n{text.decode()}")
