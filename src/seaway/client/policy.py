"""When to ask again, and when to give up: one course of steps that the sync and the async client both walk.

A call that may be repeated (its request id makes the server give the first answer again, or it changes nothing) is sent again
where its connection broke before a reply, and where the server said 429, 503 or, through a proxy, 502. It is not sent again after
a silence: the first copy may still be at work in one worker while another worker takes the second.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from seaway.client.wire import Call, Reply
from seaway.core import chance
from seaway.core.errors import BadInput, Unavailable

BUSY = frozenset({429, 503})
"""Statuses that say: not now, and nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds: to connect (TLS included), between two parts of a reply, and for a whole call with all its tries."""

    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 30.0

    def __post_init__(self) -> None:
        _refuse_unless(all(0 < one < math.inf for one in (self.connect_s, self.read_s, self.total_s)), "timeouts")


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often to ask again, with pauses drawn from 0 to `first_s` * 2**try seconds, `most_s` at most (full jitter)."""

    times: int = 10
    first_s: float = 0.1
    most_s: float = 3.0

    def __post_init__(self) -> None:
        _refuse_unless(self.times >= 0 and self.first_s > 0 and self.most_s > 0, "retries")


class Send(NamedTuple):
    """Step: send the call once, done before `until` on the monotonic clock."""

    until: float


class Wait(NamedTuple):
    """Step: wait."""

    seconds: float


class Lost(NamedTuple):
    """What came of a try that has no reply: `was_sent` is false where the server cannot have seen it."""

    why: str
    was_sent: bool
    is_silent: bool = False


Outcome = Reply | Lost | None


def course(call: Call, url: str, timeouts: Timeouts, retries: Retries) -> Generator[Send | Wait, Outcome, Reply]:
    """Yield what to do next, take what came of it, and return the reply; raises `Unavailable` where none is to be had."""
    until = chance.monotonic() + timeouts.total_s
    for attempt in range(retries.times + 1):
        outcome = yield Send(until)
        if isinstance(outcome, Reply) and not _is_worth(outcome, call):
            return outcome
        pause = _pause(outcome, attempt, retries)
        is_last = attempt == retries.times or chance.monotonic() + pause >= until
        if isinstance(outcome, Reply):
            if is_last:
                return outcome
        elif outcome is not None and (is_last or outcome.is_silent or (outcome.was_sent and not call.is_repeatable)):
            raise lost(outcome, call, url, attempt + 1)
        yield Wait(pause)
    raise lost(Lost("no reply", was_sent=True), call, url, retries.times + 1)


def lost(outcome: Lost, call: Call, url: str, tries: int) -> Unavailable:
    """Say what became of a call without a reply, and how to go on without doing it twice."""
    often = f" ({tries} tries)" if tries > 1 else ""
    if not outcome.was_sent:
        return Unavailable(
            f"The server cannot be reached{often}: {outcome.why}",
            where=url,
            fix="Start it (`seaway serve`), or correct the address.",
            code="unreachable",
        )
    if call.request_id:
        fix = f"Ask again with request_id={call.request_id!r}: if it was answered, the same answer comes back."
    elif call.is_repeatable:
        fix = "Ask again."
    else:
        fix = "Send them again: of two labels of one case the newer one counts."
    return Unavailable(
        f"The request was sent and no reply came{often}: {outcome.why}",
        where=url,
        fix=fix,
        code="timeout" if outcome.is_silent else "no-reply",
    )


def retry_after(reply: Reply) -> float:
    """Return the seconds that the server asks to wait; 0 where it does not say, or says it as a date."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0.0


def _is_worth(reply: Reply, call: Call) -> bool:
    return reply.status in BUSY or (reply.status == 502 and call.is_repeatable)


def _pause(outcome: Outcome, attempt: int, retries: Retries) -> float:
    """Return how long to wait: what the server asks for at least, and a random part so that callers do not come back as one."""
    drawn = int(chance.token(6), 16) / 2**48 * min(retries.most_s, retries.first_s * 2.0**attempt)
    return drawn + (retry_after(outcome) if isinstance(outcome, Reply) else 0.0)


def _refuse_unless(holds: bool, name: str) -> None:
    if not holds:
        raise BadInput(
            f"A number of {name} is out of range", where=f"argument {name}", fix="Give positive, finite numbers."
        )
