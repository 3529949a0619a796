"""M013: parts of the event log cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Name each damaged segment, and answers of the window that are no longer there."""
    told = [
        Verdict(
            code="M013",
            outcome="fail",
            subject=name,
            message=f"Events behind the damage are not counted: {damage}",
            fix="Restore the segment from a backup. The rest of the log is read as usual.",
        )
        for name, damage in look.damage.items()
    ]
    if look.window.unreadable:
        told.append(
            Verdict(
                code="M013",
                outcome="warn",
                subject=f"window {look.window.number}",
                message=f"{look.window.unreadable} answers of the window are no longer in the log",
                fix="Nothing, if segments were removed on purpose; else restore them from a backup.",
                value=float(look.window.unreadable),
            )
        )
    return told or [Verdict(code="M013", outcome="pass", subject="event log", message="Every segment can be read")]


CHECK = LookCheck(code="M013", stage="log", find=find)
