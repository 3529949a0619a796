"""The only source of time and randomness, so that both can be seen, seeded and tested."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from datetime import UTC, datetime

import numpy as np

SLEEP = time.sleep


now = time.time
"""Seconds since 1970 in UTC: for display and joining, never for a decision on order alone."""

monotonic = time.monotonic
"""Seconds on a clock that never goes back: for durations and deadlines."""


def stamp(seconds: float | None = None) -> str:
    """Return an RFC 3339 time in UTC with microseconds, for example `2026-11-23T17:24:06.000000Z`."""
    moment = datetime.fromtimestamp(now() if seconds is None else seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sleep(seconds: float) -> None:
    """Wait."""
    SLEEP(seconds)


def rng(*seed: int | str) -> np.random.Generator:
    """Return a generator fixed by its seeds; words count too, so that each purpose has a stream of its own."""
    # Hashed, because numpy would take (1, 0) for (1) and two short words for one long word.
    spelled = repr(tuple(part if isinstance(part, str) else int(part) for part in seed))
    entropy = hashlib.blake2b(spelled.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(entropy, "little")))


def token(size: int = 16) -> str:
    """Return `size` unpredictable bytes in hexadecimal."""
    return secrets.token_hex(size)


class Clock:
    """A hybrid logical clock (Kulkarni 2014): microseconds of UTC that never repeat and never go back.

    `floor` is the highest sequence seen elsewhere; a wall clock set back then only makes sequences dense.
    Safe to call from several threads.
    """

    def __init__(self, floor: int = 0) -> None:
        self._last = floor
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the next sequence."""
        return self.take(1)

    def take(self, count: int) -> int:
        """Return the first of the next `count` sequences, which follow one another."""
        with self._lock:
            first = max(self._last + 1, int(now() * 1_000_000))
            self._last = first + count - 1
            return first

    def seen(self, sequence: int) -> None:
        """Take note of a sequence made by another clock."""
        with self._lock:
            self._last = max(self._last, sequence)
