"""The index of an event log on disk: what was asked, who answered, what was refused, what came true.

A derived file: it holds places in the log and no rows or answers, so whatever is erased from the log is gone from here, and
the file may be removed at any time (the next look reads the log again). One transaction takes in events and moves the offsets, so
a crash leaves either both or neither.

    ask      one request by its id (and `identity`, the caller's own, where there is one): the log is at-least-once, this is exactly-once
    reply    one release's answer to it, with the place of the record; shadows answer under the same ask
    refusal  a request that was not answered
    moment   a text that predictions and labels call a moment by
    course   the moments that a case was asked about, one after the other, held once for all cases with the same ones; `only` is
             the one moment of a course of one. Course 0 has none
    step     where a moment stands in a course, from 1; 0 where a moment was given with the row and the answer has no steps
    subject  the id and the course of one case, to join labels that name no request
    label    every label ever given. What it tells, once that is known: a case (`ask`, `place`), or with ask 0 the moment of an
             id (`name`, `moment`), which settles every prediction about it

One label may settle as many predictions as a horizon has steps, and cases of many series share their courses, so that neither
pairs of labels and predictions nor the moments of each case are kept: both are found through `step` when asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seaway.core.durable import disk
from seaway.core.errors import Unavailable

VERSION = 3

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
CREATE TABLE moment (number INTEGER PRIMARY KEY, at TEXT UNIQUE);
CREATE TABLE course (number INTEGER PRIMARY KEY, moments BLOB UNIQUE, only INT);
CREATE TABLE step (moment INT, course INT, step INT, PRIMARY KEY (moment, course)) WITHOUT ROWID;
CREATE TABLE subject (
    id TEXT, course INT, sequence INT, ask INT, place INT, PRIMARY KEY (id, course, sequence, ask, place)) WITHOUT ROWID;
CREATE INDEX subject_case ON subject (ask, place);
CREATE TABLE label (
    number INTEGER PRIMARY KEY, sequence INT, principal TEXT, request_id TEXT, row INT, id TEXT, at TEXT, value TEXT, known TEXT,
    ask INT, place INT, name TEXT NOT NULL DEFAULT '', moment INT NOT NULL DEFAULT 0,
    UNIQUE (sequence, principal, request_id, row, id, at));
CREATE INDEX label_truth ON label (ask, place, name, moment, sequence);
CREATE INDEX label_id ON label (id, at, sequence) WHERE request_id = '';
CREATE INDEX label_sequence ON label (sequence);
CREATE INDEX label_waiting ON label (number) WHERE ask IS NULL;
CREATE TABLE tally (release TEXT PRIMARY KEY, window INT, cases INT) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value INT) WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the index, empty where there is none, where it is damaged, or where an older version of Seaway made it.

    Raises `Unavailable` for one that a newer version made, and changes nothing of it.
    """
    with disk("The folder of the index cannot be made", path.parent):
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
        _refuse_newer(connection, path)
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
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a failing disk may have ended it already
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > VERSION:
        raise Unavailable(
            f"The index of the event log has version {version}, this Seaway knows up to {VERSION}; nothing was changed",
            where=str(path),
            fix="Use the Seaway that wrote it, or a newer one; or remove the file: it is made again from the log.",
            code="newer-format",
        )


def _remake(connection: sqlite3.Connection) -> None:
    old = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in old.fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for statement in TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
