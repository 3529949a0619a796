"""One byte form per value, so that a digest names a content and nothing else."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

from seaway.core.errors import Untrusted

T = TypeVar("T")


def encode(value: Any) -> bytes:
    """Canonical JSON: UTF-8, keys sorted, no spaces, shortest numbers that read back equal."""
    return msgspec.json.encode(value, order="sorted")


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` in 64 lowercase hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


class _Format(msgspec.Struct, frozen=True):
    format: int


def format_of(data: bytes) -> int:
    """Return the number that stands under `format`, 0 where none does: a later version may have added fields beside it."""
    try:
        return msgspec.json.decode(data, type=_Format).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


def decode(data: bytes, kind: type[T], *, where: str) -> T:
    """Read canonical JSON into `kind`, refusing bytes that any other writer could have made.

    Encoding what was read must give the same bytes, which excludes duplicate and unknown keys, other orders,
    other spellings of a number, and trailing bytes: a signature then covers exactly one meaning.
    """
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Untrusted(
            f"Not a valid {kind.__name__}: {error}", where=where, fix="Fetch the file again from where it was made."
        ) from None
    if encode(value) != data:
        raise Untrusted(
            f"Not the canonical form of a {kind.__name__}",
            where=where,
            fix="The file was edited or written by other software; use the original.",
        )
    return value
