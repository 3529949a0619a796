"""Runs the real command line in processes of its own, as a person would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seaway.core import chance
from seaway.core.errors import Unavailable

READY_S = 60.0


def seaway(folder: Path, *arguments: str, allowed: Sequence[int] = (0,)) -> Any:
    """Run one verb with --json in `folder`; returns its document."""
    done = subprocess.run(
        [sys.executable, "-m", "seaway.cli", *arguments, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in allowed:
        raise Unavailable(
            f"`seaway {' '.join(arguments)}` ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-1500:]}",
            where=str(folder),
            fix="Run the command in that folder by hand; what it says is above.",
        )
    return json.loads(done.stdout)


class Server:
    """A running `seaway serve`."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "seaway.cli", "serve", "--port", "0"],
            cwd=folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ,
        )
        self.port = self._wait(folder / ".seaway" / "serving")

    def _wait(self, serving: Path) -> int:
        """Wait until a worker says that it is ready, and return the port it took."""
        end = chance.monotonic() + READY_S
        while chance.monotonic() < end and self._process.poll() is None:
            for path in serving.glob("*.json"):
                found = json.loads(path.read_text())
                if found.get("ready"):
                    return int(found["port"])
            chance.sleep(0.05)
        self.stop()
        raise Unavailable(
            "The server did not get ready",
            where=self._log.name,
            fix="Read the server's log.",
        )

    def stop(self) -> None:
        """Stop it as an operator would, and wait until it has drained."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
