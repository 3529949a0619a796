"""Files that only their owner may read: placed once, whole and durable; refused where others could have seen them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from seaway.core import durable
from seaway.core.durable import disk, locked, sync_folder
from seaway.core.errors import Refused

MAX_BYTES = 16_384


def place(path: Path, data: bytes, mode: int) -> None:
    """Write a file that nobody has written yet, whole and durable; the first of several writers wins."""
    with (
        locked(path.parent / ".lock", wait_s=10.0, what="making a key"),
        disk("The key cannot be written", path),
    ):
        for left in path.parent.glob(f".{path.name}.*.tmp"):  # half of a key, whose maker died
            left.unlink()
        if path.exists():
            sync_folder(path.parent)
        else:
            durable.write(path, data, mode=mode)


def read(path: Path, what: str) -> bytes:
    """Return the file's content; `what` names it in errors. Raises `Refused` for a link and for a file that is not private."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC):
            raise durable.failed(error, f"The {what} cannot be read", path) from error
        raise Refused(
            f"The {what} cannot be opened: {error.strerror}",
            where=str(path),
            fix="It must be a plain file (no link) that you may read.",
        ) from None
    try:
        _refuse_shared(os.fstat(handle), path, what)
        return os.read(handle, MAX_BYTES)
    finally:
        os.close(handle)


def _refuse_shared(status: os.stat_result, path: Path, what: str) -> None:
    """Hold a secret to the rule of ssh: a plain file of this user, closed to everyone else."""
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise Refused(
            f"Others may read or change the {what} (mode {mode:04o})",
            where=str(path),
            fix=f"Run: chmod 600 {path}",
            code="shared-key",
        )
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        raise Refused(
            f"The {what} belongs to another user or is no plain file",
            where=str(path),
            fix="Use one of your own.",
            code="shared-key",
        )
