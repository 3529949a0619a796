"""M012: labels that find no prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from seaway.core.verdict import Verdict
from seaway.monitor.look import Look, LookCheck

LIMIT, LEAST = 0.05, 20
"""More than one label in twenty without a prediction points to a wrong id; fewer labels than that say little."""


def find(look: Look) -> Sequence[Verdict]:
    """Count how labels found their cases."""
    joins = look.joins
    if joins is None or not joins.labels:
        return [Verdict(code="M012", outcome="not-applicable", subject="labels", message="There are no labels yet")]
    lost = joins.unknown + joins.early
    warns = lost > LIMIT * joins.labels and joins.labels >= LEAST
    return [
        Verdict(
            code="M012",
            outcome="warn" if warns else "pass",
            subject="labels",
            message=(
                f"{joins.joined} of {joins.labels} labels found their prediction; {joins.unknown} name none that was made, "
                f"{joins.early} came before any prediction of their id, {joins.corrected} were corrected later"
            ),
            fix="Label with the request id of the answer, or send the id column with each row." if warns else "",
            value=lost / joins.labels,
            limit=LIMIT,
            evidence=asdict(joins),
        )
    ]


CHECK = LookCheck(code="M012", stage="log", find=find)
