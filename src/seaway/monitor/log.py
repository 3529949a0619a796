"""The event log as it grows: every segment is read from where the last look ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from seaway.core import event, segment
from seaway.core.errors import Malformed
from seaway.core.event import Event

MAX_EVENTS, MAX_BYTES = 20_000, 64 << 20
"""What one step of a look holds in memory."""

NAME = re.compile(r"(\d{5})-(\d{10})\.(log|seg)")

Key = tuple[int, int]
"""Worker and number: what a segment is called, open or sealed."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One event, and the bytes `start:end` of the segment it stands in."""

    key: Key
    start: int
    end: int
    event: Event


@dataclass(kw_only=True)
class Reading:
    """What one look has read: the events, how far each segment was read, and what is damaged (by segment)."""

    events: list[Found] = field(default_factory=list)
    offsets: dict[Key, int] = field(default_factory=dict)
    damage: dict[Key, str] = field(default_factory=dict)


def read(folder: Path, offsets: Mapping[Key, int], *, limit: int = MAX_EVENTS) -> tuple[Reading, bool]:
    """Read what was written behind `offsets`, as much as memory should hold; True says that there is more.

    A torn tail is left for the next look. A damaged segment is reported and left alone from there on; the others go on.
    """
    reading, size = Reading(), 0
    for key in keys(folder):
        reading.offsets[key] = offsets.get(key, 0)
        try:
            for found in _events(folder, key, reading.offsets[key]):
                reading.events.append(found)
                reading.offsets[key] = found.end
                size += found.end - found.start
                if len(reading.events) >= limit or size >= MAX_BYTES:
                    return reading, True
        except FileNotFoundError:
            continue  # sealed under a new name between the listing and the opening: the next look finds it
        except (Malformed, msgspec.DecodeError) as error:
            reading.damage[key] = str(error).splitlines()[0]
    return reading, False


def keys(folder: Path) -> list[Key]:
    """Return the segments of a log folder in order; other files are not looked at."""
    if not folder.is_dir():
        return []
    matches = (NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({(int(match[1]), int(match[2])) for match in matches if match})


def record(folder: Path, key: Key, start: int) -> Event:
    """Read the one event that begins at byte `start` of a segment."""
    for path in (_path(folder, key), folder / segment.name(*key, sealed=True)):
        try:
            for _, body in segment.read(path, start):
                return event.decode(body)
        except FileNotFoundError:
            continue  # sealed between the two steps
    raise Malformed(
        f"The event log holds no record at byte {start}",
        where=str(_path(folder, key)),
        fix="Restore the segment from a backup; the index of the log is rebuilt by removing the folder `windows`.",
        code="damaged-log",
    )


def _events(folder: Path, key: Key, after: int) -> Iterator[Found]:
    start = max(after, segment.HEADER.size)
    path = _path(folder, key)
    if path.suffix == segment.OPEN and path.stat().st_size < segment.HEADER.size:
        return  # a segment that a crash left, or a worker has only just made
    for end, body in segment.read(path, after):
        yield Found(key=key, start=start, end=end, event=event.decode(body))
        start = end


def _path(folder: Path, key: Key) -> Path:
    """Return the segment's file. A writer may seal it meanwhile: an open file keeps its bytes under either name."""
    sealed = folder / segment.name(*key, sealed=True)
    return sealed if sealed.exists() else folder / segment.name(*key, sealed=False)
