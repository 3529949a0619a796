"""T303: the data form groups at all."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

LIMIT = 0.25
"""Silhouette below which there is no substantial structure (Kaufman & Rousseeuw 1990, table 4 of chapter 2)."""


class Structure:
    """Warns where rows lie about as near to the next segment as to their own."""

    code = "T303"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        score = subject.scores.get("oof.silhouette")
        if score is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="silhouette",
                    message="The silhouette cannot be told",
                )
            ]
        is_clear = score.value >= LIMIT
        return [
            Verdict(
                code=self.code,
                outcome="pass" if is_clear else "warn",
                subject="silhouette",
                message=f"The segments lie apart with a silhouette of {score.value:.2f}"
                if is_clear
                else f"The data form no clear groups: the silhouette is {score.value:.2f}",
                fix=""
                if is_clear
                else "Take segments as a rough division, or bring columns in which rows differ by kind.",
                value=score.value,
                limit=LIMIT,
            )
        ]
