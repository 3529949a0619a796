"""The steps that make a file survive power loss: temporary name, fsync, rename, fsync of the folder (Pillai 2014)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from seaway.core import chance
from seaway.core.errors import Unavailable

_SPACE = "Free space on the disk, then run this again."
_RIGHTS = "Make it readable and writable for you, then run this again."
FIXES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "Raise the limit on the size of files (`ulimit -f`), then run this again.",
    errno.EIO: "The disk itself fails: look into the system's log (`dmesg`), and run this again once it works.",
    errno.EROFS: "The disk is mounted for reading only: mount it for writing, then run this again.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: "Raise the limit on open files (`ulimit -n`), then run this again.",
    errno.ENFILE: "The machine has too many open files: end what holds them, then run this again.",
    errno.ENOLCK: "The disk gives no locks: keep the state folder on a local disk.",
}
"""What to do about a disk that fails, by the number of the error."""


def failed(error: OSError, what: str, where: Path | str = "") -> Unavailable:
    """Return the error that says which step a disk failed at, where, and what to do next."""
    return Unavailable(
        f"{what}: {error.strerror or error}",
        where=str(error.filename or where),
        fix=FIXES.get(error.errno or 0, "Look after the disk, then run this again."),
    )


@contextlib.contextmanager
def disk(what: str, where: Path | str = "") -> Iterator[None]:
    """Raise `Unavailable` where the disk fails within; `what` says what could not be done."""
    try:
        yield
    except OSError as error:
        raise failed(error, what, where) from error


def make_folder(folder: Path, *, mode: int = 0o700) -> None:
    """Make a folder and those above it; the names of new ones are durable."""
    missing = [folder] if not folder.is_dir() else []
    while missing and not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(mode=mode, exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` to `path`, whole and durable or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def publish_folder(staging: Path, final: Path) -> None:
    """Make every file under `staging` durable, then give the folder its final name in one step."""
    for folder, _, names in os.walk(staging):
        for name in names:
            handle = os.open(Path(folder) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(folder))
    staging.rename(final)
    sync_folder(final.parent)


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float, what: str) -> Iterator[None]:
    """Hold a lock file against every other process and thread; the kernel frees it when its holder dies.

    Waits up to `wait_s` and then raises `Unavailable`; `what` says what the holder is doing.
    """
    with disk("A lock cannot be taken", path):
        make_folder(path.parent)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb")
    with file:
        until = chance.monotonic() + wait_s
        while not _taken(file.fileno()):
            if chance.monotonic() >= until:
                raise Unavailable(
                    f"Another process is {what}, for longer than {wait_s:.0f} s",
                    where=str(path),
                    fix="Wait until it is done, or end it, then run this again.",
                    code="busy",
                )
            chance.sleep(0.02)
        yield


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise failed(error, "A lock cannot be taken") from error
    return True
