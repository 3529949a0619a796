"""A table or query of a DuckDB file, read and never written, with the columns' own types.

DuckDB's SQL reads other files, loads extensions and asks the network: all of that is switched off and locked before the first
word of a query is read.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from seaway.core.errors import BadInput, Malformed, SeawayError, TooLarge, Unavailable
from seaway.core.optional import need
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.sources import query
from seaway.data.sources.address import Address

MEMORY = "1GiB"
CLOSED = {
    "access_mode": "READ_ONLY",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MEMORY,
}


def pieces(address: Address, rows: int) -> Iterator[Piece]:
    """Yield the rows with the types that DuckDB gives the columns."""
    # A sort or a join larger than the memory goes to disk, in a folder of its own: not beside the file, which is not ours.
    with tempfile.TemporaryDirectory(prefix="seaway-duckdb-") as spill:
        yield from _pieces(address, rows, spill)


def _pieces(address: Address, rows: int, spill: str) -> Iterator[Piece]:
    duckdb = need("duckdb", extra="sql", why="reading a DuckDB file")
    where = str(address)
    try:
        connection = duckdb.connect(str(address.path), config={**CLOSED, "temp_directory": spill})
    except duckdb.Error as error:
        raise _unopened(duckdb, error, where) from None
    first, batches, clock = 0, None, _Clock(connection, query.deadline(address))
    try:
        connection.execute("SET lock_configuration = true")
        with clock.running():
            batches = connection.sql(_statement(duckdb, connection, address)).to_arrow_reader(rows)
        query.refuse_doubles(batches.schema.names, where)
        while True:
            with clock.running():
                batch = next(batches, None)
            if batch is None and first:
                return
            frame = pl.DataFrame(batches.schema.empty_table() if batch is None else batch)
            assert isinstance(frame, pl.DataFrame)
            yield Piece(rows=Table(frame), first=first)
            if batch is None:
                return
            first += frame.height
    except (duckdb.Error, OSError) as error:  # what ends the reader of batches comes as OSError
        raise _told(duckdb, error, where, clock=clock) from None
    finally:
        # A reader that an error's traceback keeps alive keeps the file open, and the next `connect` would wait for its end.
        batches = None
        connection.close()


class _Clock:
    """Interrupts what takes longer than it may."""

    def __init__(self, connection: Any, seconds: int) -> None:
        self._connection, self.seconds, self.is_over = connection, seconds, False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count from here to the end of the block."""
        timer = threading.Timer(self.seconds, self._stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _stop(self) -> None:
        self.is_over = True
        self._connection.interrupt()


def _statement(duckdb: Any, connection: Any, address: Address) -> str:
    """Return the one statement, which reads; raises where the text is anything else."""
    where = str(address)
    if address.is_named:
        listed = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables ORDER BY table_schema, table_name"
        ).fetchall()
        names = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in listed}
        if address.part not in names:
            raise query.no_table(address.part, list(names), where)
        schema, name = names[address.part]
        return f"SELECT * FROM {query.quoted(schema)}.{query.quoted(name)}"  # noqa: S608 - both names are quoted
    try:
        statements = duckdb.extract_statements(query.single(address.part, where))
    except duckdb.Error as error:
        raise _told(duckdb, error, where, clock=None) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise query.only_reading(where)
    return str(statements[0].query)


def _unopened(duckdb: Any, error: Exception, where: str) -> SeawayError:
    reason = _reason(error)
    if isinstance(error, duckdb.IOException) and "lock" in reason.lower():
        return Unavailable("Another process writes to the DuckDB file", where=where, fix="Wait until it has ended.")
    return Malformed(f"The DuckDB file cannot be read: {reason}", where=where, fix="Fetch or make it again.")


def _told(duckdb: Any, error: Exception, where: str, *, clock: _Clock | None) -> SeawayError:
    reason = _reason(error)
    if clock is not None and clock.is_over:
        return query.too_slow(clock.seconds, where)
    if isinstance(error, duckdb.PermissionException) or "disabled by configuration" in reason:
        return query.only_reading(where)
    if isinstance(error, duckdb.OutOfMemoryException):
        return TooLarge(
            f"The query needs more than {MEMORY} of memory", where=where, fix="Make it lighter, or write it to Parquet."
        )
    if isinstance(error, (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)):
        return Malformed(f"The DuckDB file is damaged: {reason}", where=where, fix="Fetch or make it again.")
    return BadInput(
        f"DuckDB refuses the query: {reason}", where=where, fix="Correct the query behind the #.", code="bad-query"
    )


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
