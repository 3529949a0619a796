"""One worker as a process: what it is told, the socket it gets, how it is started."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import msgspec

from seaway.core import chance
from seaway.core.errors import BadInput, Unavailable
from seaway.core.settings import ServeSettings
from seaway.serve.reports import Lines, Report

BACKLOG = 2048


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told, as one line of JSON on its standard input, which then stays open while the parent lives.

    `handle` is the inherited listening socket. `bundle` serves that one folder instead of the source's assignments; `keys` is
    the folder of trusted keys.
    """

    state: str
    worker: int
    handle: int
    port: int
    keys: str
    settings: ServeSettings
    source: str = "registry"
    bundle: str = ""


def listen(host: str, port: int, *, wait_s: float = 1.0) -> socket.socket:
    """Return a listening socket that workers inherit; port 0 takes a free one.

    One socket for all: when a worker dies, the connections that wait are not lost with it. A port that a server which has
    just been killed still holds is waited for, up to `wait_s`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    until = chance.monotonic() + wait_s
    while True:
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host.strip("[]"), port))
            opened.listen(BACKLOG)
            opened.set_inheritable(True)
        except OSError as error:
            opened.close()
            if error.errno == errno.EADDRINUSE and chance.monotonic() < until:
                chance.sleep(0.05)
                continue
            raise _refused(host, port, error) from None
        return opened


def _refused(host: str, port: int, error: OSError) -> BadInput | Unavailable:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return BadInput(
            f"Port {port} is taken by another program",
            where=where,
            fix=f"Stop it, or serve on another port: seaway serve --port {port + 1 if port < 65535 else 8000} "
            "(0 takes a free one).",
            code="port-taken",
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"Port {port} is for the system only", where=where, fix="Use a port from 1024 on.", code="port-denied"
        )
    return BadInput(
        f"This machine cannot listen on {host!r}: {error.strerror or error}",
        where="serve.host",
        fix="Use an address of this machine, for example 127.0.0.1.",
    )


class Process:
    """A started worker; ends when told, when its parent ends, or when killed."""

    def __init__(self, told: Told, *, errors: IO[bytes] | None = None) -> None:
        self.worker = told.worker
        self.started = chance.monotonic()
        self._file = Path(told.state) / "serving" / f"{told.worker:05d}.json"
        self._child = subprocess.Popen(
            [sys.executable, "-m", "seaway.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=(told.handle,),
            env=environment(),
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._lines = Lines(self._child.stdout.fileno())
        self._heard: list[Report] = []
        try:
            self._child.stdin.write(msgspec.json.encode(told) + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            return  # it has died already: `ended` tells

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    def reports(self) -> list[Report]:
        """Return what it has told since the last time; also once after its end."""
        if self._child.stdout is not None and not self._child.stdout.closed:
            self._heard += self._lines.read()
        heard, self._heard = self._heard, []
        return heard

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._child.poll()

    @property
    def is_ready(self) -> bool:
        """Say whether the worker has said that it is ready."""
        try:
            said = msgspec.json.decode(self._file.read_bytes())
        except (OSError, msgspec.DecodeError):
            return False
        return bool(said["pid"] == self.pid and said["ready"])

    def stop(self) -> None:
        """Ask it to finish its requests and end."""
        if self.ended is None:
            self._child.terminate()

    def end(self, within_s: float) -> int:
        """Wait until it has ended; kill it where that takes longer."""
        try:
            code = self._child.wait(max(within_s, 0.0))
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        if self._child.stdin is not None and not self._child.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()
        if self._child.stdout is not None and not self._child.stdout.closed:
            self._heard += self._lines.read()
            self._child.stdout.close()
        return code


def environment() -> dict[str, str]:
    """Return the environment of a worker: one thread in each library, since there is one worker per core."""
    return os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
