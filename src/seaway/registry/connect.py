"""A database connection whose writers never overlap and whose failures say what to do.

SQLite runs with a rollback journal, since before version 3.51.3 its write-ahead log can corrupt, and with extra
synchronisation: under FULL the removal of the journal, which is what commits, is not durable yet when COMMIT returns.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from seaway.core.errors import Unavailable
from seaway.registry.schema import VERSION

BUSY_S = 10.0
"""How long one writer waits for another."""


def open_engine(path: Path, *, busy_s: float = BUSY_S) -> Engine:
    """Return the engine of a SQLite file; no connection outlives its use, so a fork inherits none."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": busy_s})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


@contextlib.contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """Run one transaction, all or nothing; a writing one is the only one from its first statement on."""
    where = str(engine.url.database)
    try:
        with engine.connect().execution_options(seaway_write=write) as connection, connection.begin():
            yield connection
    except IntegrityError:
        raise
    except OperationalError as error:
        raise _unavailable(error, where) from None
    except DatabaseError as error:
        raise Unavailable(
            f"The registry is damaged: {error.orig}",
            where=where,
            fix="Restore it from a backup; the bundles and the event log are separate files and stay as they are.",
            code="damaged-registry",
        ) from None


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not at the first INSERT
    for pragma in ("synchronous=EXTRA", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("delete",) and not _is_newer(connection):
        connection.execute("PRAGMA journal_mode=DELETE")


def _is_newer(connection: sqlite3.Connection) -> bool:
    """Say whether a later version made the registry: then not even its journal's mode is ours to change."""
    try:
        (text,) = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        return int(text) > VERSION
    except (sqlite3.Error, TypeError, ValueError):
        return False


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("seaway_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unavailable(error: OperationalError, where: str) -> Unavailable:
    text = str(error.orig)
    if "locked" in text or "busy" in text:
        return Unavailable(
            "Another process kept the registry busy for too long",
            where=where,
            fix="Run this again; if it lasts, look for a stopped process that holds the file (`seaway doctor`).",
            code="busy",
        )
    return Unavailable(
        f"The registry cannot be used: {text}",
        where=where,
        fix="Check that the disk has space and that you may write there, then run this again.",
    )
