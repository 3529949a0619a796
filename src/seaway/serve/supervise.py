"""The parent of the workers: holds the state folder and the socket, starts workers, replaces dead ones, stops all."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from seaway.core import chance, extend
from seaway.core.durable import locked
from seaway.core.errors import SeawayError, Unavailable
from seaway.core.protocols import Source
from seaway.core.settings import ServeSettings
from seaway.security import access
from seaway.serve import tls
from seaway.serve.door import RATES, SOURCES
from seaway.serve.greeting import example, greeting, url
from seaway.serve.process import Process, Told, listen
from seaway.serve.reports import Episodes
from seaway.serve.segments import held, mend, of_folder

Say = Callable[[str], None]
Note = Callable[[str, str], None]

STOP_S = 9.5
"""Seconds that workers have to finish their requests."""

LOOK_S, QUICK_S, REST_S = 0.05, 5.0, 1.5
"""Seconds between looks at the workers; a life shorter than `QUICK_S` delays the next start, `REST_S` at most."""

TRIES = 8
"""So many short lives in a row, with no worker ever ready, end the server."""


class Supervisor:
    """Runs the workers of one server until it is told to stop."""

    def __init__(
        self,
        state: Path,
        settings: ServeSettings,
        source: str,
        opened: socket.socket,
        *,
        asks: bool,
        say: Say,
        note: Note,
    ) -> None:
        self._state, self._settings, self._source = state, settings, source
        self._socket, self._asks, self._say, self._note = opened, asks, say, note
        self.port = int(opened.getsockname()[1])
        self._workers: dict[int, Process] = {}
        self._short_lives = [0] * settings.workers
        self._next_start = [0.0] * settings.workers
        self._was_ready = self._has_shown = False
        self._example: str | None = None
        self._episodes = Episodes(note)
        self.is_stopping = threading.Event()

    def run(self) -> int:
        """Start the workers, replace those that die, and return the exit code when all have ended."""
        try:
            while not self.is_stopping.is_set():
                for worker in range(self._settings.workers):
                    self._tend(worker)
                if not self._was_ready and any(process.is_ready for process in self._workers.values()):
                    self._was_ready = True
                    self._say(greeting(self._settings, self.port, asks=self._asks))
                self._listen()
                if self._was_ready and self._example is not None and not self._has_shown:
                    self._has_shown = True
                    self._say(self._example)
                self._episodes.settle()
                self.is_stopping.wait(LOOK_S)
        finally:
            self._stop()
            self._episodes.settle(at_once=True)
        return 0

    def _listen(self) -> None:
        """Take in what the workers tell."""
        for process in self._workers.values():
            for report in process.reports():
                if report.kind == "wrong-keys":
                    self._episodes.take(report)
                elif report.kind == "example" and self._example is None:
                    self._example = example(self._settings, self.port, report.subject, report.text, asks=self._asks)

    def _tend(self, worker: int) -> None:
        """Start a worker that is not running, at once unless it has just died young."""
        process = self._workers.get(worker)
        if process is not None and process.ended is None:
            return
        if process is not None:
            self._mourn(worker, process)
        if chance.monotonic() >= self._next_start[worker]:
            self._workers[worker] = Process(self._told(worker))

    def _mourn(self, worker: int, process: Process) -> None:
        """Note how long a dead worker lived; give up where none ever gets ready."""
        code = process.end(0.0)
        self._listen()
        del self._workers[worker]
        is_short = chance.monotonic() - process.started < QUICK_S
        self._short_lives[worker] = self._short_lives[worker] + 1 if is_short else 0
        self._next_start[worker] = chance.monotonic() + min(REST_S, 0.1 * (2 ** self._short_lives[worker] - 1))
        if not self._was_ready and (code in (1, 2, 3) or self._short_lives[worker] >= TRIES):
            raise Unavailable(
                f"Worker {worker} does not start (exit code {code})",
                where="serve",
                fix="Its reason stands above; `seaway doctor` checks this machine.",
                code="worker-failed",
            )
        self._say(f"Worker {worker} ended with code {code}; another one takes its place.")

    def _stop(self) -> None:
        """Let every worker finish what it has, then end it.

        This process lets go of the socket at once, so that the door closes with the last worker's: a connection that nobody
        will accept would only wait to be reset.
        """
        for process in self._workers.values():
            process.stop()
        self._socket.close()
        until = chance.monotonic() + STOP_S
        for process in self._workers.values():
            process.end(until - chance.monotonic())
        self._listen()

    def _told(self, worker: int) -> Told:
        return Told(
            state=str(self._state),
            worker=worker,
            handle=self._socket.fileno(),
            port=self.port,
            keys=str(self._state / "keys"),
            settings=self._settings,
            source=self._source,
        )


def serve(
    state: Path,
    settings: ServeSettings,
    source_name: str = "registry",
    *,
    say: Say | None = None,
    note: Note | None = None,
) -> int:
    """Serve the state folder's models until SIGTERM or SIGINT; returns the exit code.

    `note` writes down what an auditor wants to know: its kind and the reason. Raises `Unavailable` where another server holds the
    folder or the port, `BadInput` where the door would stand open to other machines.
    """
    state = state.resolve()
    source: Source = extend.load("source", source_name)(state)
    asks = settings.keys == "required" or source.keys() is not None
    is_tls = bool(settings.tls_cert or settings.tls_key)
    access.refuse_open_door(settings.host, keys=asks, tls=is_tls, insecure=settings.insecure)
    if is_tls:
        tls.context(settings.tls_cert, settings.tls_key)
    with _alone(state):
        prepare(state)
        opened = listen(settings.host, settings.port)
        supervisor = Supervisor(
            state, settings, source_name, opened, asks=asks, say=say or _to_errors, note=_carefully(note)
        )
        with _signals(supervisor.is_stopping), _noted(supervisor, settings, asks, _carefully(note)):
            return supervisor.run()


def _carefully(note: Note | None) -> Note:
    """Return a `note` whose failure is told and does not end a server that answers."""

    def write(kind: str, reason: str) -> None:
        try:
            if note is not None:
                note(kind, reason)
        except SeawayError as error:
            _to_errors(f"Not written into the audit: {kind}: {reason}: {error}")

    return write


@contextlib.contextmanager
def _noted(supervisor: Supervisor, settings: ServeSettings, asks: bool, note: Note) -> Iterator[None]:
    """Note that serving begins and ends, where, and how the door stands."""
    at = url(settings, supervisor.port)
    is_exposed = not access.is_loopback(settings.host) and not (asks and settings.tls_cert)
    stands = f"{'keys' if asks else 'no keys'}, {'TLS' if settings.tls_cert else 'no TLS'}{', insecure' * is_exposed}"
    note("serving started", f"{at} on {settings.host}, {settings.workers} workers, {stands}")
    try:
        yield
    finally:
        note("serving ended", at)


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the state folder against another server."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(state / "serving" / "server.lock", wait_s=0.5, what="serving"))
        except Unavailable:
            raise Unavailable(
                "Another server is running on this state folder",
                where=str(state),
                fix="Stop it first, or serve another project.",
                code="locked",
            ) from None
        yield


def prepare(state: Path) -> None:
    """Clear what a former server said of itself, and seal the segments that a crash left open."""
    for pattern in ("*.json", "*.metrics", RATES, SOURCES):
        for path in (state / "serving").glob(pattern):
            path.unlink(missing_ok=True)
    root = state / "log"
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
        for worker in {worker for worker, _, _ in of_folder(folder)}:
            # A worker that still finishes its requests, or a process that writes labels, holds its number.
            with contextlib.suppress(Unavailable), held(root, worker, wait_s=0.0):
                mend(folder, worker)


@contextlib.contextmanager
def _signals(is_stopping: threading.Event) -> Iterator[None]:
    """Stop on SIGTERM and SIGINT while serving; elsewhere than in the main thread the caller's signals stay as they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        is_stopping.set()

    former = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


def _to_errors(text: str) -> None:
    """Standard output belongs to what the command answers."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())
    sys.stderr.flush()
