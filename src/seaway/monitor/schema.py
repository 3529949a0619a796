"""The index of an event log on disk: what was asked, who answered, what was refused, what came true.

A derived file: it holds places in the log and no rows or answers, so whatever is erased from the log is gone from here, and
the file may be removed at any time (the next look reads the log again). One transaction takes in events and moves the offsets, so
a crash leaves either both or neither.

    ask      one request by its id (and `identity`, the caller's own, where there is one): the log is at-least-once, this is exactly-once
    reply    one release's answer to it, with the place of the record; shadows answer under the same ask
    refusal  a request that was not answered
    subject  the id of one case, to join labels that name no request
    label    every label ever given; `ask` and `place` once its case is known
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seaway.core.errors import Unavailable

VERSION = 2

TABLES = """
CREATE TABLE segment (worker INT, number INT, offset INT, damage TEXT, PRIMARY KEY (worker, number)) WITHOUT ROWID;
CREATE TABLE ask (
    number INTEGER PRIMARY KEY, identity TEXT UNIQUE, request_id TEXT UNIQUE, client TEXT, sequence INT, cases INT);
CREATE INDEX ask_client ON ask (client) WHERE client <> '';
CREATE TABLE reply (
    ask INT, release TEXT, arm TEXT, sequence INT, took_us INT, cases INT, window INT,
    worker INT, segment INT, start INT, PRIMARY KEY (ask, release)) WITHOUT ROWID;
CREATE INDEX reply_window ON reply (release, window);
CREATE INDEX reply_sequence ON reply (release, sequence);
CREATE TABLE refusal (
    identity TEXT, release TEXT, arm TEXT, sequence INT, status INT, code TEXT, columns TEXT, took_us INT,
    PRIMARY KEY (identity, release, arm)) WITHOUT ROWID;
CREATE INDEX refusal_sequence ON refusal (sequence);
CREATE TABLE subject (id TEXT, at TEXT, sequence INT, ask INT, place INT, PRIMARY KEY (id, at, sequence, ask, place))
    WITHOUT ROWID;
CREATE INDEX subject_ask ON subject (ask);
CREATE TABLE label (
    number INTEGER PRIMARY KEY, sequence INT, principal TEXT, request_id TEXT, row INT, id TEXT, at TEXT,
    value TEXT, known TEXT, ask INT, place INT, UNIQUE (sequence, principal, request_id, row, id, at));
CREATE INDEX label_case ON label (ask, place, sequence);
CREATE INDEX label_id ON label (id, at, sequence) WHERE id <> '';
CREATE INDEX label_waiting ON label (number) WHERE ask IS NULL;
CREATE TABLE tally (release TEXT PRIMARY KEY, window INT, cases INT) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value INT) WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the index, empty where there is none, where it is damaged, or where another version of Seaway made it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _opened(path)
    except sqlite3.OperationalError as error:
        raise unavailable(error, path) from None
    except sqlite3.DatabaseError:  # the file is damaged, and the log holds all that was in it
        path.unlink()
        return _opened(path)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    try:
        # The log is the truth, so losing the newest steps of the index with the machine's power loses nothing.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = NORMAL")
        with transaction(connection):
            if _version(connection) != VERSION:
                _remake(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def unavailable(error: sqlite3.Error, path: Path) -> Unavailable:
    """Return the error that says what to do about a failing index."""
    return Unavailable(
        f"The index of the event log cannot be used: {error}",
        where=str(path),
        fix="Free space on the disk, or correct the folder's rights. The file may be removed: it is made again from the log.",
    )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock from the first step, so that two processes take turns and neither works on what the other has read."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _remake(connection: sqlite3.Connection) -> None:
    old = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in old.fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for statement in TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
