"""What a backup says it holds: every file with its digest, signed by the project's key under a context of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from seaway.core import canonical, durable
from seaway.core.errors import BadInput, Unavailable, Untrusted
from seaway.core.protocols import Verifier

FORMAT = 1
CONTEXT = b"seaway backup v1"
LISTING, SIGNATURE = "backup.json", "backup.sig"
STATE = "state"
"""The folder of a backup that holds what `.seaway` of a project does."""

MAX_LISTING = 256 << 20
NAME = re.compile(r"(?!/)(?:/?(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,128}){1,12}")
"""Plain parts joined by slashes: no name leaves the folder."""


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole content of a backup; `made` is RFC 3339, `files` maps each other file to (sha256, size in bytes).

    `missing` are releases whose bundle was not whole when the backup was made, `damaged` segments of the event log that were
    copied as they were; `with_keys` says whether the project's private keys are in it.
    """

    format: int
    seaway: str
    model: str
    made: str
    with_keys: bool
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    files: dict[str, tuple[str, int]]


def read(folder: Path, verifier: Verifier) -> Listing:
    """Return the listing after its signature held; raises `Untrusted`, or `Unavailable` for one of a newer version."""
    raw = _read(folder / LISTING, MAX_LISTING)
    verifier.verify(raw, _read(folder / SIGNATURE, 4096))
    version = canonical.format_of(raw)
    if version > FORMAT:
        raise Unavailable(
            f"The backup has format {version}, this version reads {FORMAT}; nothing was changed",
            where=str(folder),
            fix="Restore it with the Seaway version that made it, or a newer one.",
            code="newer-format",
        )
    listing = canonical.decode(raw, Listing, where=LISTING)
    for name in listing.files:
        if not NAME.fullmatch(name):
            raise Untrusted(f"{name!r} is no name of a backup's file", where=str(folder), fix=_OTHER)
    return listing


_OTHER = "Use another copy of this backup, or another backup."


def strays(folder: Path, listing: Listing) -> list[str]:
    """Return what is in the folder and not in the listing, or the other way round; links and empty folders are strays."""
    listed = {LISTING, SIGNATURE, *listing.files}
    known = {parent for name in listed for parent in Path(name).parents}
    found: set[str] = set()
    for root, folders, names in os.walk(folder):
        inside = Path(root).relative_to(folder)
        found |= {str(inside / name) for name in names}
        found |= {
            str(inside / name)
            for name in folders
            if inside / name not in known or (folder / inside / name).is_symlink()
        }
    return sorted(found ^ listed)


def _read(path: Path, limit: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise BadInput(
            f"This is no backup: there is no {path.name}",
            where=str(path.parent),
            fix="Name the folder that `seaway backup` made.",
            code="no-backup",
        ) from None
    except OSError as error:
        if error.errno in durable.FIXES:  # the disk fails, which says nothing about the backup
            raise durable.failed(error, f"{path.name} cannot be read", path) from None
        raise Untrusted(f"{path.name} cannot be opened: {error.strerror}", where=str(path), fix=_OTHER) from None
    if len(data) > limit:
        raise Untrusted(f"{path.name} is larger than any that Seaway makes", where=str(path), fix=_OTHER)
    return data
