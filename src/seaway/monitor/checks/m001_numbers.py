"""M001: a number's distribution is no longer that of training."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.drift.family import Finding
from seaway.monitor.drift.verdicts import verdicts
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Compare every numeric column of a full window with the reference."""
    return verdicts("M001", "numbers", look, ("numeric column", "numeric columns"), _words)


def _words(finding: Finding) -> str:
    then, now = finding.shift.figures["then"], finding.shift.figures["now"]
    place = max(range(len(then)), key=lambda i: abs(now[i] - then[i]))
    where = _bin(finding.shift.figures["edges"], place)
    return f"{finding.shift.column} has moved: {now[place]:.0%} of the values are {where}, {then[place]:.0%} were in training"


def _bin(edges: Sequence[float], place: int) -> str:
    """Name a bin; it ends with its upper edge included."""
    if place == 0:
        return f"{edges[0]:.4g} or less" if edges else "there"
    if place == len(edges):
        return f"above {edges[-1]:.4g}"
    return f"above {edges[place - 1]:.4g} up to {edges[place]:.4g}"


CHECK = LookCheck(code="M001", stage="window", find=find)
