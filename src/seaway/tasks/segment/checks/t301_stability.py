"""T301: the same segments are found again in other rows of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

LIMIT = 0.6
"""Adjusted Rand index below which two fits tell different stories (Steinley 2004: under 0.65 is poor recovery)."""


class Stability:
    """Warns where fits on different parts of the rows put the same rows together too seldom."""

    code = "T301"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        score = subject.scores.get("oof.stability")
        if score is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="stability",
                    message="No two fits answered the same rows, so nobody knows whether the segments are found again",
                )
            ]
        is_stable = score.value >= LIMIT
        return [
            Verdict(
                code=self.code,
                outcome="pass" if is_stable else "warn",
                subject="stability",
                message=f"Fits on different parts of the rows agree with an adjusted Rand index of {score.value:.2f}",
                fix=""
                if is_stable
                else "Look for fewer segments, bring more rows, or leave out columns that say little.",
                value=score.value,
                limit=LIMIT,
                evidence={"low": score.low, "high": score.high},
            )
        ]
