"""Makes a new registry, or brings an older one up to date: step by step, all in the caller's one transaction.

A step knows the tables of its own versions in SQL and no others, so that it does the same for ever, whatever comes later.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, text

from seaway.core import chance
from seaway.core.verdict import Verdict
from seaway.registry import proof, rows, schema
from seaway.registry.ledger import CREATED

WHO = "seaway"


def bring_up(connection: Connection, where: str) -> None:
    """Make the tables, or take an older registry's through every step, unless another process was faster."""
    version = schema.version_of(connection, where)
    if version == 0:
        schema.make(connection)
        rows.write_down(connection, CREATED, subject=chance.token(16), principal=WHO, reason="a new registry")
        return
    for step in range(version, schema.VERSION):
        STEPS[step](connection)


def _to_2(connection: Connection) -> None:
    """The history becomes the audit chain, sequences count by model, and there are callers' keys.

    SQLite cannot change a constraint: the tables are made anew and filled from the old ones.
    """
    for table in _OLD:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in _TABLES_2:
        connection.exec_driver_sql(statement)
    for table in ("reservations", "releases", "assignments"):
        connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM old_{table}")  # noqa: S608 - names of our own
    for row in connection.execute(text("SELECT * FROM old_history ORDER BY number")).all():
        rows.write_down(
            connection,
            row.kind,
            model=row.model,
            sequence=row.sequence,
            principal=row.principal,
            reason=row.reason,
            evidence=msgspec.json.decode(row.evidence, type=tuple[Verdict, ...]),
            at=row.at,
        )
    for table in reversed(_OLD):
        connection.exec_driver_sql(f"DROP TABLE old_{table}")
    connection.exec_driver_sql("UPDATE meta SET value = '2' WHERE name = 'schema'")
    schema.forbid_changes(connection)
    rows.write_down(
        connection,
        proof.MIGRATED,
        subject=chance.token(16),
        content=proof.digest_of(proof.contents(connection)),
        principal=WHO,
        reason="from schema 1 to 2: the history up to here is as it was found, the chain begins with it",
    )


_OLD = ("reservations", "releases", "assignments", "history")

_TABLES_2 = (
    """
    CREATE TABLE reservations (
        model VARCHAR(64) NOT NULL,
        "key" VARCHAR(128) NOT NULL,
        version INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        parent VARCHAR(64) NOT NULL,
        created VARCHAR(32) NOT NULL,
        PRIMARY KEY (model, "key"),
        UNIQUE (model, version),
        UNIQUE (model, sequence),
        FOREIGN KEY(model) REFERENCES models (name)
    )
    """,
    """
    CREATE TABLE releases (
        model VARCHAR(64) NOT NULL,
        digest VARCHAR(64) NOT NULL,
        version INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        parent VARCHAR(64) NOT NULL,
        created VARCHAR(32) NOT NULL,
        expires VARCHAR(32) NOT NULL,
        registered VARCHAR(32) NOT NULL,
        principal VARCHAR(128) NOT NULL,
        verdicts TEXT NOT NULL,
        PRIMARY KEY (model, digest),
        UNIQUE (model, version),
        UNIQUE (model, sequence),
        FOREIGN KEY(model) REFERENCES models (name)
    )
    """,
    """
    CREATE TABLE assignments (
        model VARCHAR(64) NOT NULL,
        sequence INTEGER NOT NULL,
        champion VARCHAR(64) NOT NULL,
        canary VARCHAR(64),
        share FLOAT,
        shadows TEXT NOT NULL,
        salt VARCHAR(64) NOT NULL,
        reason TEXT NOT NULL,
        restores INTEGER,
        PRIMARY KEY (model, sequence),
        FOREIGN KEY(model, champion) REFERENCES releases (model, digest),
        FOREIGN KEY(model, canary) REFERENCES releases (model, digest),
        CHECK (sequence > 0),
        CHECK ((canary IS NULL) = (share IS NULL)),
        CHECK (share IS NULL OR (share > 0 AND share <= 1))
    )
    """,
    """
    CREATE TABLE "keys" (
        id VARCHAR(64) NOT NULL,
        name VARCHAR(128) NOT NULL,
        hash VARCHAR(64) NOT NULL,
        roles TEXT NOT NULL,
        models TEXT NOT NULL,
        made VARCHAR(32) NOT NULL,
        "by" VARCHAR(128) NOT NULL,
        slot INTEGER NOT NULL,
        expires VARCHAR(32) NOT NULL,
        rate FLOAT NOT NULL,
        revoked VARCHAR(32) NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (hash),
        UNIQUE (slot)
    )
    """,
    """
    CREATE TABLE audit (
        number INTEGER NOT NULL,
        at VARCHAR(32) NOT NULL,
        model VARCHAR(64),
        kind VARCHAR(64) NOT NULL,
        subject TEXT NOT NULL,
        sequence INTEGER,
        content VARCHAR(64) NOT NULL,
        principal VARCHAR(128) NOT NULL,
        reason TEXT NOT NULL,
        evidence TEXT NOT NULL,
        previous VARCHAR(64) NOT NULL,
        hash VARCHAR(64) NOT NULL,
        PRIMARY KEY (number),
        FOREIGN KEY(model) REFERENCES models (name),
        UNIQUE (hash)
    )
    """,
)

STEPS: dict[int, Callable[[Connection], None]] = {1: _to_2}
