"""How often a caller may ask, over all workers of a server: one moment per caller in a file that the workers share.

The generic cell rate algorithm (ITU-T I.371, 1993) needs one number per caller: when the next request would be on time. The file
is read and written as it lies in the page cache, so that a full disk is an error here and not the end of the process, as it
would be in mapped memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from seaway.core import chance
from seaway.core.errors import Unavailable

SOURCES = 1 << 16
"""Slots for addresses. Two that share one share a limit on *wrong* keys, which harms nobody who has a right one."""

_TRIES = 50
"""Looks at a locked slot. Its holder needs a microsecond; one that was stopped meanwhile must not stop the others."""

_moment = struct.Struct("<d")


class Moments:
    """One number per slot, shared by processes; 0 where none was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __getitem__(self, slot: int) -> float:
        data = os.pread(self._handle, _moment.size, slot * _moment.size)
        return float(_moment.unpack(data)[0]) if len(data) == _moment.size else 0.0

    def __setitem__(self, slot: int, value: float) -> None:
        try:
            os.pwrite(self._handle, _moment.pack(value), slot * _moment.size)
        except OSError as error:
            raise Unavailable(
                f"The limits of callers cannot be kept: {error.strerror}",
                where=str(self._path),
                fix="Make room on the disk.",
            ) from None

    @contextlib.contextmanager
    def held(self, slot: int) -> Iterator[None]:
        """Hold a slot against other processes (not against threads of this one)."""
        place = slot * _moment.size
        for _ in range(_TRIES):
            with contextlib.suppress(OSError):
                fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, _moment.size, place)
                break
        try:
            yield
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN, _moment.size, place)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


class Limiter:
    """Admits requests at a rate with bursts of at most a second's worth (or one). Used from one thread per process."""

    def __init__(self, path: Path) -> None:
        self._due = Moments(path)

    def take(self, slot: int, rate: float, burst: float = 0.0) -> float:
        """Admit one request: return 0, or the seconds until the next one would be admitted.

        `rate` is per second; `burst`, where given, replaces a second's worth.
        """
        every = 1.0 / rate
        window = every * max(burst or rate, 1.0)
        with self._due.held(slot):
            now = chance.monotonic()
            due = self._due[slot]
            # A moment further ahead than any that is ever written belongs to a clock before the machine's last start.
            due = due if now < due <= now + window + every else now
            if due + every > now + window + 1e-9:
                return due + every - now - window
            self._due[slot] = due + every
        return 0.0

    def close(self) -> None:
        """Let go of the file."""
        self._due.close()


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 address, which one caller can have all of."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def slot_of(source: str) -> int:
    """Return the slot of a source."""
    return int.from_bytes(hashlib.blake2b(source.encode(), digest_size=8).digest(), "little") % SOURCES
