"""The registry's tables. All but the keys only ever grow, and of a key only its end may change; triggers hold SQLite to it."""

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

VERSION = 2
"""Raise it with a step in `migrate.py` that brings a registry of the version before up to date."""

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
    Column("sequence", Integer, nullable=False),
    Column("parent", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    UniqueConstraint("model", "version"),
    UniqueConstraint("model", "sequence"),
)

releases = Table(
    "releases",
    METADATA,
    Column("model", ForeignKey("models.name"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("parent", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Column("registered", String(32), nullable=False),
    Column("principal", String(128), nullable=False),
    Column("verdicts", Text, nullable=False),
    UniqueConstraint("model", "version"),
    UniqueConstraint("model", "sequence"),
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

keys = Table(
    "keys",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("roles", Text, nullable=False),  # JSON list
    Column("models", Text, nullable=False),  # JSON list
    Column("made", String(32), nullable=False),
    Column("by", String(128), nullable=False),
    Column("slot", Integer, nullable=False, unique=True),
    Column("expires", String(32), nullable=False),
    Column("rate", Float, nullable=False),
    Column("revoked", String(32), nullable=False),
)

audit = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 ... without a gap
    Column("at", String(32), nullable=False),
    Column("model", ForeignKey("models.name")),  # null: the whole project
    Column("kind", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", Integer),  # of the assignment that the entry is about
    Column("content", String(64), nullable=False),  # digest of the row that the entry made or changed
    Column("principal", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

_GROWING = ("assignments", "audit", "models", "releases", "reservations")
_FIXED_OF_A_KEY = ("id", "name", "hash", "roles", "models", "made", '"by"', "slot", "rate")


def version_of(connection: Connection, where: str) -> int:
    """Return the schema's version, 0 for an empty database; refuse one that is no registry, or that a newer version made."""
    found = set(inspect(connection).get_table_names())
    if not found:
        return 0
    text = connection.scalar(select(meta.c.value).where(meta.c.name == "schema")) if "meta" in found else None
    if text is None or not text.isdecimal() or text == "0":
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
    return int(text)


def make(connection: Connection) -> None:
    """Make the tables of an empty database, inside the caller's writing transaction."""
    METADATA.create_all(connection)
    connection.execute(insert(meta).values(name="schema", value=str(VERSION)))
    if connection.dialect.name == "sqlite":
        forbid_changes(connection)


def forbid_changes(connection: Connection) -> None:
    """Let SQLite itself refuse to change or delete what was written; a key may end earlier, never later."""
    for table in _GROWING:
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
    other = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in _FIXED_OF_A_KEY)
    later = "OLD.expires <> '' AND (NEW.expires = '' OR NEW.expires > OLD.expires)"
    connection.exec_driver_sql(
        f"CREATE TRIGGER keys_only_end BEFORE UPDATE ON keys WHEN {other} OR OLD.revoked <> '' OR {later} "
        "BEGIN SELECT RAISE(ABORT, 'a key can only end'); END"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER keys_no_delete BEFORE DELETE ON keys BEGIN SELECT RAISE(ABORT, 'keys are never forgotten'); END"
    )
