"""The third paper: the release directory. Nothing in it is parsed before signature and digests hold."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import canonical
from seaway.core.candidate import Program, Score
from seaway.core.contract import Contract
from seaway.core.errors import Untrusted
from seaway.core.protocols import Verifier

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CONTRACT, PROFILE, PARITY, POLICY = "contract.json", "profile.json", "parity.ndjson", "policy.json"
CARD_TEXT, CARD = "card.md", "card.json"
PROGRAM = "program/"

MAX_FILES = 64
MAX_MANIFEST = 1 << 20
MAX_FILE = 512 << 20
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

    Raises `Untrusted` with the file and the reason; nothing is parsed before the signature over the manifest holds.
    """
    where = str(folder)
    raw = _read(folder, MANIFEST, MAX_MANIFEST)
    verifier.verify(raw, _read(folder, SIGNATURE, 4096))
    manifest = canonical.decode(raw, Manifest, where=MANIFEST)
    if manifest.format != FORMAT:
        raise Untrusted(
            f"The bundle has format {manifest.format}, this version reads {FORMAT}",
            where=where,
            fix="Serve it with the Seaway version that made it, or release it again.",
        )
    _only_listed(folder, manifest)
    files = {name: _read_listed(folder, name, *entry) for name, entry in manifest.files.items()}
    contract = canonical.decode(files[CONTRACT], Contract, where=CONTRACT)
    if contract.digest != manifest.contract:
        raise Untrusted("The contract is not the one the manifest names", where=where, fix=REFETCH)
    return Bundle(digest=canonical.digest(raw), manifest=manifest, contract=contract, files=files)


REFETCH = "Fetch the bundle again from the registry, or release it again."


def _only_listed(folder: Path, manifest: Manifest) -> None:
    if len(manifest.files) > MAX_FILES or CONTRACT not in manifest.files:
        raise Untrusted("The manifest lists no contract or too many files", where=str(folder), fix=REFETCH)
    for name in manifest.files:
        if not FILE_NAME.fullmatch(name) or name in (MANIFEST, SIGNATURE):
            raise Untrusted(f"{name!r} is no name of a bundle's file", where=str(folder), fix=REFETCH)
    listed = {MANIFEST, SIGNATURE, *manifest.files}
    known = {parent for name in manifest.files for parent in Path(name).parents}
    found = set()
    for root, folders, names in os.walk(folder):
        found |= {str(Path(root, name).relative_to(folder)) for name in names}
        # A folder with nothing listed in it, or a link to one, has no place in a bundle either.
        found |= {
            str(path.relative_to(folder))
            for path in (Path(root, name) for name in folders)
            if path.is_symlink() or path.relative_to(folder) not in known
        }
    for name in sorted(found ^ listed):
        state = "is not listed in the manifest" if name in found else "is missing"
        raise Untrusted(f"{name!r} {state}", where=str(folder), fix=REFETCH)


def _read_listed(folder: Path, name: str, sha256: str, size: int) -> bytes:
    data = _read(folder, name, MAX_FILE)
    if len(data) != size or canonical.digest(data) != sha256:
        raise Untrusted(f"{name} is not what was signed", where=str(folder), fix=REFETCH)
    return data


def _read(folder: Path, name: str, limit: int) -> bytes:
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Untrusted(f"{name} cannot be opened: {error.strerror}", where=str(folder), fix=REFETCH) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_size > limit:
            raise Untrusted(f"{name} is a link, no plain file, or too large", where=str(folder), fix=REFETCH)
        with open(handle, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(handle)
