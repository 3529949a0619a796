"""A release takes its place under its model's name: built here, or imported."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select

from seaway.core.errors import Conflict, Refused
from seaway.registry import rows, schema
from seaway.registry.values import Release


def is_known(connection: Connection, release: Release) -> bool:
    """Say whether exactly this bundle is registered; raises `Conflict` where another has its version or sequence."""
    table = schema.releases
    taken = (table.c.version == release.version) | (table.c.sequence == release.sequence)
    there = connection.execute(
        select(table.c.digest, table.c.version, table.c.sequence).where(table.c.model == release.model, taken)
    ).all()
    if any(one.digest == release.digest for one in there):
        return True
    for one in there:
        what = "Version" if one.version == release.version else "Sequence"
        raise Conflict(
            f"{what} {getattr(release, what.lower())} of {release.model} is {one.digest[:12]} already",
            where="registry",
            fix="Reserve a new version for this build: `seaway release` does, where it was trained.",
        )
    return False


def require_place(connection: Connection, release: Release, *, is_older: bool) -> bool:
    """Raise unless an imported release is newer than every one of its model, or meant to be older; return whether it is older."""
    reserved, releases = schema.reservations, schema.releases
    waiting = select(reserved.c.key).where(
        reserved.c.model == release.model,
        (reserved.c.version == release.version) | (reserved.c.sequence == release.sequence),
    )
    if connection.execute(waiting).first() is not None:
        raise Conflict(
            f"Version {release.version} (sequence {release.sequence}) of {release.model} is reserved for a build of this project",
            where="registry",
            fix="Import a later version, or release that model under another name.",
        )
    newest = rows.highest(connection, releases.c.sequence, releases.c.model == release.model)
    if release.sequence > newest:
        return False
    if not is_older:
        raise Refused(
            f"The bundle is older than what is here: sequence {release.sequence} of {release.model}, the newest is {newest}",
            where="registry",
            fix="Import the newest one. To go back on purpose: `seaway rollback`, or import it with --older and a reason.",
            code="older-release",
        )
    return True


def add(connection: Connection, release: Release, kind: str, reason: str) -> None:
    """Register a release that is not known yet, and write it down."""
    rows.add_model(connection, release.model)
    row = msgspec.structs.asdict(release) | {"verdicts": rows.text_of(release.verdicts)}
    connection.execute(insert(schema.releases).values(**row))
    rows.write_down(
        connection,
        kind,
        model=release.model,
        subject=release.digest,
        row=row,
        principal=release.principal,
        reason=reason,
        evidence=release.verdicts,
    )
