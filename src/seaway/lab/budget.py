"""How the time of a run is shared out: searching, refitting the members, and everything after that.

All moments are on the monotonic clock. Without a budget every limit is infinite and nothing here has any effect, so work
that is fixed by `--trials` never depends on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seaway.core.chance import monotonic
from seaway.core.settings import TrainSettings
from seaway.lab.exam import Exam
from seaway.lab.journal import Record
from seaway.lab.threads import workers

FIXED_TAIL_S = 1.2
TAIL_S_PER_ROW = 4e-5
"""Scores with intervals, witness, export, profile and report: measured on 1,000 to 50,000 rows, two cores."""

PACE = 0.9
"""Training time grows with the rows to this power: part of it is paid per round or iteration, whatever their number."""

CAUTION = 1.3
"""How much longer a refit may take than foreseen: larger data fall out of the caches."""

MOST_FOR_REFIT = 0.4
"""Share of the time before the tail that is kept for refitting at most."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`started` is when the command began, `end` when its report is to be written, `tail_s` the seconds after the refit."""

    started: float
    end: float
    tail_s: float

    @property
    def is_bounded(self) -> bool:
        """Say whether time matters."""
        return math.isfinite(self.end)

    @property
    def refit_until(self) -> float:
        """When the members must be fitted."""
        return self.end - self.tail_s

    def search_until(self, refit_s: float) -> float:
        """When the search must end for a refit of `refit_s` seconds to fit in."""
        if not self.is_bounded:
            return math.inf
        return self.refit_until - min(refit_s, MOST_FOR_REFIT * (self.refit_until - self.started))

    def left_s(self) -> float:
        """Seconds left."""
        return self.end - monotonic()


def budget_of(settings: TrainSettings, started: float, rows: int) -> Budget:
    """Return the budget; `trials` fixes the work instead, then time has no say."""
    bounded = settings.budget_s > 0 and settings.trials == 0
    end = started + settings.budget_s if bounded else math.inf
    tail_s = min(FIXED_TAIL_S + TAIL_S_PER_ROW * rows, settings.budget_s / 3) if bounded else 0.0
    return Budget(started=started, end=end, tail_s=tail_s)


def scaled_s(seconds: float, measured: int, rows: int) -> float:
    """Return the seconds that training on `rows` rows should take, from those that `measured` rows took."""
    return seconds * float((rows / max(1, measured)) ** PACE)


def refit_s(record: Record, exam: Exam, rows: int) -> float:
    """Return the seconds that fitting a trial's model on `rows` rows should take, from the pace of its folds."""
    learnt = sum(fold.train.batch.rows for fold in exam.folds) // len(exam.folds)
    return CAUTION * scaled_s(sum(record.seconds) / len(exam.folds), learnt, rows)


def mean_s(records: Sequence[Record]) -> float:
    """Return the seconds a trial takes on average; none is known to take none."""
    return sum(record.took_s for record in records) / len(records) if records else 0.0


def together_s(seconds: Sequence[float], threads: int) -> float:
    """Return the seconds that fits of so many seconds each take side by side."""
    return max(max(seconds, default=0.0), sum(seconds) / workers(len(seconds), threads))
