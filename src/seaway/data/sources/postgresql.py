"""A table or query of a PostgreSQL server, read through a cursor in one read-only transaction, with the columns' own types.

The password comes from where libpq finds it (PGPASSWORD, ~/.pgpass, a service file, the kernel's word for a local user), never
from an address, and stands in no message of ours. Values arrive as the server writes them and are typed by the column, so that
what polars cannot hold (a date before Christ) is told, and numbers keep their digits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from seaway.core.errors import BadInput, SeawayError, Unavailable
from seaway.core.optional import need
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.sources import query
from seaway.data.sources.address import Address

CONNECT_S = 10
SECRET = 4
"""A password of fewer signs is not looked for in messages: it would be found in every word."""
SETTINGS = {"TimeZone": "UTC", "DateStyle": "ISO", "extra_float_digits": "1", "client_encoding": "UTF8"}
TYPES: Mapping[str, Any] = {
    "int2": pl.Int64,
    "int4": pl.Int64,
    "int8": pl.Int64,
    "oid": pl.Int64,
    "float4": pl.Float64,
    "float8": pl.Float64,
    "numeric": pl.Float64,
    "bool": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
}
"""The columns' types by PostgreSQL's names for them; any other is a text, as the server writes it."""
TABLES = """
SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""


def pieces(address: Address, rows: int) -> Iterator[Piece]:
    """Yield the rows with the types that the server gives the columns."""
    psycopg = need("psycopg", extra="sql", why="reading from PostgreSQL")
    deadline, first = query.deadline(address), 0
    try:
        with _connected(psycopg, address) as connection:
            _settle(psycopg, connection, deadline)
            statement = _statement(connection, address)
            with connection.cursor("seaway") as cursor:
                cursor.execute(statement)  # DECLARE ... CURSOR FOR: the server takes one statement, and one that reads
                columns = [_typed(psycopg, column, str(address)) for column in cursor.description or ()]
                query.refuse_doubles([name for name, _ in columns], str(address))
                while (found := cursor.fetchmany(rows)) or not first:
                    yield Piece(rows=Table(_frame(found, columns, str(address))), first=first)
                    if not found:
                        return
                    first += len(found)
    except psycopg.Error as error:
        raise _told(psycopg, error, address, deadline) from None


def _connected(psycopg: Any, address: Address) -> Any:
    given = {
        "host": address.host,
        "port": address.port,
        "dbname": address.database,
        "user": address.user,
        "application_name": "seaway",
        "connect_timeout": CONNECT_S,
        **{name: value for name, value in address.options.items() if name != "deadline"},
    }
    return psycopg.connect(**{name: value for name, value in given.items() if value})


def _settle(psycopg: Any, connection: Any, deadline: int) -> None:
    """Begin the one transaction: read-only, of one moment, with a deadline, and every value as text."""
    from psycopg.types.string import TextLoader  # psycopg is an extra, and this its home

    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    for name, value in {**SETTINGS, "statement_timeout": f"{deadline}s"}.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
    for info in psycopg.adapters.types:
        connection.adapters.register_loader(info.oid, TextLoader)


def _statement(connection: Any, address: Address) -> str:
    if not address.is_named:
        return query.single(address.part, str(address))
    names: dict[str, tuple[str, str]] = {}
    for schema, name, is_visible in connection.execute(TABLES):
        names[name if is_visible == "t" else f"{schema}.{name}"] = (schema, name)
        names.setdefault(f"{schema}.{name}", (schema, name))
    if address.part not in names:
        raise query.no_table(address.part, list(names), str(address))
    schema, name = names[address.part]
    return f"SELECT * FROM {query.quoted(schema)}.{query.quoted(name)}"  # noqa: S608 - both names are quoted


def _typed(psycopg: Any, column: Any, where: str) -> tuple[str, Any]:
    """Return a column's name and type; raises where its values are no cells."""
    info = psycopg.adapters.types.get(column.type_code)
    kind = info.name if info else ""
    if info is not None and (info.array_oid == column.type_code or kind == "bytea"):
        raise BadInput(
            f"Column {column.name!r} holds {'lists' if kind != 'bytea' else 'bytes'}, which are no cells of a table",
            where=where,
            fix="Leave it out by a query behind the #, or spread it over columns of its own.",
        )
    if kind == "numeric" and column.scale == 0 and column.precision and column.precision <= 18:
        return column.name, pl.Int64
    return column.name, TYPES.get(kind, pl.String)


def _frame(found: Sequence[tuple[str | None, ...]], columns: Sequence[tuple[str, Any]], where: str) -> pl.DataFrame:
    cells = zip(*found, strict=True) if found else [()] * len(columns)
    return pl.DataFrame([_series(name, kind, texts, where) for (name, kind), texts in zip(columns, cells, strict=True)])


def _series(name: str, kind: Any, texts: Sequence[str | None], where: str) -> pl.Series:
    raw = pl.Series(name, texts, dtype=pl.String)
    if kind == pl.String:
        return raw
    if kind == pl.Boolean:
        return raw == "t"
    if kind == pl.Date:
        made = raw.str.to_date("%Y-%m-%d", strict=False)
    elif kind == pl.Datetime:
        made = raw.str.strip_suffix("+00").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        made = made.dt.replace_time_zone(kind.time_zone)
    else:
        made = raw.cast(kind, strict=False)
    lost = raw.filter(made.is_null() & raw.is_not_null())
    if len(lost):
        raise BadInput(
            f"Column {name!r} holds {lost[0]!r}, which Seaway has no {'time' if kind.is_temporal() else 'number'} for",
            where=where,
            fix="Turn it into NULL, or into a text, by a query behind the #.",
        )
    return made


def _told(psycopg: Any, error: Any, address: Address, deadline: int) -> SeawayError:
    where, state = str(address), error.sqlstate or ""
    reason = _without_secret((error.diag.message_primary or str(error)).strip().splitlines()[0][:300])
    if state == "57014":
        return query.too_slow(deadline, where)
    if state[:2] == "25" or "multiple commands" in reason or "data-modifying" in reason:
        return query.only_reading(where)
    if state[:2] in ("42", "22", "26", "34", "0A"):
        return BadInput(
            f"PostgreSQL refuses the query: {reason}",
            where=where,
            fix="Correct the query behind the #.",
            code="bad-query",
        )
    if isinstance(error, psycopg.ProgrammingError):
        return BadInput(f"The address cannot be used: {reason}", where=where, fix="Correct the address.")
    return Unavailable(
        f"PostgreSQL does not answer: {reason}",
        where=where,
        fix="Check host, port, database, user (PGUSER) and password (PGPASSWORD or ~/.pgpass), and that the server runs.",
    )


def _without_secret(text: str) -> str:
    """Return a message of the server or of libpq without the password, should it ever repeat it."""
    secret = os.environ.get("PGPASSWORD", "")
    return text.replace(secret, "***") if len(secret) >= SECRET else text
