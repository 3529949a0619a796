"""The registry's tables. Assignments and history only ever grow; triggers hold SQLite to it."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
)

from seaway.core.errors import Unavailable

VERSION = 1
"""Raise it with a step that brings a registry of the version before up to date."""

METADATA = MetaData()

meta = Table(
    "meta", METADATA, Column("name", String(64), primary_key=True), Column("value", String(64), nullable=False)
)

models = Table(
    "models",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("made", String(32), nullable=False),
)

reservations = Table(
    "reservations",
    METADATA,
    Column("model", ForeignKey("models.name"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False, unique=True),
    Column("parent", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    UniqueConstraint("model", "version"),
)

releases = Table(
    "releases",
    METADATA,
    Column("model", ForeignKey("models.name"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False, unique=True),
    Column("parent", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Column("registered", String(32), nullable=False),
    Column("principal", String(128), nullable=False),
    Column("verdicts", Text, nullable=False),
    UniqueConstraint("model", "version"),
)

assignments = Table(
    "assignments",
    METADATA,
    Column("model", String(64), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("champion", String(64), nullable=False),
    Column("canary", String(64)),
    Column("share", Float),
    Column("shadows", Text, nullable=False),  # JSON list: a server reads an assignment as one row
    Column("salt", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("restores", Integer),  # the sequence that a rollback went back to
    ForeignKeyConstraint(["model", "champion"], ["releases.model", "releases.digest"]),
    ForeignKeyConstraint(["model", "canary"], ["releases.model", "releases.digest"]),
    CheckConstraint("sequence > 0"),
    CheckConstraint("(canary IS NULL) = (share IS NULL)"),
    CheckConstraint("share IS NULL OR (share > 0 AND share <= 1)"),
)

history = Table(
    "history",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("model", ForeignKey("models.name"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("sequence", Integer),  # of the assignment that the entry is about
    Column("principal", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    sqlite_autoincrement=True,
)

_KEPT = ("assignments", "history", "releases", "reservations")


def is_new(connection: Connection, where: str) -> bool:
    """Say whether the database is empty; refuse one that is no registry, or that a newer version made."""
    found = set(inspect(connection).get_table_names())
    if not found:
        return True
    text = connection.scalar(select(meta.c.value).where(meta.c.name == "schema")) if "meta" in found else None
    if text is None or not text.isdecimal():
        raise Unavailable(
            "This database is no registry of Seaway", where=where, fix="Move it away, or name another state folder."
        )
    if int(text) > VERSION:
        raise Unavailable(
            f"The registry has schema {text}, this version knows up to {VERSION}; nothing was changed",
            where=where,
            fix="Use the Seaway version that wrote it, or a newer one.",
            code="newer-format",
        )
    return False


def make(connection: Connection, where: str) -> None:
    """Make the tables, inside the caller's writing transaction, unless another process was faster."""
    if is_new(connection, where):
        METADATA.create_all(connection)
        connection.execute(insert(meta).values(name="schema", value=str(VERSION)))
        if connection.dialect.name == "sqlite":
            _forbid_changes(connection)


def _forbid_changes(connection: Connection) -> None:
    for table in _KEPT:
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
