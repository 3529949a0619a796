"""Raw connections to a server, and what its worker process weighs: for requests that no client library would send."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path

from tests.serving import Running

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_kib(server: Running) -> int:
    """Return the resident memory of the one worker."""
    (worker,) = server.workers()
    return int(Path(f"/proc/{worker}/status").read_text().partition("VmRSS:")[2].split()[0])


def post(path: str, *lines: str) -> bytes:
    """Return the head of a POST with further header lines."""
    fixed = (f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def said(server: Running, message: bytes, *, patience: float = 10.0, piece: int = 1 << 30) -> bytes:
    """Send a message, `piece` bytes at a time; return what is answered until the server ends or is silent for `patience` s."""
    found = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for start in range(0, len(message), piece):
                connection.sendall(message[start : start + piece])
        try:
            while part := connection.recv(1 << 16):
                found += part
                if _is_whole(found):
                    connection.settimeout(min(patience, 0.02))
        except (TimeoutError, ConnectionResetError):
            pass
    return found


def statuses(told: bytes) -> list[int]:
    """Return the statuses of the replies in what was told."""
    return [int(code) for code in STATUS.findall(told)]


def _is_whole(told: bytes) -> bool:
    head, ends, body = told.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(ends and length and len(body) >= int(length[1]))
