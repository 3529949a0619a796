"""Callers' keys in the registry: added once, ended once, never forgotten."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select, update

from seaway.core import chance
from seaway.core.access import Key
from seaway.core.errors import Conflict, NotFound
from seaway.registry import rows, schema


def add(connection: Connection, key: Key, principal: str, reason: str) -> Key:
    """Store a key under the next free slot and write it down."""
    table = schema.keys
    if connection.execute(select(table.c.id).where((table.c.id == key.id) | (table.c.hash == key.hash))).first():
        raise Conflict(
            f"There is a key {key.id} already",
            where="registry",
            fix="Make another: `seaway keys make`.",
            code="same-key",
        )
    highest = rows.highest(connection, table.c.slot) if connection.execute(select(table.c.id)).first() else -1
    made = msgspec.structs.replace(key, slot=highest + 1)
    row = rows.key_row(made)
    connection.execute(insert(table).values(**row))
    rows.write_down(connection, "key made", subject=made.id, row=row, principal=principal, reason=reason)
    return made


def revoke(connection: Connection, identity: str, principal: str, reason: str) -> Key:
    """End a key now; one that is revoked already stays as it is."""
    key = _get(connection, identity)
    if key.revoked:
        return key
    ended = msgspec.structs.replace(key, revoked=chance.stamp())
    _replace(connection, ended, "key revoked", principal, reason)
    return ended


def end(connection: Connection, identity: str, at: str, principal: str, reason: str) -> Key:
    """Let a key end at a moment (RFC 3339, as `chance.stamp` writes it), never later than it would; now where that has passed."""
    key = _get(connection, identity)
    if key.revoked:
        return key
    if at <= chance.stamp():
        return revoke(connection, identity, principal, reason)
    ending = msgspec.structs.replace(key, expires=min(at, key.expires) if key.expires else at)
    _replace(connection, ending, "key ends", principal, reason)
    return ending


def _get(connection: Connection, identity: str) -> Key:
    row = connection.execute(select(schema.keys).where(schema.keys.c.id == identity)).first()
    if row is None:
        raise NotFound(
            f"There is no key {identity[:64]!r}", where="registry", fix="`seaway keys list` names those there are."
        )
    return rows.key_of(row)


def _replace(connection: Connection, key: Key, kind: str, principal: str, reason: str) -> None:
    table = schema.keys
    connection.execute(update(table).where(table.c.id == key.id).values(expires=key.expires, revoked=key.revoked))
    rows.write_down(connection, kind, subject=key.id, row=rows.key_row(key), principal=principal, reason=reason)
