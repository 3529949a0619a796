"""Whether to rebuild: what the monitor found, what is scheduled or asked, and whether there is anything new to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seaway.core.settings import UpdateSettings
from seaway.core.verdict import Verdict, failed

DRIFT = ("M001", "M002", "M004", "M005", "M009")
PERFORMANCE = ("M010",)
LABELS = ("M011",)
MOST = 0.5
"""Where more than half of a column lies outside its range, its unit has changed rather than the world."""

LEARNABLE = 50
"""New cases to learn from that are worth a rebuild."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do, why, and on which evidence; `needed` is how many labels are lacking for a rebuild."""

    action: Literal["rebuild", "nothing", "hold"]
    reason: str
    evidence: tuple[Verdict, ...] = ()
    needed: int = 0


def decide(
    verdicts: Sequence[Verdict],
    *,
    labels: int,
    settings: UpdateSettings,
    since_s: float,
    asked: bool = False,
    noun: str = "labels",
) -> Decision:
    """Decide on a rebuild. `labels` counts truths that no release has learnt from (`noun` what is counted where no truth is known),
    `since_s` the seconds since the last update.

    Labels that contradict one another stop everything: who can send labels could otherwise steer the model.
    """
    bad = failed(verdicts)
    distrusted = [one for one in bad if one.code in LABELS]
    if distrusted:
        return Decision(action="hold", reason=distrusted[0].message, evidence=tuple(distrusted))
    if asked:
        return Decision(action="rebuild", reason="a person asked for it", evidence=tuple(bad))
    causes = _causes(bad, settings, since_s)
    if not causes:
        return Decision(action="nothing", reason="nothing has moved, fallen or come due")
    reason = "; ".join(f"{cause} ({_subjects(found)})" if found else cause for cause, found in causes)
    evidence = tuple(verdict for _, found in causes for verdict in found)
    upstream = [one for one in bad if _is_upstream(one)]
    if upstream and not any(one.code in PERFORMANCE for one in evidence):
        return Decision(
            action="hold",
            reason=f"{upstream[0].message}: correct it where the rows come from, or ask for a rebuild (`seaway update --now`)",
            evidence=(*evidence, *upstream),
        )
    needed = settings.labels + LEARNABLE - labels
    if needed > 0:
        return Decision(
            action="hold",
            reason=f"{reason}; {needed} more {noun} are needed: {settings.labels} to judge on and {LEARNABLE} to learn from",
            evidence=evidence,
            needed=needed,
        )
    return Decision(action="rebuild", reason=reason, evidence=evidence)


def _is_upstream(one: Verdict) -> bool:
    """Say whether a finding is an error where the rows come from, until a person says otherwise: learning it would hide it."""
    is_unit = one.code == "M004" and one.evidence.get("rule") == "outside" and (one.value or 0.0) > MOST
    return one.code == "M003" or is_unit


def _causes(bad: Sequence[Verdict], settings: UpdateSettings, since_s: float) -> list[tuple[str, list[Verdict]]]:
    found = [("performance has fallen", PERFORMANCE, "performance"), ("drift", DRIFT, "drift")]
    causes = [
        (words, [one for one in bad if one.code in codes]) for words, codes, name in found if name in settings.triggers
    ]
    causes = [(words, verdicts) for words, verdicts in causes if verdicts]
    if "schedule" in settings.triggers and settings.every_s and since_s >= settings.every_s:
        causes.append((f"schedule: the last update was {since_s / 3600:.1f} hours ago", []))
    return causes


def _subjects(found: Sequence[Verdict]) -> str:
    """Name what findings are about: the history keeps them whole beside the reason."""
    codes: dict[str, list[str]] = {}
    for one in found:
        codes.setdefault(one.subject, []).append(one.code)
    return ", ".join(f"{subject} {'+'.join(held)}" for subject, held in codes.items())
