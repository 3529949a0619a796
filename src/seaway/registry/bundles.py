"""Bundles in a folder, by digest: whole or not there, never changed.

A bundle is copied to a staging name, made durable and renamed; a crash leaves a staging folder at most, which the next
writer removes. Who signed a bundle is judged where it is used; the store holds a content to its digest.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from seaway.core import bundle, canonical, chance
from seaway.core.bundle import Bundle
from seaway.core.durable import disk, locked, publish_folder, sync_folder
from seaway.core.errors import NotFound, Unavailable, Untrusted

DIGEST = re.compile(r"[0-9a-f]{64}")
_STAGING = ".staging-"
_WAIT_S = 60.0


class FolderStore:
    """A `Store` in one folder. Reading needs no lock; writers of all processes take turns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, folder: Path) -> str:
        """Take in a built bundle and return its digest; one that is here already stays as it is."""
        found, signature = _read(folder)
        final = self.folder / found.digest
        with self._writing(), disk("The bundle cannot be stored", self.folder):
            if _is_whole(final):
                sync_folder(
                    self.folder
                )  # who renamed it may have died, or seen the disk fail, before its name was durable
            else:
                self._remove(final)
                self._publish(found, signature, final)
        return found.digest

    def get(self, digest: str) -> Path:
        """Return the folder of a bundle."""
        if not DIGEST.fullmatch(digest) or not (self.folder / digest).is_dir():
            raise NotFound(
                f"There is no bundle {digest[:64]!r}",
                where=str(self.folder),
                fix="Copy it here from the store that has it, or release the run again.",
            )
        return self.folder / digest

    def __iter__(self) -> Iterator[str]:
        if self.folder.is_dir():
            yield from sorted(path.name for path in self.folder.iterdir() if DIGEST.fullmatch(path.name))

    def drop(self, digest: str) -> None:
        """Remove a bundle; nothing happens where there is none."""
        if DIGEST.fullmatch(digest):
            with self._writing(), disk("The bundle cannot be removed", self.folder):
                self._remove(self.folder / digest)

    def clean(self) -> None:
        """Remove what a crash left behind, unless another process is writing now or the disk fails: the next writer does it."""
        if self.folder.is_dir():
            with contextlib.suppress(Unavailable), self._writing(wait_s=0.0):
                pass

    def _publish(self, found: Bundle, signature: bytes, final: Path) -> None:
        staging = self.folder / f"{_STAGING}{chance.token(8)}"
        files = {
            bundle.MANIFEST: canonical.encode(found.manifest),
            bundle.SIGNATURE: signature,
            **found.files,
        }
        for name, data in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o444)
        publish_folder(staging, final)

    def _remove(self, final: Path) -> None:
        """Take a bundle's name away in one step, then its files: nobody ever sees half of it."""
        if final.exists():
            aside = self.folder / f"{_STAGING}{chance.token(8)}"
            final.rename(aside)
            sync_folder(self.folder)
            shutil.rmtree(aside)

    @contextlib.contextmanager
    def _writing(self, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Hold the store's lock, which the kernel frees when its holder dies; whatever is staged then is a leftover."""
        with locked(self.folder / ".lock", wait_s=wait_s, what="writing bundles"):
            with disk("What a crash left cannot be removed", self.folder):
                for path in self.folder.glob(f"{_STAGING}*"):
                    shutil.rmtree(path)
            yield


class _AnySigner:
    """Accepts every signature: the store compares contents with digests only."""

    def verify(self, data: bytes, signature: bytes) -> None:
        """Accept."""


def _read(folder: Path) -> tuple[Bundle, bytes]:
    found = bundle.open_bundle(folder, _AnySigner())
    with disk("The signature cannot be read", folder):
        return found, (folder / bundle.SIGNATURE).read_bytes()


def _is_whole(folder: Path) -> bool:
    """Say whether the bundle is there and unharmed; a damaged one is replaced by the good copy at hand."""
    if not folder.is_dir():
        return False
    try:
        return _read(folder)[0].digest == folder.name
    except Untrusted:
        return False
