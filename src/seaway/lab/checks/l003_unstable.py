"""L003: the folds agree on how good the model is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.candidate import Candidate
from seaway.core.verdict import Outcome, Verdict
from seaway.lab.checks.subject import figures

LIMIT = 0.5
"""Spread over the folds, as a share of the gain over the baseline."""


class Unstable:
    """Warns where the heaviest member's score varies over the folds by more than half of what it gains."""

    code = "L003"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        seen = figures(subject)
        name, base = seen.figure.name, seen.baseline
        heaviest = max(seen.trials, key=lambda trial: float(trial["weight"]), default=None)
        by_fold = heaviest["by_fold"] if heaviest else []
        gain = seen.gain(float(np.mean(by_fold)), base) if by_fold and base is not None else 0.0
        if subject.contract.truth is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject=name,
                    message="Without truth, how well the folds agree is a figure of its own",
                )
            ]
        if len(by_fold) < 3 or gain <= 0:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject=name,
                    message="Too few folds, or nothing gained over the baseline, to compare the folds with",
                )
            ]
        spread = float(np.std(by_fold, ddof=1))
        outcome: Outcome = "warn" if spread > LIMIT * gain else "pass"
        return [
            Verdict(
                code=self.code,
                outcome=outcome,
                subject=name,
                message=f"{name} varies by {spread:.3g} over the folds; the gain over the baseline is {gain:.3g}",
                fix="Bring more rows, or look for groups of rows that differ: mark a group or time column."
                if outcome == "warn"
                else "",
                value=spread / gain,
                limit=LIMIT,
                evidence={"by_fold": list(by_fold)},
            )
        ]
