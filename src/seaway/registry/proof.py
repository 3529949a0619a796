"""Holds the state to the audit chain: every row has the line that made it, and every line's row is still there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, select

from seaway.core import canonical
from seaway.core.verdict import Verdict
from seaway.registry import rows, schema
from seaway.security.audit import RESTORE

GROWING = (schema.reservations, schema.releases, schema.assignments)
MIGRATED = "migrated"


def contents(connection: Connection, tables: Iterable[Table] = GROWING) -> dict[str, str]:
    """Return a name for people by the digest of each row."""
    return {
        rows.content_of(row._asdict()): f"{table.name} row {tuple(row)[:2]}"
        for table in tables
        for row in connection.execute(select(table))
    }


def digest_of(digests: Iterable[str]) -> str:
    """Return one digest for many rows, whatever their order: rows older than the chain are told of by one line."""
    return canonical.digest(canonical.encode(sorted(digests)))


def check_state(connection: Connection) -> Verdict:
    """Say whether releases, assignments, reservations and keys are those that the audit chain tells of."""
    there = contents(connection)
    told: dict[str, str] = {}
    keys: dict[str, str] = {}
    before = digest_of(())
    for line in connection.execute(
        select(schema.audit).where(schema.audit.c.content != "").order_by(schema.audit.c.number)
    ):
        if line.kind == MIGRATED:
            before = line.content
        elif line.model is None:
            keys[line.subject] = line.content
        else:
            told[line.content] = f"line {line.number} ({line.kind})"
    older = {digest: name for digest, name in there.items() if digest not in told}
    problems = [f"what {name} made is not there as it was made" for digest, name in told.items() if digest not in there]
    if digest_of(older) != before:
        problems += (
            [f"no line tells of {name}" for name in older.values()]
            if before == digest_of(())
            else [f"the {len(older)} rows from before the chain are not those that were found then"]
        )
    problems += _key_problems(connection, keys)
    return Verdict(
        code="A003",
        outcome="fail" if problems else "pass",
        subject="registry",
        message=_words(problems)
        if problems
        else f"All {len(there)} rows and {len(keys)} keys are as the audit chain tells",
        fix=RESTORE if problems else "",
        value=float(len(problems)),
        limit=0.0,
    )


def _key_problems(connection: Connection, told: dict[str, str]) -> list[str]:
    found: dict[str, Any] = {row.id: rows.content_of(row._asdict()) for row in connection.execute(select(schema.keys))}
    return [
        f"key {identity} is not as the newest line about it says"
        for identity in sorted(found.keys() | told.keys())
        if found.get(identity) != told.get(identity)
    ]


def _words(problems: list[str]) -> str:
    shown, more = problems[:5], len(problems) - 5
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
