"""The steps that make a file survive power loss: temporary name, fsync, rename, fsync of the folder (Pillai 2014)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from seaway.core import chance
from seaway.core.errors import Unavailable


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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as file:
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
    return True
