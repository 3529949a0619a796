"""When a search ends: one small rule per class, asked before each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from seaway.core.chance import monotonic


class Stop(Protocol):
    """Looks at the losses of the learners' trials so far, in order (less is better)."""

    def __call__(self, losses: Sequence[float], next_s: float) -> str:
        """Return why the search ends before a trial expected to take `next_s` seconds, or an empty text."""
        ...


@dataclass(frozen=True)
class EnoughTrials:
    """So many trials and no more."""

    count: int

    def __call__(self, losses: Sequence[float], next_s: float) -> str:
        """Stop at the count."""
        return f"{self.count} trials are done" if len(losses) >= self.count else ""


@dataclass(frozen=True)
class TimeUp:
    """No trial that would end after `until` (monotonic seconds)."""

    until: float

    def __call__(self, losses: Sequence[float], next_s: float) -> str:
        """Stop when the next trial would not fit."""
        return "the time is up" if monotonic() + next_s > self.until else ""


@dataclass(frozen=True)
class NoImprovement:
    """`patience` trials in a row none of which lowered the best loss by the share `least`.

    More trials on the same rows would then mostly find what fits these rows by chance.
    """

    patience: int
    least: float = 1e-4

    def __call__(self, losses: Sequence[float], next_s: float) -> str:
        """Stop when the best is old."""
        best, at = float("inf"), 0
        for place, loss in enumerate(losses):
            if loss < best - self.least * abs(best) if best < float("inf") else loss < best:
                best, at = loss, place
        return f"{self.patience} trials brought nothing better" if len(losses) - 1 - at >= self.patience else ""


def first(stops: Sequence[Stop], losses: Sequence[float], next_s: float) -> str:
    """Return the first reason to end, or an empty text."""
    return next((reason for stop in stops if (reason := stop(losses, next_s))), "")
