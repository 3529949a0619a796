"""T101: probabilities mean what they say, on rows that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaincc

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.verdict import Outcome, Verdict

BINS = 10
FEWEST = 100
LIMIT = 0.03
"""Calibration error that is worth a warning even if it is certain."""
CHANCE = 0.001


class Calibration:
    """Holds each tenth of the test rows, by probability, against how often the class came true.

    A warning needs both an error that matters (mean |predicted - observed| over `LIMIT`) and one that chance does not
    explain: the statistic of Hosmer & Lemeshow (1980), chi-squared with as many degrees of freedom as bins on new rows.
    """

    code = "T101"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        known = _known(subject.test)
        if known is None:
            return [self._verdict("not-applicable", "The answers hold no probabilities with known outcomes")]
        p, hit = known
        if len(p) < FEWEST:
            return [self._verdict("not-applicable", f"{len(p)} test rows are too few to judge calibration")]
        error, chance = calibration_error(p, hit)
        if error > LIMIT and chance < CHANCE:
            return [
                self._verdict(
                    "warn",
                    f"Probabilities are off by {error:.3f} on average over the test rows",
                    "Keep `calibrate = true`; if it is, the test rows differ from the training rows: compare them in `seaway check`.",
                    error,
                    chance,
                )
            ]
        return [
            self._verdict(
                "pass", f"Probabilities are off by {error:.3f} on average over the test rows", "", error, chance
            )
        ]

    def _verdict(
        self, outcome: Outcome, message: str, fix: str = "", value: float | None = None, chance: float | None = None
    ) -> Verdict:
        return Verdict(
            code=self.code,
            outcome=outcome,
            subject="calibration",
            message=message,
            fix=fix,
            value=value,
            limit=LIMIT,
            evidence={} if chance is None else {"p_value": chance},
        )


def calibration_error(p: Array, hit: Array) -> tuple[float, float]:
    """Return (mean |predicted - observed| over bins by size, chance of a gap this large if calibrated)."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    predicted = np.array([p[part].mean() for part in parts])
    observed = np.array([hit[part].mean() for part in parts])
    count = np.array([len(part) for part in parts])
    spread = np.maximum(predicted * (1 - predicted), 1e-9)
    statistic = (count * (observed - predicted) ** 2 / spread).sum()
    error = float(np.average(np.abs(observed - predicted), weights=count))
    return error, float(gammaincc(len(parts) / 2, statistic / 2))


def _known(test: Outcomes) -> tuple[Array, Array] | None:
    """Return (probability, came true): of class 1 for two classes, of the chosen class for more."""
    if "probabilities" not in test.answer or test.truth is None:
        return None
    known = ~np.isnan(test.truth)
    p, y = test.answer["probabilities"][known], test.truth[known]
    if p.shape[1] == 2:
        return p[:, 1], (y == 1).astype(np.float64)
    chosen = p.argmax(axis=1)
    return p.max(axis=1), (chosen == y).astype(np.float64)
