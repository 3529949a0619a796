"""What workers tell their supervisor, as lines of JSON on their standard output, and what comes of it.

Wrong keys are counted by the address they come from. The supervisor adds the workers' counts up and makes one record of each
address that was turned away, when it has gone quiet, so that a flood of guesses is one line of the audit and not a flood of lines.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from seaway.core import chance

QUIET_S, LONGEST_S = 60.0, 3600.0
"""Seconds without a wrong key that end an episode; seconds after which a longer one is noted all the same."""

MAX_SOURCES = 64
"""Addresses counted apart; what more there are count as one."""

OTHERS = "other addresses"


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: an "example" request (`subject` its path, `text` its body), or the number of "wrong-keys" from `subject`."""

    kind: str
    subject: str
    text: str = ""
    count: int = 0
    throttled: int = 0


class Reporter:
    """The worker's side. Nothing waits for a supervisor that does not read: what it cannot take now is told later."""

    def __init__(self, handle: int = 1) -> None:
        self._handle = handle
        self._counts: dict[str, tuple[int, int]] = {}
        os.set_blocking(handle, False)

    def wrong_key(self, source: str, is_throttled: bool) -> None:
        """Count a key that opened nothing."""
        name = source if source in self._counts or len(self._counts) < MAX_SOURCES else OTHERS
        count, throttled = self._counts.get(name, (0, 0))
        self._counts[name] = count + 1, throttled + is_throttled

    def send(self) -> None:
        """Tell what was counted since the last time."""
        for source, (count, throttled) in list(self._counts.items()):
            if not self.say(Report(kind="wrong-keys", subject=source, count=count, throttled=throttled)):
                return
            del self._counts[source]

    def say(self, report: Report) -> bool:
        """Tell one thing; False where the supervisor cannot take it now. A line is written whole or not at all."""
        line = msgspec.json.encode(report) + b"\n"
        try:
            return os.write(self._handle, line) == len(line)
        except (BlockingIOError, BrokenPipeError):
            return False


@dataclass
class _Episode:
    """Wrong keys from one address, until it goes quiet."""

    began: float
    newest: float
    count: int = 0
    throttled: int = 0


class Episodes:
    """The supervisor's side of wrong keys."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note
        self._open: dict[str, _Episode] = {}

    def take(self, report: Report) -> None:
        """Add a worker's count."""
        now = chance.now()
        name = report.subject if report.subject in self._open or len(self._open) < MAX_SOURCES else OTHERS
        episode = self._open.setdefault(name, _Episode(now, now))
        episode.newest = now
        episode.count += report.count
        episode.throttled += report.throttled

    def settle(self, *, at_once: bool = False) -> None:
        """Note the episodes that have ended, or all."""
        now = chance.now()
        for source, one in list(self._open.items()):
            if at_once or now - one.newest >= QUIET_S or now - one.began >= LONGEST_S:
                del self._open[source]
                if one.throttled:
                    self._note("wrong keys", _told(source, one))


def _told(source: str, one: _Episode) -> str:
    return (
        f"{one.count} keys that open nothing came from {source} between {chance.stamp(one.began)[:19]}Z and "
        f"{chance.stamp(one.newest)[:19]}Z; {one.throttled} of them were turned away as too many"
    )


class Lines:
    """Reads the reports of one worker without waiting."""

    def __init__(self, handle: int) -> None:
        self._handle, self._rest = handle, b""
        os.set_blocking(handle, False)

    def read(self) -> Iterator[Report]:
        """Return the reports that have come; what is no report (a library that prints) is passed over."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._handle, 65_536):
                self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError):
                yield msgspec.json.decode(line, type=Report)
