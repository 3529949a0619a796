"""What an update has done: one durable line per step, so that the same command goes on where a crash ended it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import canonical, chance
from seaway.core.durable import sync_folder
from seaway.core.errors import Conflict, Unavailable

NAME, LOCK = "journal.ndjson", "lock"
FORMAT = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is done, or a note on the way; `facts` are what later steps build on."""

    format: int = FORMAT
    """Lines of before it stood in them have none."""
    step: str
    stamp: str
    facts: dict[str, Any]


class Journal:
    """The memory of one update, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._steps = _read(folder / NAME)

    @property
    def name(self) -> str:
        """The update's number, as the history names it."""
        return self.folder.name

    def facts(self, step: str) -> dict[str, Any] | None:
        """Return what the newest line of a step says; None for one that is not done."""
        return next((one.facts for one in reversed(self._steps) if one.step == step), None)

    def all(self, step: str) -> list[dict[str, Any]]:
        """Return every line of a step, oldest first."""
        return [one.facts for one in self._steps if one.step == step]

    @property
    def last(self) -> str:
        """The step of the newest line; empty at the beginning."""
        return self._steps[-1].step if self._steps else ""

    def newest_of(self, name: str) -> Any:
        """Return a fact from the newest line that has it; None where there is none."""
        return next((one.facts[name] for one in reversed(self._steps) if name in one.facts), None)

    def write(self, step: str, **facts: Any) -> dict[str, Any]:
        """Add a line, durable before this returns."""
        one = Step(step=step, stamp=chance.stamp(), facts=facts)
        is_new = not (self.folder / NAME).exists()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # The line break comes first, so that a line cut short by a crash does not swallow this one.
            os.write(handle, b"\n" + msgspec.json.encode(one))
            os.fsync(handle)
        except OSError as error:
            raise Unavailable(
                f"The update cannot note what it has done: {error.strerror}",
                where=str(self.folder / NAME),
                fix="Free space on the disk, then run `seaway update` again: it goes on from the last step.",
            ) from None
        finally:
            os.close(handle)
        if is_new:
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
        self._steps.append(one)
        return facts


def newest(folder: Path) -> Journal | None:
    """Return the journal of the newest update of a model, finished or not."""
    names = sorted(path.parent.name for path in folder.glob(f"*/{NAME}"))
    return Journal(folder / names[-1]) if names else None


def every(folder: Path) -> list[Journal]:
    """Return the journals of a model, the newest first."""
    return [Journal(path.parent) for path in sorted(folder.glob(f"*/{NAME}"), reverse=True)]


def following(folder: Path) -> Journal:
    """Return a new journal, numbered after all there are; its folder is made with its first line."""
    numbers = [int(path.name) for path in folder.glob("*/") if path.name.isdecimal()]
    return Journal(folder / f"{max(numbers, default=0) + 1:04d}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the updates of a model alone; the kernel lets go when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "Another update of this model is running",
                where=str(folder),
                fix="Wait for it, or stop it: the next `seaway update` goes on where it ended.",
                code="update-running",
            ) from None
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> list[Step]:
    """Read every whole line; the last one may have been cut short by a crash, and its step is then done again.

    Raises `Unavailable` for a line that a newer version wrote.
    """
    steps = []
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        version = canonical.format_of(line)
        if version > FORMAT:
            raise Unavailable(
                f"The update's journal has format {version}, this version reads {FORMAT}; nothing was changed",
                where=str(path),
                fix="Go on with the Seaway version that wrote it, or a newer one.",
                code="newer-format",
            )
        try:
            steps.append(msgspec.json.decode(line, type=Step))
        except msgspec.DecodeError:
            continue
    return steps
