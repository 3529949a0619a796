"""A table or query of an SQLite file, read and never written.

The file may come from anyone: it is opened read-only, its own views and triggers run no function with side effects
(`trusted_schema` off), and an authorizer refuses whatever is no reading, above all ATTACH, which would open other files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from seaway.core import chance
from seaway.core.errors import BadInput, Malformed, SeawayError, TooLarge, Unavailable
from seaway.data.pieces import Piece
from seaway.data.sources import query
from seaway.data.sources.address import Address
from seaway.data.sources.texts import Gathering

READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
"""Functions that reach beyond the file, where a build has them."""
LENGTH = 1 << 24
"""Bytes one cell or statement may have."""
STEPS = 100_000
"""Instructions of SQLite's machine between two looks at the clock: about a millisecond."""


def pieces(address: Address, rows: int) -> Iterator[Piece]:
    """Yield the rows as texts; SQLite gives each cell its own type, so a column has none."""
    assert address.path is not None
    with closing(_opened(address.path)) as connection:
        clock = _Clock(connection, query.deadline(address))
        try:
            cursor = connection.execute(_statement(connection, address))
            names = [str(column[0]) for column in cursor.description]
            query.refuse_doubles(names, str(address))
            gathering = Gathering(names, rows)
            while found := cursor.fetchmany(rows):
                for row in found:
                    gathering.add([_text(cell, str(address)) for cell in row])
                yield from gathering.full()
                clock.start()
            yield from gathering.rest()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _told(error, address, clock) from None


class _Clock:
    """Ends a statement that takes too long, from within."""

    def __init__(self, connection: sqlite3.Connection, seconds: int) -> None:
        self.seconds, self.is_over = seconds, False
        self.start()
        connection.set_progress_handler(self._look, STEPS)

    def start(self) -> None:
        """Count from now."""
        self._end = chance.monotonic() + self.seconds

    def _look(self) -> int:
        self.is_over = chance.monotonic() > self._end
        return int(self.is_over)


def _opened(path: Path) -> sqlite3.Connection:
    """Open a file read-only; a writer beside us may go on, as SQLite's own locks say."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except sqlite3.Error as error:
        raise Unavailable(
            f"The SQLite file cannot be opened: {error}", where=str(path), fix="Check the file and who may read it."
        ) from None
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LENGTH)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = bytes  # a cell that is no UTF-8 is ours to tell about
    connection.set_authorizer(_may)
    return connection


def _may(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    is_allowed = action in READING and not (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS)
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _statement(connection: sqlite3.Connection, address: Address) -> str:
    if not address.is_named:
        return query.single(address.part, str(address))
    listed = connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
    names = [name.decode("utf-8", "replace") for (name,) in listed]
    if address.part not in names:
        raise query.no_table(address.part, names, str(address))
    return f"SELECT * FROM {query.quoted(address.part)}"  # noqa: S608 - the name is quoted, and one of the file's own


def _text(value: object, where: str) -> str | None:
    """Write a cell as a CSV file would hold it."""
    if value is None:
        return None
    if not isinstance(value, bytes):
        return repr(value) if isinstance(value, float) else str(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Malformed(
            "A cell holds bytes that are no text",
            where=where,
            fix="Leave its column out: name the columns in a query behind the #.",
        ) from None
    if "\x00" in text:
        raise Malformed(
            "A cell holds a zero byte, so it is no text", where=where, fix="Leave its column out by a query."
        )
    return text


def _told(error: Exception, address: Address, clock: _Clock) -> SeawayError:
    reason, where = str(error), str(address)
    if clock.is_over:
        return query.too_slow(clock.seconds, where)
    if any(word in reason for word in ("authorized", "prohibited", "one statement")):
        return query.only_reading(where)
    if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return Malformed(f"The SQLite file is damaged: {reason}", where=where, fix="Fetch or make it again.")
    if "too big" in reason:
        return TooLarge(f"A cell has more than {LENGTH:,} bytes", where=where, fix="Leave its column out by a query.")
    if "locked" in reason or "busy" in reason or "disk I/O" in reason:
        return Unavailable(f"The SQLite file cannot be read now: {reason}", where=where, fix="Try again.")
    return BadInput(
        f"SQLite refuses the query: {reason}", where=where, fix="Correct the query behind the #.", code="bad-query"
    )
