"""Callers that send too much, too slowly, or leave: the server stays small and goes on answering others."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import serving
from tests.serving import ROW, Running, running

BODY = json.dumps({"rows": [ROW]}).encode()
LIMIT = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("limits") / "state"
    state.mkdir()
    serving.make_state(state)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(state, port, max_body=LIMIT, durability="process") as started:
        yield started


def opened(server: Running, seconds: float = 20.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=seconds)


def head(*lines: str) -> bytes:
    fixed = ("POST /v1/predict HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def memory_kib(server: Running) -> int:
    (worker,) = server.workers()
    text = Path(f"/proc/{worker}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def test_a_length_over_the_limit_is_refused_before_the_body_is_read(server: Running) -> None:
    with opened(server) as connection:
        began = time.monotonic()
        connection.sendall(head(f"Content-Length: {10 * 2**30}"))
        told = connection.recv(65536)
        assert told.startswith(b"HTTP/1.1 413")
        assert b'"code":"too-large"' in told
        assert b"connection: close" in told
        assert time.monotonic() - began < 1.0


def test_a_caller_who_sends_all_of_it_first_still_reads_the_refusal(server: Running) -> None:
    status, _, told = server.ask("POST", "/v1/predict", b" " * (LIMIT + 1))
    assert status == 413
    assert told["error"]["fix"]
    status, _, told = server.ask("POST", "/v1/predict", b" " * (40 * LIMIT))
    assert status == 413


def test_a_chunked_body_is_stopped_at_the_limit(server: Running) -> None:
    with opened(server) as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        try:
            for _ in range(20):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert everything(connection).startswith(b"HTTP/1.1 413")


def test_a_chunked_body_within_the_limit_is_answered(server: Running) -> None:
    with opened(server) as connection:
        connection.sendall(head("Transfer-Encoding: chunked", "Connection: close"))
        for byte in BODY:
            connection.sendall(b"1\r\n" + bytes([byte]) + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        told = everything(connection)
        assert told.startswith(b"HTTP/1.1 200")
        assert b'"predictions"' in told


def test_many_small_chunks_cost_no_memory(server: Running) -> None:
    def send() -> None:
        with opened(server) as connection:
            connection.sendall(head("Transfer-Encoding: chunked", "Connection: close"))
            connection.sendall(b"1\r\n \r\n" * 90_000 + b"0\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 400")

    for _ in range(3):
        send()
    before = memory_kib(server)
    for _ in range(10):
        send()
    assert memory_kib(server) - before < 4096


@pytest.mark.slow
def test_slow_heads_slow_bodies_and_idle_connections_are_closed(server: Running) -> None:
    """All at once, so that the test takes as long as one of them; a normal caller sees nothing of it."""
    began = time.monotonic()
    idle = [opened(server) for _ in range(50)]
    heads, bodies = [opened(server) for _ in range(50)], [opened(server) for _ in range(50)]
    for connection in heads:
        connection.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: local")
    for connection in bodies:
        connection.sendall(head("Content-Length: 5000") + b"{")
    trickling = set(heads + bodies)
    while trickling and time.monotonic() - began < 15:
        for connection in list(trickling):
            try:
                connection.sendall(b"a")
            except OSError:
                trickling.discard(connection)
        assert server.predict()["predictions"]
        time.sleep(0.25)
    assert time.monotonic() - began < 15
    for connection in idle:
        connection.settimeout(max(15 - (time.monotonic() - began), 0.1))
        assert everything(connection) == b""
    for connection in bodies:
        connection.close()
    for connection in heads + idle:
        connection.close()


def test_callers_who_leave_leave_nothing_behind(server: Running) -> None:
    (worker,) = server.workers()

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{worker}/fd"))

    server.predict()
    before = descriptors()
    for number in range(300):
        connection = opened(server)
        if number % 3 == 0:
            connection.sendall(head("Content-Length: 5000") + b"{")
        elif number % 3 == 1:
            connection.sendall(head(f"Content-Length: {len(BODY)}") + BODY)
        connection.close()
    server.wait_until(lambda: abs(descriptors() - before) <= 5)
    assert server.predict()["predictions"]


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    with opened(server) as connection:
        one = head(f"Content-Length: {len(BODY)}") + BODY
        last = head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY
        connection.sendall(one * 9 + last)
        told = everything(connection)
    assert told.count(b"HTTP/1.1 200") == 10
    ids = [part[:26] for part in told.split(b'"request_id":"')[1:]]
    assert ids == sorted(ids)


def test_an_expecting_caller_is_told_to_go_on_or_not(server: Running) -> None:
    with opened(server) as connection:
        connection.sendall(head(f"Content-Length: {len(BODY)}", "Expect: 100-continue", "Connection: close"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(BODY)
        assert b"HTTP/1.1 200" in everything(connection)
    with opened(server) as connection:
        connection.sendall(head(f"Content-Length: {LIMIT * 2}", "Expect: 100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
