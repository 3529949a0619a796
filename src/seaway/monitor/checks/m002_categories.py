"""M002: a category's shares are no longer those of training, or new categories come in."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.drift.family import Finding
from seaway.monitor.drift.verdicts import verdicts
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Compare every category of a full window with the reference."""
    return verdicts("M002", "categories", look, ("category", "categories"), _words)


def _words(finding: Finding) -> str:
    figures = finding.shift.figures
    place = max(range(len(figures["then"])), key=lambda i: abs(figures["now"][i] - figures["then"][i]))
    new = ", ".join(repr(name) for name in list(figures["new"])[:3])
    return (
        f"{finding.shift.column} has moved: {figures['now'][place]:.0%} are {figures['categories'][place]!r}, "
        f"{figures['then'][place]:.0%} were in training{f'; new are {new}' if new else ''}"
    )


CHECK = LookCheck(code="M002", stage="window", find=find)
