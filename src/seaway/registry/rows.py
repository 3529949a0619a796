"""What the registry's tables hold, as values: the reading and writing that every operation shares, inside its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from seaway.core import chance
from seaway.core.assignment import Assignment
from seaway.core.verdict import Verdict
from seaway.registry import schema

T = TypeVar("T")


def row_of(assignment: Assignment) -> dict[str, Any]:
    """Return the columns of an assignment."""
    digest, share = assignment.canary or (None, None)
    row = msgspec.structs.asdict(assignment)
    return row | {"canary": digest, "share": share, "shadows": text_of(assignment.shadows)}


def assignment_of(row: Row[Any]) -> Assignment:
    """Return the assignment of a row."""
    return Assignment(
        model=row.model,
        sequence=row.sequence,
        champion=row.champion,
        canary=(row.canary, row.share) if row.canary else None,
        shadows=msgspec.json.decode(row.shadows, type=tuple[str, ...]),
        salt=row.salt,
        reason=row.reason,
    )


def read(row: Row[Any], kind: type[T], verdicts: str = "") -> T:
    """Return a row as `kind`, whose fields are named as the columns; `verdicts` names the one that holds verdicts."""
    values = dict(row._mapping)
    if verdicts:
        values[verdicts] = msgspec.json.decode(values[verdicts], type=tuple[Verdict, ...])
    return kind(**values)


def text_of(value: object) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value, order="sorted").decode()


def newest(connection: Connection, model: str) -> Assignment | None:
    """Return a model's newest assignment, or None before the first."""
    table = schema.assignments
    query = select(table).where(table.c.model == model).order_by(table.c.sequence.desc()).limit(1)
    row = connection.execute(query).first()
    return assignment_of(row) if row is not None else None


def every_step(connection: Connection, model: str) -> list[tuple[Assignment, int | None]]:
    """Return (assignment, sequence it restored) of a model, oldest first."""
    table = schema.assignments
    rows = connection.execute(select(table).where(table.c.model == model).order_by(table.c.sequence))
    return [(assignment_of(row), row.restores) for row in rows]


def next_number(connection: Connection, column: Any, *where: Any) -> int:
    """Return one more than the highest number in a column, 1 where there is none."""
    return int(connection.scalar(select(func.coalesce(func.max(column), 0)).where(*where)) or 0) + 1


def add_model(connection: Connection, model: str) -> None:
    """Make a model known, unless it is."""
    table = schema.models
    if connection.execute(select(table.c.name).where(table.c.name == model)).first() is None:
        connection.execute(insert(table).values(name=model, made=chance.stamp()))


def write_down(
    connection: Connection,
    model: str,
    kind: str,
    sequence: int | None,
    principal: str,
    reason: str,
    evidence: Sequence[Verdict],
) -> None:
    """Add one line to the history."""
    connection.execute(
        insert(schema.history).values(
            model=model,
            at=chance.stamp(),
            kind=kind,
            sequence=sequence,
            principal=principal,
            reason=reason,
            evidence=text_of(tuple(evidence)),
        )
    )
