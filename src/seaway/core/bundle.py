"""The third paper: the release directory. Nothing in it is parsed before signature and digests hold."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import canonical, durable
from seaway.core.candidate import Program, Score
from seaway.core.contract import NAME, Contract
from seaway.core.errors import SeawayError, Untrusted
from seaway.core.protocols import Verifier

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CONTRACT, PROFILE, PARITY, POLICY = "contract.json", "profile.json", "parity.ndjson", "policy.json"
CARD_TEXT, CARD = "card.md", "card.json"
PROGRAM = "program/"

MAX_FILES = 64
MAX_MANIFEST = 1 << 20
MAX_SIGNATURE = 4096
MAX_FILE = 512 << 20
MAX_BUNDLE = 1 << 30
FILE_NAME = re.compile(r"(program/((0|[1-9][0-9]?)/)?)?[a-z0-9][a-z0-9_-]{0,62}\.(json|ndjson|md|onnx|safetensors|sig)")
"""No dots, slashes, upper case or links in a name: two names can never be one file, and none leaves the folder.

A program of several members keeps each member's files in a folder of its number."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release is; the bundle's digest is the SHA-256 of its canonical bytes.

    `created` and `expires` are RFC 3339; `encoder` is the version of the encoder that made the numbers; `files` maps each
    other file to (sha256, size in bytes).
    """

    format: int
    model: str
    version: int
    sequence: int
    parent: str
    created: str
    expires: str
    engine: str
    needs: tuple[str, ...]
    encoder: int
    contract: str
    scores: dict[str, Score]
    tolerance: float
    lineage: dict[str, Any]
    files: dict[str, tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A verified release: its manifest and the bytes that the manifest names, exactly."""

    digest: str
    manifest: Manifest
    contract: Contract
    files: Mapping[str, bytes]

    @property
    def program(self) -> Program:
        """What the engine runs."""
        return Program(
            engine=self.manifest.engine,
            files={name.removeprefix(PROGRAM): data for name, data in self.files.items() if name.startswith(PROGRAM)},
            needs=self.manifest.needs,
        )


def open_bundle(folder: Path, verifier: Verifier) -> Bundle:
    """Verify and read the bundle in `folder`: signature, then names, then digests, then the contract.

    Raises `Untrusted` with the file and the reason; nothing is parsed before the signature over the manifest holds. Files are
    opened under the folder's own handle, so that no link and no folder put in another's place leads out of it.
    """
    manifest, files = _verified(folder, verifier)
    contract = canonical.decode(files[CONTRACT], Contract, where=CONTRACT)
    if contract.digest != manifest.contract:
        raise Untrusted("The contract is not the one the manifest names", where=str(folder), fix=REFETCH)
    listed = {name: files[name] for name in manifest.files}
    return Bundle(digest=canonical.digest(files[MANIFEST]), manifest=manifest, contract=contract, files=listed)


def read_files(folder: Path, verifier: Verifier) -> dict[str, bytes]:
    """Return every file of a bundle as it was signed, manifest and signature among them: what a copy of it holds."""
    return _verified(folder, verifier)[1]


def _verified(folder: Path, verifier: Verifier) -> tuple[Manifest, dict[str, bytes]]:
    where = str(folder)
    with _folder(folder) as handle:
        raw = _read(handle, MANIFEST, where, limit=MAX_MANIFEST)
        signature = _read(handle, SIGNATURE, where, limit=MAX_SIGNATURE)
        manifest = read_manifest(raw, signature, verifier, where=where)
        _only_listed(handle, manifest, where)
        files = {name: _read_listed(handle, name, where, *entry) for name, entry in manifest.files.items()}
    return manifest, {MANIFEST: raw, SIGNATURE: signature, **files}


def read_manifest(raw: bytes, signature: bytes, verifier: Verifier, *, where: str) -> Manifest:
    """Verify a manifest's signature, then read it; names, sizes and counts are within what a bundle may hold."""
    verifier.verify(raw, signature)
    version = canonical.format_of(raw)
    if version > FORMAT:
        raise Untrusted(
            f"The bundle has format {version}, this version reads {FORMAT}",
            where=where,
            fix="Serve it with the Seaway version that made it, or release it again.",
            code="newer-format",
        )
    manifest = canonical.decode(raw, Manifest, where=MANIFEST)
    if manifest.format != FORMAT:
        raise Untrusted(f"The bundle's format {manifest.format} is none there ever was", where=where, fix=REFETCH)
    if not NAME.fullmatch(manifest.model):
        raise Untrusted(f"{manifest.model[:80]!r} is no name of a model", where=where, fix=REFETCH)
    if len(manifest.files) > MAX_FILES or CONTRACT not in manifest.files:
        raise Untrusted("The manifest lists no contract or too many files", where=where, fix=REFETCH)
    for name in manifest.files:
        if not FILE_NAME.fullmatch(name) or name in (MANIFEST, SIGNATURE):
            raise Untrusted(f"{name!r} is no name of a bundle's file", where=where, fix=REFETCH)
    sizes = [size for _, size in manifest.files.values()]
    if min(sizes) < 0 or max(sizes) > MAX_FILE or sum(sizes) > MAX_BUNDLE:
        raise Untrusted(
            f"The files of the bundle are too large: one may have {MAX_FILE >> 20} MiB, all {MAX_BUNDLE >> 20} MiB",
            where=where,
            fix="Train with fewer or smaller trees, or fewer members.",
        )
    return manifest


def lay(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle's files into `folder`, which is new; names are those of a manifest that was read, and of its signature."""
    folder.mkdir(mode=0o700)
    with _folder(folder) as root:
        for name, data in files.items():
            with _parent(root, name, make=True) as (parent, last):
                handle = os.open(last, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=parent)
                with open(handle, "wb") as file:
                    file.write(data)


REFETCH = "Fetch the bundle again from the registry, or release it again."

_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@contextmanager
def _folder(folder: Path) -> Iterator[int]:
    """Hold the folder open while its files are read or written."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(error, "The bundle's folder", str(folder)) from None
    try:
        yield handle
    except OSError as error:
        raise _unreadable(error, "The bundle's folder", str(folder)) from None
    finally:
        os.close(handle)


@contextmanager
def _parent(root: int, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """Go down to the folder that a name lies in, a step at a time and never through a link; give its handle and the last part."""
    *folders, last = name.split("/")
    handle = os.dup(root)
    try:
        for part in folders:
            if make and part not in os.listdir(handle):
                os.mkdir(part, 0o700, dir_fd=handle)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _SAFELY, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle, last
    finally:
        os.close(handle)


def _only_listed(root: int, manifest: Manifest, where: str) -> None:
    """Refuse what is not listed at the first sight of it, however much more there is, then what is missing."""
    listed = {MANIFEST, SIGNATURE, *manifest.files}
    known = {str(parent) for name in manifest.files for parent in Path(name).parents} - {"."}
    found = set(_names(root, "", listed, known, where))
    for name in sorted(listed - found):
        raise Untrusted(f"{name!r} is missing", where=where, fix=REFETCH)


def _names(handle: int, above: str, listed: set[str], known: set[str], where: str) -> Iterator[str]:
    with os.scandir(handle) as entries:
        for entry in entries:
            name = above + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if name not in (known if is_folder else listed):
                # A folder with nothing listed in it, or a link to one, has no place in a bundle either.
                raise Untrusted(f"{name!r} is not listed in the manifest", where=where, fix=REFETCH)
            if not is_folder:
                yield name
                continue
            below = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | _SAFELY, dir_fd=handle)
            try:
                yield from _names(below, f"{name}/", listed, known, where)
            finally:
                os.close(below)


def _read_listed(root: int, name: str, where: str, sha256: str, size: int) -> bytes:
    data = _read(root, name, where, limit=size, exactly=True)
    if canonical.digest(data) != sha256:
        raise _changed(name, where)
    return data


def _read(root: int, name: str, where: str, *, limit: int, exactly: bool = False) -> bytes:
    """Read a plain file of at most `limit` bytes; its size is looked at before memory is taken for it."""
    try:
        with _parent(root, name) as (parent, last):
            handle = os.open(last, os.O_RDONLY | _SAFELY, dir_fd=parent)
    except OSError as error:
        raise _unreadable(error, name, where) from None
    try:
        status = os.fstat(handle)
        is_plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if is_plain and exactly and status.st_size != limit:
            raise _changed(name, where)
        if not is_plain or status.st_size > limit:
            raise Untrusted(f"{name} is a link, no plain file, or too large", where=where, fix=REFETCH)
        with open(handle, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(handle)


def _changed(name: str, where: str) -> Untrusted:
    return Untrusted(f"{name} is not what was signed", where=where, fix=REFETCH)


def _unreadable(error: OSError, name: str, where: str) -> SeawayError:
    if error.errno in durable.FIXES:  # the disk fails, which says nothing about the bundle
        return durable.failed(error, f"{name} cannot be read", where)
    return Untrusted(f"{name} cannot be opened: {error.strerror}", where=where, fix=REFETCH)
