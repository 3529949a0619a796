"""T201: the 90 % interval holds 90 % of what comes true, on steps that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.candidate import Candidate
from seaway.core.metrics import bootstrap, metric
from seaway.core.verdict import Outcome, Verdict
from seaway.tasks.forecast.finish import coverage_by_step
from seaway.tasks.forecast.outcomes import Judged, horizon, judged

LOW, HIGH = 0.85, 0.95
"""Coverage of a 90 % interval within which it says what it means."""

FAR = 0.70
"""Coverage below which an interval misleads whoever plans by it."""

ROUNDS = 200
FEWEST = 30


class Coverage:
    """Measures the coverage with its 95 % bootstrap interval by series; too narrow by far fails, otherwise off warns.

    It is off only where the whole bootstrap interval lies outside the limits; one series alone has no such interval, and
    is judged by the figure itself.
    """

    code = "T201"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        found = judged(subject)
        known = np.flatnonzero(np.isfinite(found.quantiles).all(axis=1))
        found = Judged(outcomes=found.outcomes.take(known), quantiles=found.quantiles[known], rows=found.rows)
        if len(found) < FEWEST:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="coverage",
                    message=f"{len(found)} {found.rows} with a known truth are too few to judge intervals",
                )
            ]
        value, low, high = covered(found)
        outcome, fix = _judgement(value, low, high)
        return [
            Verdict(
                code=self.code,
                outcome=outcome,
                subject="coverage",
                message=f"The 90 % interval holds {value:.1%} of {len(found)} {found.rows}",
                fix=fix,
                value=value,
                limit=HIGH if value > HIGH else LOW,
                evidence={
                    "low": low,
                    "high": high,
                    "by_step": _shown(coverage_by_step(found.quantiles, found.outcomes, horizon(subject.contract))),
                },
            )
        ]


def covered(found: Judged) -> tuple[float, float, float]:
    """Return the coverage with its bootstrap interval over series."""
    figure = metric("coverage")
    lines = found.outcomes.answered({"quantiles": found.quantiles})
    draws = [figure(drawn) for drawn in bootstrap(lines, ROUNDS, 0)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return figure(lines), float(low), float(high)


def _judgement(value: float, low: float, high: float) -> tuple[Outcome, str]:
    if high < FAR:
        return (
            "fail",
            "Do not plan by these intervals: the newest rows differ from those before. Give the model what changed as a column.",
        )
    if high < LOW:
        return "warn", "Take the intervals for too narrow: bring more backtests (`[split] folds`) or newer rows."
    if low > HIGH:
        return "warn", "Take the intervals for too wide: bring more backtests (`[split] folds`)."
    return "pass", ""


def _shown(shares: Array) -> list[float | None]:
    return [None if np.isnan(share) else round(float(share), 4) for share in shares]
