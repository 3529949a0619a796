"""What the registry's tables hold, as values: the reading and writing that every operation shares, inside its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Row, func, insert, inspect, select

from seaway.core import canonical, chance
from seaway.core.access import Key
from seaway.core.assignment import Assignment
from seaway.core.verdict import Verdict
from seaway.registry import schema
from seaway.security import audit
from seaway.security.audit import Line

T = TypeVar("T")


def row_of(assignment: Assignment) -> dict[str, Any]:
    """Return the columns of an assignment."""
    digest, share = assignment.canary or (None, None)
    row = msgspec.structs.asdict(assignment)
    share = None if share is None else float(share)  # as it will be read back: its digest stands in the audit chain
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


def highest(connection: Connection, column: Any, *where: Any) -> int:
    """Return the highest number in a column, 0 where there is none."""
    return int(connection.scalar(select(func.coalesce(func.max(column), 0)).where(*where)) or 0)


def add_model(connection: Connection, model: str) -> None:
    """Make a model known, unless it is."""
    table = schema.models
    if connection.execute(select(table.c.name).where(table.c.name == model)).first() is None:
        connection.execute(insert(table).values(name=model, made=chance.stamp()))


def key_row(key: Key) -> dict[str, Any]:
    """Return the columns of a caller's key."""
    row = msgspec.structs.asdict(key)
    return row | {"roles": text_of(key.roles), "models": text_of(key.models), "rate": float(key.rate)}


def key_of(row: Row[Any]) -> Key:
    """Return the caller's key of a row."""
    values = {name: getattr(row, name) for name in Key.__struct_fields__}  # the names of a row are no plain `str`
    return msgspec.convert(values | {name: msgspec.json.decode(values[name]) for name in ("roles", "models")}, Key)


# ------------------------------------------------------------------------------------------------------------ audit


class Head(NamedTuple):
    """The newest line of the audit chain."""

    number: int
    kind: str
    hash: str


def head(connection: Connection) -> Head | None:
    """Return the newest line of the audit chain, or None before the first."""
    table = schema.audit
    row = connection.execute(
        select(table.c.number, table.c.kind, table.c.hash).order_by(table.c.number.desc()).limit(1)
    ).first()
    return Head(*row) if row is not None else None


def hash_at(connection: Connection, number: int) -> str | None:
    """Return the hash of a line, or None where there is none of that number."""
    if not inspect(connection).has_table(schema.audit.name):
        return None
    return connection.scalar(select(schema.audit.c.hash).where(schema.audit.c.number == number))


def lines(connection: Connection, after: int = 0) -> list[Line]:
    """Return the audit chain behind line `after`, oldest first."""
    table = schema.audit
    found = connection.execute(select(table).where(table.c.number > after).order_by(table.c.number))
    return [read(row, Line) for row in found]


def content_of(row: Mapping[str, Any]) -> str:
    """Return the digest of a row's columns, by which an audit line names what it made."""
    return canonical.digest(canonical.encode(dict(row)))


def write_down(
    connection: Connection,
    kind: str,
    *,
    principal: str,
    reason: str,
    model: str | None = None,
    subject: str = "",
    sequence: int | None = None,
    row: Mapping[str, Any] | None = None,
    content: str = "",
    evidence: Sequence[Verdict] = (),
    at: str = "",
) -> None:
    """Append one line to the audit chain; `row` holds the columns that the change made, or `content` their digest."""
    last = head(connection)
    line = Line(
        number=last.number + 1 if last else 1,
        at=at or chance.stamp(),
        model=model,
        kind=_plain(kind),
        subject=_plain(subject),
        sequence=sequence,
        content=content_of(row) if row is not None else content,
        principal=_plain(principal),
        reason=_plain(reason),
        evidence=text_of(tuple(evidence)),
        previous=last.hash if last else audit.START,
        hash="",
    )
    line = msgspec.structs.replace(line, hash=audit.hash_of(line))
    connection.execute(insert(schema.audit).values(**msgspec.structs.asdict(line)))


def _plain(text: str) -> str:
    """Return a text that every reader can take: bytes of a command line that are no UTF-8 come as lone surrogates."""
    return text.encode("utf-8", "replace").decode()
