"""The command line and the server as real processes, as a person and a client meet them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

LIMIT_S = 180.0
ENVIRONMENT = {**os.environ, "SEAWAY_TRAIN_THREADS": "1"}
"""Test processes share the cores: more threads than one wait for one another."""


def run(folder: Path, *arguments: object, as_json: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one verb in `folder`, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "seaway.cli", *map(str, arguments), *(["--json"] if as_json else [])],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
    )


def seaway(folder: Path, *arguments: object, exits: Sequence[int] = (0,)) -> Any:
    """Run one verb with --json; returns its document. Standard output holds that one document and nothing else."""
    done = run(folder, *arguments)
    assert done.returncode in exits, f"{arguments} ended with {done.returncode}\n{done.stdout[:3000]}\n{done.stderr}"
    return json.loads(done.stdout)


def refused(folder: Path, *arguments: object, exits: int = 2) -> dict[str, Any]:
    """Run a verb that must say no; returns the error after holding its form: what, where, what to do."""
    done = run(folder, *arguments)
    assert done.returncode == exits, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    error: dict[str, Any] = json.loads(done.stdout)["error"]
    assert error["message"], error
    assert error["where"], error
    assert error["fix"], error
    return error


def refused_in_words(folder: Path, *arguments: object, exits: int = 2) -> str:
    """Run a verb that must say no to a person; returns what it says after holding its form."""
    done = run(folder, *arguments, as_json=False)
    assert done.returncode == exits, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "what to do: " in done.stderr
    assert done.stdout == ""
    return done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` with its bytes: what must not change when a command says no."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Server:
    """A running `seaway serve` with a client; `with Server(folder) as server: server.post(...)`."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self.folder = folder
        self._serving = folder / ".seaway" / "serving"
        for stale in self._serving.glob("*.json"):
            stale.unlink()
        self._log = (folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "seaway.cli", "serve", "--port", str(port), *arguments],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        self.port = 0
        self.client = httpx.Client(timeout=30, trust_env=False)

    def __enter__(self) -> Server:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            ready = [worker for worker in self.workers() if worker["ready"]]
            if ready:
                self.port = int(ready[0]["port"])
                self.client.base_url = httpx.URL(f"http://127.0.0.1:{self.port}")
                return self
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        said = self.log()
        self.stop()
        raise AssertionError(f"the server did not get ready:\n{said}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def workers(self) -> list[dict[str, Any]]:
        """Return what each worker says of itself."""
        return [json.loads(path.read_text()) for path in sorted(self._serving.glob("*.json"))]

    def log(self) -> str:
        """Return what the server has said so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def get(self, path: str) -> httpx.Response:
        """Fetch."""
        return self.client.get(path)

    def post(self, path: str, document: Any = None, *, content: bytes | None = None) -> httpx.Response:
        """Send JSON: a document, or bytes as they are."""
        body = json.dumps(document).encode() if content is None else content
        return self.client.post(path, content=body, headers={"content-type": "application/json"})

    def predict(self, rows: Sequence[Any], **more: Any) -> dict[str, Any]:
        """Answer rows; every answer must be 200."""
        response = self.post("/v1/predict", {"rows": list(rows), **more})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def follows(self, release: str, row: Any, *, within_s: float = 20.0) -> float:
        """Wait until `release` answers; returns the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            if self.predict([row])["release"] == release:
                return time.monotonic() - began
            time.sleep(0.02)
        raise AssertionError(f"{release} does not answer after {within_s} s:\n{self.log()}")

    def stop(self) -> None:
        """Stop as an operator would; a server that does not drain in time is a failure."""
        self.client.close()
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(20)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._log.close()


def taken_port() -> socket.socket:
    """Return a socket that holds a port of this machine; close it to free the port."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder


def alive(pid: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
