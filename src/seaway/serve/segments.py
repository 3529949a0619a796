"""Segments of the event log as files: written whole or not at all, sealed, and mended after a crash (DESIGN 7)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from seaway.core import chance, segment
from seaway.core.durable import disk, locked, sync_folder
from seaway.core.errors import Malformed, Unavailable

FILE = re.compile(r"(\d{5})-(\d{10})\.(log|seg)")

Sync = Callable[[int], None]


class Unsynced(OSError):
    """What was written could not be made durable: it may be gone although it can still be read (fsyncgate).

    Trying again could only seem to succeed, so nothing may be acknowledged any more.
    """


class OpenSegment:
    """One segment being written by one thread.

    Any OSError leaves the file with the records written before: the segment is then to be sealed or abandoned, since a
    record's number in it is part of its request id and no number may be given twice.
    """

    def __init__(self, folder: Path, worker: int, number: int, sync: Sync) -> None:
        self.number = number
        self.path = folder / segment.name(worker, number, sealed=False)
        self._sealed = folder / segment.name(worker, number, sealed=True)
        self._sync = sync
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.size = 0
        self._is_named = False
        try:
            self.write(segment.header(worker, number))
        except OSError:
            os.close(self._handle)
            with contextlib.suppress(OSError):  # one without a record is removed at the next start
                self.path.unlink()
            raise

    def write(self, data: bytes) -> None:
        """Append all of `data`, or nothing and raise OSError."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError:
            with contextlib.suppress(OSError):  # a torn tail is mended at the next start
                os.ftruncate(self._handle, self.size)
                os.lseek(self._handle, self.size, os.SEEK_SET)
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Make what was written as durable as set, the first time the file's name too, or raise `Unsynced`."""
        with _syncing():
            self._sync(self._handle)
            if not self._is_named:
                sync_folder(self.path.parent)
                self._is_named = True

    def seal(self) -> None:
        """Make the segment final: durable bytes, then its final name. One without a record is removed.

        Raises `Unsynced` where the bytes cannot be made durable; a name that cannot be changed is left to the next start.
        """
        if self.size <= segment.HEADER.size:
            os.close(self._handle)
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            return
        with _syncing():
            os.fsync(self._handle)
        os.close(self._handle)
        with contextlib.suppress(OSError):
            self.path.rename(self._sealed)
            sync_folder(self.path.parent)

    def abandon(self) -> None:
        """Leave the file as it is for the next start to mend."""
        os.close(self._handle)


@contextlib.contextmanager
def _syncing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unsynced(*error.args) from error


def of_folder(folder: Path) -> list[tuple[int, int, Path]]:
    """Return (worker, number, file) of every segment in order of number; other files are not looked at."""
    with disk("The event log cannot be listed", folder):
        paths = list(folder.iterdir()) if folder.is_dir() else []
    found = ((FILE.fullmatch(path.name), path) for path in paths)
    return sorted(
        ((int(match[1]), int(match[2]), path) for match, path in found if match), key=lambda part: (part[1], part[0])
    )


def next_number(folder: Path, worker: int, after: int = -1) -> int:
    """Return the number of a worker's next segment: the time in seconds, and above all numbers it ever gave.

    Time makes numbers unique even where old segments were compacted away.
    """
    highest = max([after, *(number for owner, number, _ in of_folder(folder) if owner == worker)])
    return max(highest + 1, int(chance.now()))


def refuse_newer(folder: Path) -> None:
    """Raise `Malformed` where the newest segment of any worker was written by a newer version of Seaway."""
    newest = {worker: path for worker, _, path in of_folder(folder)}
    for path in newest.values():
        try:
            with (
                disk("The event log cannot be read", path),
                contextlib.suppress(FileNotFoundError),
                path.open("rb") as file,
            ):
                segment.read_header(file.read(segment.HEADER.size), path)  # not there: its worker has just sealed it
        except Malformed as error:
            if error.code == "newer-format":
                raise


def mend(folder: Path, worker: int | None = None) -> list[Path]:
    """Seal what a crash left open, of one worker or of all; a torn tail is cut off. Returns the files that it sealed.

    The whole records are written anew: after a failed fsync the pages of the old file may be clean in memory and not on
    disk (fsyncgate). A file without a record is removed. A damaged file is left alone, and whoever reads it is told.
    Raises `Unavailable` where the disk fails; what was mended by then stays so. Raises `Malformed`, before anything is
    touched, where a newer version of Seaway has written here.
    """
    refuse_newer(folder)
    with disk("What a crash left of the event log cannot be sealed", folder):
        return [
            sealed
            for owner, number, path in of_folder(folder)
            if path.suffix == segment.OPEN and worker in (None, owner)
            for sealed in _mended(path, folder / segment.name(owner, number, sealed=True))
        ]


def _mended(path: Path, sealed: Path) -> Iterator[Path]:
    try:
        end = max((offset for offset, _ in segment.read(path)), default=0)
    except Malformed:
        if path.stat().st_size > segment.HEADER.size:
            return
        end = 0
    if not end:
        path.unlink()
        return
    temporary = path.with_suffix(".tmp")
    try:
        with path.open("rb") as old, temporary.open("wb") as new:
            new.write(old.read(end))
            new.flush()
            os.fsync(new.fileno())
        temporary.chmod(0o600)
        temporary.rename(path)
    except BaseException:  # half a copy must not fill a disk that is full already
        temporary.unlink(missing_ok=True)
        raise
    path.rename(sealed)
    sync_folder(path.parent)
    yield sealed


def held(log_root: Path, worker: int, *, wait_s: float = 1.0) -> AbstractContextManager[None]:
    """Hold a worker's number, so that no two processes write segments of one name; it falls back when the process dies."""
    return locked(log_root / f"{worker:05d}.lock", wait_s=wait_s, what=f"worker {worker} of this state folder")


@contextlib.contextmanager
def free_worker(log_root: Path, first: int, count: int) -> Iterator[int]:
    """Hold the first free worker number of `count` from `first` on."""
    for worker in range(first, first + count):
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(held(log_root, worker, wait_s=0.0))
            except Unavailable:
                continue
            yield worker
            return
    raise Unavailable(
        f"{count} processes write labels already",
        where=str(log_root),
        fix="Wait until some have finished, or send the labels to the server.",
        code="locked",
    )
