"""M007: the server fails to answer requests it accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.checks import shares
from seaway.monitor.look import Look, LookCheck

LIMIT = 0.01
"""The share of failed requests allowed: the same tail that the latency limit leaves open."""


def find(look: Look) -> Sequence[Verdict]:
    """Hold the share of requests that failed inside to 1 %."""
    failed = [refusal for refusal in look.window.refusals if refusal.status >= 500]
    codes = Counter(refusal.code or str(refusal.status) for refusal in failed)
    return [
        shares.verdict(
            "M007",
            look,
            bad=len(failed),
            count=len(failed) + len(look.window.replies),
            limit=LIMIT,
            what="failed",
            fix="Look at the server's log. If it began with a promotion, go back: `seaway rollback`.",
            evidence={"codes": dict(codes.most_common(5))},
        )
    ]


CHECK = LookCheck(code="M007", stage="open", find=find)
