"""One real server for the whole folder, and wires that misbehave between it and a client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.conftest import free_port
from tests.serving import Running, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serve the credit model; tests only ask."""
    state = tmp_path_factory.mktemp("client") / "state"
    state.mkdir()
    serving.make_state(state, 1)
    with running(state, _port(), durability="process") as one:
        yield one


def _port() -> int:
    made = free_port
    plain: Callable[[], int] = getattr(made, "__wrapped__", made)
    return plain()


@pytest.fixture
def url(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}"


@contextmanager
def listening(answer: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """Listen as a wire that misbehaves: `answer` is given each connection and its number; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.1)
        is_over = threading.Event()

        def accept() -> None:
            number = 0
            while not is_over.is_set():
                try:
                    connection, _ = door.accept()
                except TimeoutError:
                    continue
                connection.settimeout(10)
                with connection:
                    answer(connection, number)
                number += 1

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join(15)


def request(connection: socket.socket) -> bytes:
    """Read one whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += (part := connection.recv(65536))
        if not part:
            return data
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(status: str, body: bytes = b"{}", *headers: bytes) -> bytes:
    """Write a reply."""
    lines = [f"HTTP/1.1 {status}".encode(), b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def forward(connection: socket.socket, port: int, data: bytes) -> bytes:
    """Hand a request on to the real server, and return what it says; nothing where it died."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as behind:
        behind.sendall(data)
        told = b""
        while b"\r\n\r\n" not in told:
            part = behind.recv(65536)
            if not part:
                return told
            told += part
        head, _, body = told.partition(b"\r\n\r\n")
        length = next(
            int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length")
        )
        while len(body) < length:
            body += behind.recv(65536)
        return head + b"\r\n\r\n" + body


__all__ = ["Path", "forward", "listening", "reply", "request"]


def alike(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> None:
    """Hold answers to each other; onnxruntime's last bits depend on the rows beside, the kernel's do not."""
    assert [one["label"] for one in found] == [one["label"] for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], rel=1e-12, abs=0)
