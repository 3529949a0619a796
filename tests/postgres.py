"""A real PostgreSQL server of the test's own: made in a folder of its own, reached by a password over loopback, ended with the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

USER, PASSWORD, DATABASE = "keeper", "open-sesame-4711", "postgres"
NOBODY = 65534
"""PostgreSQL refuses to run as root."""


@dataclass(frozen=True)
class Server:
    """Where the server is; `address` leaves the password to the environment."""

    port: int

    def address(self, part: str, options: str = "") -> str:
        """Return the address of a table or query as people write it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{DATABASE}{options}#{part}"

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        with psycopg.connect(**self.login, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    @property
    def login(self) -> dict[str, str | int]:
        """How the owner connects."""
        return {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": DATABASE}


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Start a server; skips, saying so, where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="seaway-pg-"))
    who = NOBODY if os.getuid() == 0 else None
    if who is not None:
        os.chown(folder, NOBODY, NOBODY)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    data = folder / "data"
    made = [programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8"]
    subprocess.run([*made, "--locale=C", "-N"], check=True, capture_output=True, cwd=folder, user=who, group=who)
    given = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [text for name, value in given.items() for text in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stderr=log, cwd=folder, user=who, group=who
        )
    try:
        found = Server(port)
        _wait(found, process)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(found: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended while starting"
        try:
            found.run("SELECT 1")
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("the server did not start within 15 seconds")
