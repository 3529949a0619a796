"""The parent of the workers: holds the state folder and the socket, starts workers, replaces dead ones, stops all."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import msgspec

from seaway.core import chance
from seaway.core.durable import locked
from seaway.core.errors import Unavailable
from seaway.core.settings import ServeSettings
from seaway.security import access
from seaway.serve.process import Process, Told, listen
from seaway.serve.segments import held, mend, of_folder

STOP_S = 9.5
"""Seconds that workers have to finish their requests."""

LOOK_S, QUICK_S, REST_S = 0.05, 5.0, 1.5
"""Seconds between looks at the workers; a life shorter than `QUICK_S` delays the next start, `REST_S` at most."""

TRIES = 8
"""So many short lives in a row, with no worker ever ready, end the server."""


class Supervisor:
    """Runs the workers of one server until it is told to stop."""

    def __init__(
        self, state: Path, settings: ServeSettings, source: str, opened: socket.socket, say: Callable[[str], None]
    ) -> None:
        self._state, self._settings, self._source = state, settings, source
        self._socket, self._say = opened, say
        self.port = int(opened.getsockname()[1])
        self._workers: dict[int, Process] = {}
        self._short_lives = [0] * settings.workers
        self._next_start = [0.0] * settings.workers
        self._was_ready = False
        self.is_stopping = threading.Event()

    def run(self) -> int:
        """Start the workers, replace those that die, and return the exit code when all have ended."""
        try:
            while not self.is_stopping.is_set():
                for worker in range(self._settings.workers):
                    self._tend(worker)
                if not self._was_ready and any(process.is_ready for process in self._workers.values()):
                    self._was_ready = True
                    self._say(greeting(self._settings.host, self.port))
                self.is_stopping.wait(LOOK_S)
        finally:
            self._stop()
        return 0

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
    state: Path, settings: ServeSettings, source_name: str = "registry", *, say: Callable[[str], None] | None = None
) -> int:
    """Serve the state folder's models until SIGTERM or SIGINT; returns the exit code.

    Raises `Unavailable` where another server holds the folder or the port.
    """
    access.refuse_open_door(settings.host)
    state = state.resolve()
    with _alone(state):
        prepare(state)
        opened = listen(settings.host, settings.port)
        supervisor = Supervisor(state, settings, source_name, opened, say or _to_errors)
        with _signals(supervisor.is_stopping):
            return supervisor.run()


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the state folder against another server."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(state / "serving" / "server.lock", wait_s=1.0, what="serving"))
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
    for pattern in ("*.json", "*.metrics"):
        for path in (state / "serving").glob(pattern):
            path.unlink(missing_ok=True)
    root = state / "log"
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
        for worker in {worker for worker, _, _ in of_folder(folder)}:
            # A worker that still finishes its requests, or a process that writes labels, holds its number.
            with contextlib.suppress(Unavailable), held(root, worker, wait_s=0.0):
                mend(folder, worker)


def greeting(host: str, port: int) -> str:
    """Say where the server is, with a request that works as pasted."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"Serving at {url} (docs: {url}/openapi.json; Ctrl-C stops)"]
    path, example = _example(host, port)
    if example:
        body = msgspec.json.encode(example).decode().replace("'", "'\\''")
        lines.append(f"Try: curl -s {url}{path} -H 'Content-Type: application/json' -d '{body}'")
    return "\n".join(lines)


def _example(host: str, port: int) -> tuple[str, object]:
    """Ask the server itself for an example of its first predict route."""
    asked = http.client.HTTPConnection(host.strip("[]"), port, timeout=5)
    try:
        asked.request("GET", "/openapi.json", headers={"Host": f"localhost:{port}"})
        paths = msgspec.json.decode(asked.getresponse().read()).get("paths", {})
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return "", None
    finally:
        asked.close()
    for path, doors in sorted(paths.items(), key=lambda item: len(item[0])):
        if path.endswith("/predict"):
            return path, doors["post"]["requestBody"]["content"]["application/json"]["example"]
    return "", None


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
