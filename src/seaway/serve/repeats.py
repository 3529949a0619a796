"""Repeats: a request that carries the caller's own id a second time gets the first answer (DESIGN 5).

What is promised, per caller (principal) and model: a repeat returns the first answer while it is among the newest
`COUNT` answers with a caller's id (and their newest `BYTES`) and, after a restart, within the newest `BYTES` of the log. Workers see one another's
answers through their segments. Two copies of a request that reach two workers at the same moment may both be
answered, and with durability "none" another worker may not see an answer yet: the log is at-least-once.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from seaway.core import chance, segment
from seaway.core.durable import disk
from seaway.core.errors import Malformed
from seaway.core.event import Event, Prediction
from seaway.serve.segments import of_folder

COUNT = 20_000
BYTES = 64 << 20

JUST_NS = 100_000_000
"""A file system may tell times in steps; two changes this close can have one time."""

Key = tuple[str, str]


class Repeats:
    """The newest answers to requests with a caller's id, oldest dropped first. Used by one thread.

    `highest` is the highest sequence that was read: a clock set back must not fall behind it.
    """

    def __init__(self, folder: Path, worker: int, *, count: int = COUNT, size: int = BYTES) -> None:
        self._folder, self._worker, self._count = folder, worker, count
        self._known: OrderedDict[Key, Prediction] = OrderedDict()
        self._size, self._most = 0, size
        self.highest = 0
        self._offsets: dict[tuple[int, int], int] = {}
        self._others: list[tuple[int, int, Path]] = []
        self._listed = -1
        self._rebuild(size)

    def find(self, principal: str, client_id: str) -> Prediction | None:
        """Return the first answer under this id, if it is still known."""
        known = self._known.get((principal, client_id))
        if known is None:
            self._catch_up()
            known = self._known.get((principal, client_id))
        return known

    def note(self, one: Event) -> None:
        """Remember an answer; the first under an id stays."""
        if isinstance(one, Prediction) and one.client_id and one.status < 400 and one.arm in ("champion", "canary"):
            kept = self._known.setdefault((one.principal, one.client_id), slim := _slim(one))
            self._size += len(one.answers) if kept is slim else 0
            while len(self._known) > self._count or (self._size > self._most and len(self._known) > 1):
                self._size -= len(self._known.popitem(last=False)[1].answers)

    def _rebuild(self, size: int) -> None:
        """Read the newest segments, oldest of them first; what lies before them is passed over."""
        newest: list[Path] = []
        for worker, number, path in reversed(of_folder(self._folder)):
            length = path.stat().st_size
            if size > 0 or path.suffix == segment.OPEN:
                newest.append(path)
            self._offsets[worker, number] = length if size <= 0 else 0
            size -= length
        self._take(part for part in of_folder(self._folder) if part[2] in newest)

    def _catch_up(self) -> None:
        """Read what other workers wrote since the last look; this worker's own answers were noted as they were made.

        The folder is listed again where it has changed since, or so lately that its time could not tell a second change.
        """
        with disk("The event log cannot be listed", self._folder):
            changed = self._folder.stat().st_mtime_ns
        if changed != self._listed or chance.now() * 1e9 - changed < JUST_NS:
            self._others = [part for part in of_folder(self._folder) if part[0] != self._worker]
            self._listed = changed
        self._take(self._others)
        self._others = [
            part for part in self._others if part[2].suffix == segment.OPEN
        ]  # what is sealed stays as it is

    def _take(self, parts: Iterable[tuple[int, int, Path]]) -> None:
        for worker, number, path in parts:
            with disk("The event log cannot be read", path):
                try:
                    self._read((worker, number), path)
                except FileNotFoundError:  # sealed since it was listed
                    with contextlib.suppress(FileNotFoundError):
                        self._read((worker, number), path.with_suffix(segment.SEALED))

    def _read(self, key: tuple[int, int], path: Path) -> None:
        offset = self._offsets.get(key, 0)
        if path.stat().st_size <= max(offset, segment.HEADER.size):
            return
        with contextlib.suppress(Malformed, msgspec.DecodeError):  # damage is for the monitor and `doctor` to tell
            for end, one in segment.events(path, offset):
                self.note(one)
                self.highest = max(self.highest, one.sequence)
                self._offsets[key] = end


def _slim(one: Prediction) -> Prediction:
    """Return the event without its rows, which no answer needs."""
    return msgspec.structs.replace(one, rows=b"", options=b"", ids=())
