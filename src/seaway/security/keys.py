"""API keys: made once, shown once, kept only as a keyed hash, and found again in the same time whether right or wrong.

A key's text is `sw_<id>_<secret>_<checksum>`: a public id, 160 bits of secret, and a CRC-32 of what stands before it, which
tells a slip of the hand from a wrong key without a look at any key. Kept is HMAC-SHA-256 of the whole text under a secret of
the project, so that a copied registry alone neither opens the door nor can be searched for keys.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from seaway.core import chance
from seaway.core.access import EVERY_MODEL, Key, Role
from seaway.core.contract import NAME
from seaway.core.errors import BadInput, Refused
from seaway.security import private

SECRET = "access.secret"
"""The file, beside the signing key, that holds the secret under which keys are hashed."""

ID_BYTES, SECRET_BYTES = 8, 20
DAYS = 365
"""Days until a key ends where nobody says otherwise."""

_FORM = re.compile(r"(sw_([0-9a-f]{16})_[0-9a-f]{40})_([0-9a-f]{8})", re.ASCII)
_CONTEXT = b"seaway access key v1\0"
_NO_HASH = "0" * 64

GRANTED: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "anyone")
"""The roles that a key can have."""


def load_or_make_secret(folder: Path) -> bytes:
    """Return the project's secret for hashing keys; make it, for the owner alone, where there is none yet."""
    path = folder / SECRET
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.place(path, chance.token(32).encode(), 0o600)
    return load_secret(folder)


def load_secret(folder: Path) -> bytes:
    """Return the project's secret for hashing keys; raises `Refused` where it is absent, damaged or open to others."""
    data = private.read(folder / SECRET, "secret of the access keys")
    if not re.fullmatch(rb"[0-9a-f]{64}", data):
        raise Refused(
            "The secret of the access keys is damaged",
            where=str(folder / SECRET),
            fix="Restore it from a backup, or move it away and make new keys: those made under it open nothing any more.",
        )
    return data


def make(
    name: str,
    *,
    roles: Sequence[str],
    models: Sequence[str],
    by: str,
    secret: bytes,
    slot: int = 0,
    days: float = DAYS,
    rate: float = 0.0,
) -> tuple[str, Key]:
    """Return a new key's text, which nobody can tell again, and what is kept of it; `days` 0 never ends.

    The registry gives the key its own `slot` when it takes it in.
    """
    _refuse_bad(name, roles, models, days, rate)
    identity = chance.token(ID_BYTES)
    text = _with_checksum(f"sw_{identity}_{chance.token(SECRET_BYTES)}")
    made = chance.now()
    key = Key(
        id=identity,
        name=name,
        hash=_hash(text, secret),
        roles=tuple(role for role in GRANTED if role in roles),
        models=tuple(sorted(set(models))),
        made=chance.stamp(made),
        by=by,
        slot=slot,
        expires=chance.stamp(made + days * 86_400) if days else "",
        rate=rate,
    )
    return text, key


def find(text: str, keys: Mapping[str, Key], secret: bytes) -> Key | None:
    """Return the key whose text this is, also one that has ended; None for any other text.

    An unknown id costs the same as a wrong secret: one hash and one comparison in constant time.
    """
    parts = _FORM.fullmatch(text)
    key = keys.get(parts[2]) if parts else None
    is_same = hmac.compare_digest(_hash(text, secret), key.hash if key else _NO_HASH)
    return key if key is not None and is_same else None


def is_mistyped(text: str) -> bool:
    """Say whether a text cannot be a key at all: another form, or a checksum that does not fit."""
    parts = _FORM.fullmatch(text)
    return parts is None or _with_checksum(parts[1]) != text


def until(key: Key) -> float:
    """Return when a key ends, in seconds since 1970: 0 for a revoked one, infinity for one that never ends."""
    if key.revoked:
        return 0.0
    return datetime.fromisoformat(key.expires).timestamp() if key.expires else math.inf


def ended(key: Key, now: float) -> str:
    """Return "revoked" or "expired" where the key opens nothing any more, else an empty text."""
    if key.revoked:
        return "revoked"
    return "expired" if until(key) <= now else ""


def _hash(text: str, secret: bytes) -> str:
    return hmac.digest(secret, _CONTEXT + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def _with_checksum(body: str) -> str:
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _refuse_bad(name: str, roles: Sequence[str], models: Sequence[str], days: float, rate: float) -> None:
    """Raise for a key that nobody could have meant."""
    unknown = sorted(set(roles) - set(GRANTED))
    wrong: list[tuple[Any, str, str]] = [
        (not NAME.fullmatch(name), f"{name[:80]!r} cannot be a key's name", "Use 1 to 64 of a-z, 0-9, dot, dash and underscore."),
        (bool(unknown), f"There is no role {', '.join(map(repr, unknown))}", f"The roles are: {', '.join(GRANTED)}."),
        (not roles, "A key without a role opens nothing", f"Give one or more of: {', '.join(GRANTED)}."),
        (
            not models or any(model != EVERY_MODEL and not NAME.fullmatch(model) for model in models),
            f"{', '.join(models) or 'Nothing'} names no models",
            "Give the models by name, or every model.",
        ),
        (not 0 <= days <= 36_500, f"A key cannot last {days:g} days", "Give 1 to 36500, or 0 for a key that never ends."),
        (not 0 <= rate <= 1e6, f"A key cannot have {rate:g} requests per second", "Give a rate up to 1000000, or 0 for no limit."),
    ]  # fmt: skip
    for is_wrong, what, fix in wrong:
        if is_wrong:
            raise BadInput(what, where="key", fix=fix, code="bad-key-request")
