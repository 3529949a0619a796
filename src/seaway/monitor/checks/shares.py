"""Requests that went wrong, against a limit: what refusals, errors and latency have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seaway.core.verdict import Verdict
from seaway.monitor import budget
from seaway.monitor.look import Look
from seaway.monitor.sequential import cases_needed, exceeds

LEAST = 30
"""Fewer requests than this may all be one person's experiment."""
TESTS = 12
"""Each of the three checks here may use a twelfth of the family's budget: the rest is for missing and unexpected values."""


def verdict(
    code: str, look: Look, *, bad: int, count: int, limit: float, what: str, fix: str, evidence: Mapping[str, Any]
) -> Verdict:
    """Say whether `bad` of `count` requests is more than `limit` allows; `what` completes "12 of 300 requests ..."."""
    if count < LEAST:
        return Verdict(
            code=code,
            outcome="not-applicable",
            subject="requests",
            message=f"{count} requests so far, {LEAST - count} more are needed to judge",
            evidence={"needed": LEAST - count},
        )
    alpha = budget.part(look.settings.false_discovery, budget.SHARES, TESTS)
    fails = exceeds(bad, count, limit, alpha)
    share = bad / count
    return Verdict(
        code=code,
        outcome="fail" if fails else "pass",
        subject="requests",
        message=f"{bad} of {count} requests ({share:.1%}) {what}, {limit:.1%} are allowed",
        fix=fix if fails else "",
        value=share,
        limit=limit,
        evidence={
            "window": look.window.number,
            **evidence,
            **({"enough_at": cases_needed(share, limit, alpha)} if share > limit and not fails else {}),
        },
    )
