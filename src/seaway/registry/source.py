"""What a server follows: the registry's newest assignments, read without SQLAlchemy and cheap to ask for many times a second.

The connection may write only what SQLite itself must: undoing the half-finished transaction of a process that died.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from seaway.core.access import Key
from seaway.core.assignment import Assignment
from seaway.core.errors import Unavailable
from seaway.registry.bundles import FolderStore

SCHEMA = 2
_FIRST_S, _AGAIN_MS = 5.0, 50
"""How long to wait for a writer: the first time there is nothing to answer with, later the last known will do."""

_KEYS = (
    'SELECT id, name, hash, roles, models, made, "by", slot, expires, rate, revoked FROM keys'  # the fields of a Key
)
_NEWEST = """
SELECT model, sequence, champion, canary, share, shadows, salt, reason FROM assignments AS a
WHERE sequence = (SELECT max(sequence) FROM assignments AS b WHERE b.model = a.model)
"""


class RegistrySource:
    """A `Source` over a project's state folder. Safe to use from several threads, and after a fork.

    Where the registry cannot be read for a moment, the last known assignments hold and `trouble` says why.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / "registry.db"
        self._store = FolderStore(state / "bundles")
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int, int] = (0, 0, 0)
        self._version = -1
        self._known: dict[str, Assignment] | None = None
        self._keys: dict[str, Key] = {}
        self.trouble = ""

    def assignments(self) -> Mapping[str, Assignment]:
        """Return the newest assignment by model; empty before the first release is assigned."""
        with self._lock:
            try:
                self._look()
            except Unavailable:
                if self._known is None:
                    raise
            return dict(self._known or {})

    def keys(self) -> Mapping[str, Key] | None:
        """Return every key by id, ended ones too; None where nobody ever made one.

        While a writer holds the registry, nothing can change and the last known hold. Where it cannot be read otherwise this
        raises `Unavailable`: a door whose keys nobody can tell stays closed.
        """
        with self._lock:
            try:
                self._look()
            except Unavailable as error:
                if self._known is None or error.code != "busy":
                    raise
            return dict(self._keys) or None

    def bundle(self, digest: str) -> Path:
        """Return the folder of a release."""
        return self._store.get(digest)

    def close(self) -> None:
        """Let go of the file; asking again opens it again."""
        with self._lock:
            self._close()

    def _look(self) -> None:
        """Read what has changed; raises `Unavailable`, and `trouble` says why, where that fails."""
        try:
            self._follow()
            self.trouble = ""
        except (sqlite3.Error, OSError, ValueError, Unavailable) as error:
            self._close()
            self.trouble = str(error)
            if isinstance(error, Unavailable) and error.code == "newer-format":
                raise
            raise Unavailable(
                f"The registry cannot be read: {error}",
                where=str(self._path),
                fix="Run `seaway doctor`, or restore the registry from a backup.",
                code="busy" if _is_busy(error) else "",
            ) from None

    def _follow(self) -> None:
        """Read assignments and keys again if another process has changed the file."""
        if self._known is None and not self._path.exists():
            return  # nothing has been released yet
        status = self._path.stat()
        opened = (os.getpid(), status.st_dev, status.st_ino)
        if self._connection is None or opened != self._opened:
            self._connection = self._open(opened)
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._known, self._keys = _read(self._connection, str(self._path))
            self._version = version
            self._connection.execute(f"PRAGMA busy_timeout={_AGAIN_MS}")

    def _open(self, opened: tuple[int, int, int]) -> sqlite3.Connection:
        self._close()
        uri = f"file:{quote(str(self._path))}?mode=rw"
        wait_s = _FIRST_S if self._known is None else _AGAIN_MS / 1000
        connection = sqlite3.connect(uri, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        self._opened, self._version = opened, -1
        return connection

    def _close(self) -> None:
        if self._connection is not None and self._opened[0] == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _is_busy(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def _read(connection: sqlite3.Connection, where: str) -> tuple[dict[str, Assignment], dict[str, Key]]:
    """Read everything as of one moment."""
    connection.execute("BEGIN")
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "assignments" not in tables:
            return {}, {}
        (schema,) = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if int(schema) > SCHEMA:
            raise Unavailable(
                f"The registry has schema {schema}, this version knows up to {SCHEMA}",
                where=where,
                fix="Serve with the Seaway version that wrote it, or a newer one.",
                code="newer-format",
            )
        keys = connection.execute(_KEYS) if "keys" in tables else ()
        return {row[0]: _assignment(row) for row in connection.execute(_NEWEST)}, {row[0]: _key(row) for row in keys}
    finally:
        if connection.in_transaction:  # an error of the disk has ended it already
            connection.execute("COMMIT")


def _key(row: tuple[Any, ...]) -> Key:
    fields = dict(zip(Key.__struct_fields__, row, strict=True))
    return msgspec.convert(fields | {name: msgspec.json.decode(fields[name]) for name in ("roles", "models")}, Key)


def _assignment(row: tuple[str, int, str, str | None, float | None, str, str, str]) -> Assignment:
    model, sequence, champion, canary, share, shadows, salt, reason = row
    return Assignment(
        model=model,
        sequence=sequence,
        champion=champion,
        canary=(canary, share) if canary is not None and share is not None else None,
        shadows=msgspec.json.decode(shadows, type=tuple[str, ...]),
        salt=salt,
        reason=reason,
    )
