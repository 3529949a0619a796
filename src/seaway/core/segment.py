"""The event log on disk: append-only segments of length-and-checksum framed records.

A log is a folder per model; each worker writes segments of its own, `<worker>-<segment>.log` while open and `.seg` once
sealed (sealed segments never change). Layout, little endian:

    header  magic "SEAWAYLG", u16 version, u16 worker, u32 segment, u8 cipher (0 = none), 16 bytes key id,
            16 bytes subject token, 15 bytes reserved (zero)                                          64 bytes
    record  u32 length of the body, u32 CRC-32 of kind, flags and body, u8 kind, u8 flags, body

The key id, the subject token and the flags are reserved so that encryption and erasure need no new format.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from seaway.core import event
from seaway.core.errors import Malformed

MAGIC, VERSION = b"SEAWAYLG", 1
HEADER = struct.Struct("<8sHHIB16s16s15s")
FRAME = struct.Struct("<IIBB")
EVENT_KIND = 1
MAX_BODY = 64 << 20
_KIND_AND_FLAGS = bytes((EVENT_KIND, 0))
_BEGUN = zlib.crc32(_KIND_AND_FLAGS)
"""Nearly every record is a plain event."""

OPEN, SEALED = ".log", ".seg"
ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)


@dataclass(frozen=True)
class Place:
    """Where a record is: worker, segment, and the record's number in it."""

    worker: int
    segment: int
    record: int


def request_id(milliseconds: int, place: Place) -> str:
    """Return 26 characters (Crockford's base 32) that sort by time and name worker, segment and record."""
    return request_ids(milliseconds, place, 1)[0]


def request_ids(milliseconds: int, place: Place, count: int) -> list[str]:
    """Return the ids of `count` records from `place` on."""
    above = (milliseconds & (2**48 - 1)) << 48 | place.worker << 32 | place.segment
    return [
        _head((above << 32 | record) >> 30)
        + _PAIRS[record >> 20 & 1023]
        + _PAIRS[record >> 10 & 1023]
        + _PAIRS[record & 1023]
        for record in range(place.record, place.record + count)
    ]


@lru_cache(maxsize=8)
def _head(number: int) -> str:
    """Return the first 20 characters of an id, which all records of a millisecond share."""
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))


def place_of(identifier: str) -> Place | None:
    """Return the place a request id names, or None for an id that Seaway did not make."""
    if not ID.fullmatch(identifier):
        return None
    number = 0
    for letter in identifier:
        number = number << 5 | _ALPHABET.index(letter)
    return Place(number >> 64 & 0xFFFF, number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF)


def name(worker: int, segment: int, *, sealed: bool) -> str:
    """Return a segment's file name."""
    return f"{worker:05d}-{segment:010d}{SEALED if sealed else OPEN}"


def header(worker: int, segment: int) -> bytes:
    """Return the header of an unencrypted segment."""
    return HEADER.pack(MAGIC, VERSION, worker, segment, 0, b"", b"", b"")


def frame(body: bytes, *, kind: int = EVENT_KIND, flags: int = 0) -> bytes:
    """Return one record."""
    begun = _BEGUN if kind == EVENT_KIND and not flags else zlib.crc32(bytes((kind, flags)))
    return FRAME.pack(len(body), zlib.crc32(body, begun), kind, flags) + body


def read(path: Path, after: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (offset behind the record, body) of every whole record from byte `after` on (0 = from the start).

    Stops silently at a torn tail, which is where the next append continues, and at a header that is not whole yet; a broken
    record with a whole one behind it, a torn tail of a sealed segment, a foreign file or a newer version raises `Malformed`
    and changes nothing.
    """
    is_open = path.suffix == OPEN
    with path.open("rb") as file:
        head = file.read(HEADER.size)
        if is_open and len(head) < HEADER.size and MAGIC.startswith(head[: len(MAGIC)]):
            return
        read_header(head, path)
        offset = max(after, HEADER.size)
        while True:
            file.seek(offset)
            body = _next(file)
            if body is None:  # it may have been completed meanwhile: look once more, with all that is behind it
                file.seek(offset)
                rest = file.read()
                body = _record(memoryview(rest), 0)
                if body is None:
                    if rest and (not is_open or _is_whole_behind(rest)):
                        raise _broken(path, offset)
                    return
            offset += FRAME.size + len(body)
            yield offset, body


def _next(file: BinaryIO) -> bytes | None:
    head = file.read(FRAME.size)
    length = int.from_bytes(head[:4], "little")
    return _record(memoryview(head + file.read(min(length, MAX_BODY))), 0)


def _record(data: memoryview, start: int) -> bytes | None:
    """Return the body of the record that begins at `start`, or None where none is whole there."""
    if len(data) < start + FRAME.size:
        return None
    length, check, kind, flags = FRAME.unpack_from(data, start)
    body = data[start + FRAME.size : start + FRAME.size + length]
    if length > MAX_BODY or len(body) < length or zlib.crc32(body, zlib.crc32(bytes((kind, flags)))) != check:
        return None
    return bytes(body)


def _is_whole_behind(rest: bytes) -> bool:
    """Say whether a whole record begins anywhere behind the first byte: then the first one is damaged, not torn."""
    kinds, data = FRAME.size - 2, memoryview(rest)
    found = rest.find(_KIND_AND_FLAGS, kinds + 1)
    while found >= 0:
        if _record(data, found - kinds) is not None:
            return True
        found = rest.find(_KIND_AND_FLAGS, found + 1)
    return False


def events(path: Path, after: int = 0) -> Iterator[tuple[int, event.Event]]:
    """Yield (offset behind the record, event)."""
    for offset, body in read(path, after):
        yield offset, event.decode(body)


def read_header(data: bytes, path: Path) -> tuple[int, int]:
    """Return (worker, segment), or say why this is no segment that this version reads."""
    if len(data) < HEADER.size or data[:8] != MAGIC:
        raise Malformed("Not an event log", where=str(path), fix="Move the file out of the log folder.")
    _, version, worker, segment, cipher, *_ = HEADER.unpack(data)
    if version != VERSION or cipher != 0:
        raise Malformed(
            f"The event log has version {version} (cipher {cipher}); this Seaway reads version {VERSION}",
            where=str(path),
            fix="Read it with the Seaway that wrote it, or a newer one.",
            code="newer-format",
        )
    return worker, segment


def _broken(path: Path, offset: int) -> Malformed:
    return Malformed(
        f"A record of the event log is damaged at byte {offset}",
        where=str(path),
        fix="Restore the segment from a backup, or move it away to go on without its events.",
        code="damaged-log",
    )
