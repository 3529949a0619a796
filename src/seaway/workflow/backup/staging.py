"""A folder that appears whole under its name or not at all, and a digest of every file that goes into it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from seaway.core.durable import publish_folder
from seaway.core.errors import BadInput, Unavailable

_CHUNK = 1 << 20


class Copy:
    """Files written into a new folder; `files` says of each what was written: (sha256, size)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, tuple[str, int]] = {}

    def add(self, name: str, chunks: Iterable[bytes], *, mode: int = 0o600, modified_ns: int | None = None) -> None:
        """Write one file, for the owner alone unless `mode` says otherwise."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        if modified_ns is not None:  # the newest run is found by its time
            os.utime(path, ns=(modified_ns, modified_ns))
        self.files[name] = digest.hexdigest(), size

    def take(self, name: str, source: Path, *, mode: int = 0o600) -> None:
        """Copy one plain file; a link is not followed."""
        with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            self.add(name, chunks(file.fileno()), mode=mode, modified_ns=os.fstat(file.fileno()).st_mtime_ns)


def chunks(handle: int) -> Iterator[bytes]:
    """Yield what is left to read of an open file."""
    while data := os.read(handle, _CHUNK):
        yield data


def digest_of(path: Path) -> tuple[str, int]:
    """Return (sha256, size) of a plain file; a link is not followed."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for chunk in chunks(handle):
            digest.update(chunk)
            size += len(chunk)
    finally:
        os.close(handle)
    return digest.hexdigest(), size


def refuse_there(final: Path, what: str) -> None:
    """Raise `BadInput` where the name is taken by anything but an empty folder."""
    if final.is_symlink() or (final.exists() and not (final.is_dir() and not any(final.iterdir()))):
        raise BadInput(
            f"There is something at {final.name} already; nothing of it was touched",
            where=str(final),
            fix=f"Name a folder that does not exist yet for the {what}.",
            code="exists",
        )


@contextlib.contextmanager
def staged(final: Path, what: str) -> Iterator[Path]:
    """Yield an empty folder beside `final` that gets its name, durably, when the block ends well, and is removed otherwise.

    One that a killed process left is emptied first. Of two that write the same at once the second is refused.
    """
    final = final.absolute()
    staging = final.with_name(f".{final.name}.partial")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with _held(staging, what):
            try:
                refuse_there(final, what)
                _empty(staging)
                yield staging
                publish_folder(staging, final)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else str(final)
        raise Unavailable(
            f"The {what} could not be finished: {error.strerror}",
            where=named,
            fix="Nothing half-made is left. Free space or correct the rights there, then run this again.",
        ) from None


@contextlib.contextmanager
def _held(staging: Path, what: str) -> Iterator[None]:
    """Hold the staging folder itself; the kernel lets go of it when its holder dies."""
    handle = _lockable(staging)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"Another process is writing this {what}",
                where=str(staging),
                fix="Wait until it is done, or end it, then run this again.",
                code="busy",
            ) from None
        yield
    finally:
        os.close(handle)


def _lockable(staging: Path) -> int:
    staging.mkdir(mode=0o700, exist_ok=True)
    return os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
