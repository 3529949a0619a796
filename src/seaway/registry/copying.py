"""The registry's file as a whole: copied while others write to it, and asked whether it is sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from seaway.core import chance
from seaway.core.errors import SeawayError, Unavailable
from seaway.core.verdict import Verdict
from seaway.registry.proof import check_state
from seaway.registry.schema import VERSION
from seaway.security.audit import Line

_WAIT_S, _AGAIN_S = 30.0, 0.02
_PROBLEMS = 10
_LINE = ", ".join(Line.__struct_fields__)


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a registry's file says of itself: `releases` are (model, version, digest, expires), `assigned` those that answer now.

    `lines` are the audit chain and `told` whether it tells of every row; empty and None in a registry from before there was one.
    """

    schema: int
    releases: tuple[tuple[str, int, str, str], ...]
    assigned: frozenset[str]
    lines: tuple[Line, ...]
    told: Verdict | None
    problems: tuple[str, ...]


def copy(source: Path, target: Path) -> None:
    """Write one consistent state of the registry to a new file through SQLite's backup API; `source` may be in use.

    Raises `Unavailable` where a writer keeps it busy for too long, where it is damaged, and where a newer version made it.
    """
    until = chance.monotonic() + _WAIT_S

    def look(_status: int, _left: int, _total: int) -> None:
        if chance.monotonic() >= until:
            raise Unavailable(
                f"Another process kept the registry busy for {_WAIT_S:.0f} s",
                where=str(source),
                fix="Run this again; if it lasts, look for a stopped process that holds the file.",
                code="busy",
            )

    with _opened(source, "mode=rw") as read, _opened(target, "mode=rwc") as written:
        read.execute("PRAGMA query_only=ON")
        _refuse_newer(_schema(read), source)
        written.execute("PRAGMA synchronous=FULL")
        read.backup(written, progress=look, sleep=_AGAIN_S)


def survey(path: Path, *, at_rest: bool) -> Survey:
    """Return what the file holds and what is wrong with it; nothing is written, and `at_rest` promises that nobody else does.

    Raises `Unavailable` where it is no database that can be read, or a newer version made it.
    """
    mode = "mode=ro&immutable=1" if at_rest else "mode=rw"
    with _opened(path, mode) as connection:
        connection.execute("PRAGMA query_only=ON")
        schema = _schema(connection)
        _refuse_newer(schema, path)
        problems = [str(line) for (line,) in connection.execute(f"PRAGMA integrity_check({_PROBLEMS})") if line != "ok"]
        problems += [
            f"{table} names a row of {parent} that is not there"
            for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_PROBLEMS)
        ]
        releases = connection.execute(
            "SELECT model, version, digest, expires FROM releases ORDER BY model, version"
        ).fetchall()
        assigned = connection.execute(
            "SELECT champion, canary, shadows FROM assignments AS a "
            "WHERE sequence = (SELECT max(sequence) FROM assignments AS b WHERE b.model = a.model)"
        ).fetchall()
        lines = connection.execute(f"SELECT {_LINE} FROM audit ORDER BY number").fetchall() if schema > 1 else []  # noqa: S608 - fixed words
        told = _told(path, mode) if schema > 1 else None
    known = {digest for _, _, digest, _ in releases}
    answering = {digest for digest in known for row in assigned if any(digest in (text or "") for text in row)}
    return Survey(
        schema=schema,
        releases=tuple(releases),
        assigned=frozenset(answering),
        lines=tuple(Line(**dict(zip(Line.__struct_fields__, line, strict=True))) for line in lines),
        told=told,
        problems=tuple(problems),
    )


def _told(path: Path, mode: str) -> Verdict:
    engine = create_engine("sqlite://", creator=lambda: _connect(path, mode), poolclass=NullPool)
    with engine.connect() as connection:
        return check_state(connection)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    try:
        connection = _connect(path, mode)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _unreadable(error, path) from None
    except DatabaseError as error:
        cause = error.orig if isinstance(error.orig, sqlite3.Error) else sqlite3.DatabaseError(str(error))
        raise _unreadable(cause, path) from None


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)


def _unreadable(error: sqlite3.Error, path: Path) -> SeawayError:
    """Return the error of a registry that is damaged, or cannot be reached."""
    is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    if is_damaged:
        return Unavailable(
            f"The registry is damaged: {error}",
            where=str(path),
            fix="Restore it from a backup; the bundles and the event log are separate files and stay as they are.",
            code="damaged-registry",
        )
    return Unavailable(
        f"The registry cannot be used: {error}",
        where=str(path),
        fix="Check that the disk has space and that you may read and write there, then run this again.",
    )


def _schema(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    return int(row[0]) if row else 0


def _refuse_newer(schema: int, path: Path) -> None:
    if schema > VERSION:
        raise Unavailable(
            f"The registry has schema {schema}, this version knows up to {VERSION}; nothing was changed",
            where=str(path),
            fix="Use the Seaway version that wrote it, or a newer one.",
            code="newer-format",
        )
