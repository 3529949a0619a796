"""M005: the answers' distribution is no longer that of training."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.drift.family import Finding
from seaway.monitor.drift.verdicts import verdicts
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Compare the answers of a full window with those on the training rows."""
    return verdicts("M005", "answers", look, ("answer", "answers"), _words)


def _words(finding: Finding) -> str:
    figures = finding.shift.figures
    if "median" in figures:
        return f"The answers have moved: the middle of {finding.shift.column} is {figures['median']:.3g}"
    place = max(range(len(figures["then"])), key=lambda i: abs(figures["now"][i] - figures["then"][i]))
    return (
        f"The answers have moved: {figures['now'][place]:.0%} are {figures['categories'][place]!r}, "
        f"{figures['then'][place]:.0%} were in training"
    )


CHECK = LookCheck(code="M005", stage="window", find=find)
