"""The fifth paper: what a check, test, gate or monitor says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

Outcome = Literal["pass", "warn", "fail", "not-applicable"]
ORDER: tuple[Outcome, ...] = ("fail", "warn", "pass", "not-applicable")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: a stable code, the outcome, what it is about, the evidence, and the next step.

    `value` is the measured figure and `limit` the one it was held against, in the unit the message names.
    """

    code: str
    outcome: Outcome
    subject: str
    message: str
    fix: str = ""
    value: float | None = None
    limit: float | None = None
    evidence: dict[str, Any] = {}


def worst(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the gravest outcome; no verdicts at all is `not-applicable`, never `pass`."""
    outcomes = {verdict.outcome for verdict in verdicts}
    return next((outcome for outcome in ORDER if outcome in outcomes), "not-applicable")


def failed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that say no."""
    return [verdict for verdict in verdicts if verdict.outcome == "fail"]
