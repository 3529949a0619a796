"""L001: the candidate beats the baseline, beyond what chance explains.

Where the baseline itself is what answers, it cannot beat itself: that is worth a warning, and may be the right model.
"""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Outcome, Verdict
from seaway.lab.checks.subject import figures


class Baseline:
    """Compares out-of-fold scores: fails where the baseline is as good, warns where it lies within the interval."""

    code = "L001"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        seen = figures(subject)
        name, base = seen.figure.name, seen.baseline
        if seen.oof is None or base is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject=name,
                    message=f"{name} cannot be told for the candidate or its baseline",
                )
            ]
        message = f"{name} {seen.oof.value:.4g} out of fold, the baseline has {base:.4g}"
        if seen.is_baseline_alone:
            outcome: Outcome = "warn"
            message += ": nothing that learns beats it, so the baseline itself answers"
            fix = "Add features that say more about the target, or more rows; or keep it as the simplest model that works."
        elif seen.gain(seen.oof.value, base) <= 0:
            outcome = "fail"
            fix = "The features say nothing about the target: add columns that do, or more rows."
        elif seen.gain(seen.worst(seen.oof), base) <= 0:
            outcome = "warn"
            fix = "The gain may be chance: bring more rows before relying on it."
        else:
            outcome, fix = "pass", ""
        return [
            Verdict(
                code=self.code,
                outcome=outcome,
                subject=name,
                message=message,
                fix=fix,
                value=seen.oof.value,
                limit=base,
                evidence={"low": seen.oof.low, "high": seen.oof.high},
            )
        ]
