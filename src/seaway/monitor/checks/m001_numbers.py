"""M001: a number's distribution is no longer that of training."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.drift.family import Finding
from seaway.monitor.drift.verdicts import verdicts
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Compare every numeric column of a full window with the reference."""
    return verdicts("M001", "numbers", look, "numeric columns", _words)


def _words(finding: Finding) -> str:
    then, now = finding.shift.figures["then"], finding.shift.figures["now"]
    place = max(range(len(then)), key=lambda i: abs(now[i] - then[i]))
    edges = [float("-inf"), *finding.shift.figures["edges"], float("inf")]
    return (
        f"{finding.shift.column} has moved: {now[place]:.0%} of the values lie between {edges[place]:.4g} and "
        f"{edges[place + 1]:.4g}, {then[place]:.0%} did in training"
    )


CHECK = LookCheck(code="M001", stage="window", find=find)
