"""The event log of one worker and model: an answer leaves when its record is as durable as set (DESIGN 7).

What was appended in one turn of the loop is written at once, by the loop's thread: a write to the kernel's cache costs less than
handing it over. A second thread does what waits for the disk: with durability "disk" it calls fdatasync once for all that was
written meanwhile (group commit), and it seals. The loop's thread gives the numbers, so that a request id can name worker,
segment and record before the record is written.

When a write fails (disk full), its records are refused, the segment is sealed and the next append tries a new one: the log recovers by itself when space returns. When fsync fails, nothing is acknowledged
any more: the kernel may have dropped the pages, and trying again could only seem to succeed (fsyncgate).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from copy import copy
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from seaway.core import chance, event, segment
from seaway.core.durable import disk, make_folder
from seaway.core.errors import SeawayError, Unavailable
from seaway.core.event import Event
from seaway.serve.segments import OpenSegment, Sync, Unsynced, mend, next_number, of_folder

Durability = Literal["disk", "process", "none"]

MAX_WAITING = 64 << 20
"""Bytes that may wait for the disk; beyond them requests are turned away at once."""


Done = Callable[[SeawayError | None], None]
"""Is told, in the loop's thread, that records are as durable as set (None), or why they are not."""


class _Item(NamedTuple):
    segment: int
    data: bytes
    done: Done | None


class EventLog:
    """A `Log` in `folder`. Appended to from one event loop's thread; `worker` is held by this process alone.

    Request ids made by `next_id` name the record that the next `append` writes.
    """

    def __init__(
        self,
        folder: Path,
        worker: int,
        *,
        durability: Durability = "disk",
        segment_bytes: int = 64 << 20,
        segment_s: float = 300.0,
        clock: chance.Clock | None = None,
        sync: Sync = os.fdatasync,
    ) -> None:
        with disk("The folder of the event log cannot be made", folder):
            make_folder(folder)
        mend(folder, worker)
        self.folder, self.worker, self.durability = folder, worker, durability
        self.clock = clock or chance.Clock()
        self.failures = 0
        self.waiting = 0
        self.failure: SeawayError | None = None
        self._limits = segment_bytes, segment_s
        self._number = next_number(folder, worker)
        self._record, self._size, self._since = 0, segment.HEADER.size, chance.monotonic()
        self._items: list[_Item] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer = _Writer(self, sync if durability == "disk" else None)

    def next_id(self) -> str:
        """Return the request id of the record that the next append writes."""
        return self.next_ids(1)[0]

    def next_ids(self, count: int) -> list[str]:
        """Return the request ids of the records that the next append writes."""
        return segment.request_ids(int(chance.now() * 1000), self.place, count)

    @property
    def place(self) -> segment.Place:
        """Where the next record goes."""
        return segment.Place(self.worker, self._number, self._record)

    def append(self, one: Event) -> Awaitable[None]:
        """Write one event; done when it is as durable as set, raises `Unavailable` where that failed."""
        return self.append_all([one])

    def append_all(self, events: Sequence[Event]) -> Awaitable[None]:
        """Write events behind one another, all durable or none acknowledged."""
        waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: SeawayError | None) -> None:
            if waits.done():
                return
            if error is None:
                waits.set_result(None)
            else:
                waits.set_exception(copy(error))  # each is raised elsewhere and grows a trace of its own

        self._append(events, done)
        return waits

    def put(self, events: Sequence[Event], done: Done) -> None:
        """Write events as `append_all` does, and now rather than at the end of the turn; raises where it is known to fail."""
        self._append(events, done)
        self._hand_over()

    def read(self, after: int) -> Iterator[Event]:
        """Yield the events of all workers with a higher sequence, in order of sequence."""
        workers = {worker for worker, _, _ in of_folder(self.folder)}
        chains = [self._chain(worker) for worker in sorted(workers)]
        merged = heapq.merge(*chains, key=lambda one: one.sequence)
        return (one for one in merged if one.sequence > after)

    def tick(self) -> None:
        """Seal a segment that has grown old; called now and then from the loop's thread."""
        if self._record and chance.monotonic() - self._since >= self._limits[1]:
            self._roll()

    def close(self) -> None:
        """Write what waits, seal the segment, and end the thread."""
        self._hand_over()
        self._writer.close()

    def _append(self, events: Sequence[Event], done: Done) -> None:
        if self.failure is not None:
            raise copy(self.failure)
        data = b"".join([segment.frame(event.encode(one)) for one in events])
        if self.waiting + len(data) > MAX_WAITING:
            raise Unavailable(
                "Too many answers wait for the disk", where="log", fix="Send fewer requests at once.", code="overloaded"
            )
        if not self._record:
            self._since = chance.monotonic()
        self.waiting += len(data)
        number = self._number
        self._record += len(events)
        self._size += len(data)
        if self.durability == "none":
            done(None)
            self._take(_Item(number, data, None))
        else:
            self._take(_Item(number, data, done))
        if self._size >= self._limits[0]:
            self._roll()

    def _take(self, item: _Item) -> None:
        """Let an item be written at the end of this turn."""
        if not self._items:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._hand_over)
        self._items.append(item)

    def _hand_over(self) -> None:
        """Have everything written that was appended in this turn."""
        items, self._items = self._items, []
        if items:
            self._writer.take(items)

    def _roll(self) -> None:
        """Go on in a new segment; the empty item makes the writer seal the old one now."""
        self._number = max(self._number + 1, int(chance.now()))
        self._record, self._size, self._since = 0, segment.HEADER.size, chance.monotonic()
        self._take(_Item(self._number, b"", None))

    def soon(self, work: Callable[[], None]) -> None:
        """Have something done in the loop's thread; called from another one."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, so nobody waits
                self._loop.call_soon_threadsafe(work)

    def settle(self, items: Sequence[_Item], error: SeawayError | None, is_final: bool) -> None:
        """Tell the waiting that their records are durable, or refused; runs in the loop's thread."""
        self.waiting -= sum(len(item.data) for item in items)
        if error is not None:
            self.failures += self.failure is None  # once nothing is durable any more, nothing new fails
            if is_final:
                self.failure = error
            if any(item.segment == self._number for item in items):
                self._roll()
        for item in items:
            if item.done is not None:
                item.done(error)

    def _chain(self, worker: int) -> Iterator[Event]:
        for owner, number, path in of_folder(self.folder):
            if owner == worker:
                sealed = path.with_name(segment.name(worker, number, sealed=True))
                yield from (one for _, one in segment.events(sealed if sealed.exists() else path))


class _Writer:
    """Writes what is handed over, in the loop's thread, and leaves to its syncer what waits for the disk."""

    def __init__(self, log: EventLog, sync: Sync | None) -> None:
        self._log = log
        self._is_synced = sync is not None
        self._syncer = _Syncer(log, sync, self.die)
        self._open: OpenSegment | None = None
        self._refused = -1
        self._dead: SeawayError | None = None

    def take(self, items: list[_Item]) -> None:
        """Write items segment by segment."""
        try:
            for number, group in groupby(items, key=lambda item: item.segment):
                batch = list(group)
                error = self._write(number, b"".join([item.data for item in batch]))
                if error is None and self._is_synced and self._open is not None:
                    self._syncer.sync(self._open, batch)
                else:
                    self._log.settle(batch, error, self._dead is not None)
        except BaseException:  # a fault of ours: nobody must wait for what will not be written
            self.die(items)
            raise

    def close(self) -> None:
        """Seal, and wait until all is on the disk."""
        self._seal()
        self._syncer.close()

    def die(self, items: list[_Item]) -> None:
        """Acknowledge nothing from now on; the segment is left for the next start to mend."""
        self._dead = _undurable()
        if self._open is not None:
            self._open.abandon()
        self._open = None
        self._log.settle(items, self._dead, True)

    def _write(self, number: int, data: bytes) -> SeawayError | None:
        """Write records of one segment, or say why they are not written."""
        if self._open is not None and self._open.number != number:
            self._seal()
        if self._dead is not None or not data:  # without data it was only to seal
            return self._dead
        if number <= self._refused:
            return _unwritable()
        try:
            if self._open is None:
                self._open = OpenSegment(self._log.folder, self._log.worker, number, self._syncer.how)
            self._open.write(data)
        except OSError:
            self._refused = number
            self._seal()
            return _unwritable()
        return None

    def _seal(self) -> None:
        if self._open is not None:
            self._syncer.seal(self._open)
            self._open = None


_Work = tuple[OpenSegment, list[_Item] | None]
"""A segment to be synced for the items that wait for it, or to be sealed (None)."""


class _Syncer:
    """Makes durable what was written, and seals, in a thread of its own; says what it did in the loop's thread."""

    def __init__(self, log: EventLog, sync: Sync | None, die: Callable[[list[_Item]], None]) -> None:
        self._log, self._die = log, die
        self.how = sync or _no_sync
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._is_dead = False
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def sync(self, opened: OpenSegment, items: list[_Item]) -> None:
        """Make durable what was written to a segment, then settle the items."""
        self._queue.put((opened, items))

    def seal(self, opened: OpenSegment) -> None:
        """Seal a segment that nothing is written to any more."""
        self._queue.put((opened, None))

    def close(self) -> None:
        """Do what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        """Take all that waits; what is for one segment needs one sync."""
        is_over = False
        while not is_over:
            waiting = [self._queue.get()]
            while not self._queue.empty():  # the only reader is this thread
                waiting.append(self._queue.get())
            is_over = waiting[-1] is None
            found = [work for work in waiting if work is not None]
            for opened, group in groupby(found, key=lambda work: work[0]):
                self._serve(opened, list(group))

    def _serve(self, opened: OpenSegment, works: list[_Work]) -> None:
        items = [item for _, some in works if some is not None for item in some]
        try:
            if self._is_dead:
                raise Unsynced
            if items:
                opened.sync()
                self._log.soon(partial(self._log.settle, items, None, False))
                items = []
            if works[-1][1] is None:
                opened.seal()
        except BaseException as error:  # whatever it was, nobody must wait for what will not be durable
            if items or not self._is_dead:
                self._log.soon(partial(self._die, items))
            self._is_dead = True
            if not isinstance(error, Unsynced):  # a fault of ours
                raise


def forget(done: Awaitable[None]) -> None:
    """Let a record be written without anybody waiting; a failure is counted by the log itself."""
    if isinstance(done, asyncio.Future):
        done.add_done_callback(_look_at)


def _look_at(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()


def _no_sync(handle: int) -> None:
    """Durability below "disk": what the kernel holds is enough."""


def _undurable() -> Unavailable:
    return Unavailable(
        "The server can no longer make its event log durable, so it answers nothing",
        where="log",
        fix="Check the disk, then restart the server.",
        code="log-unavailable",
    )


def _unwritable() -> Unavailable:
    return Unavailable(
        "The event log cannot be written, and no answer leaves without its record",
        where="log",
        fix="Free space on the disk that holds the log; the server goes on by itself.",
        code="log-unavailable",
    )
