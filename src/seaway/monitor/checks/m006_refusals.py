"""M006: too many requests are refused, and which columns they break the contract in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor.checks import shares
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Hold the share of refused requests to `monitor.refusals`."""
    refused = [refusal for refusal in look.window.refusals if 400 <= refusal.status < 500]
    columns = Counter(column for refusal in refused for column in refusal.columns)
    codes = Counter(refusal.code or str(refusal.status) for refusal in refused)
    worst = columns.most_common(1)[0][0] if columns else ""
    return [
        shares.verdict(
            "M006",
            look,
            bad=len(refused),
            count=len(refused) + len(look.window.replies),
            limit=look.settings.refusals,
            what=f"were refused{f', most for {worst}' if worst else ''}",
            fix="Tell whoever sends the requests what the contract expects (GET /v1/contract); a renamed or retyped field looks like this.",
            evidence={"codes": dict(codes.most_common(5)), "columns": dict(columns.most_common(5))},
        )
    ]


CHECK = LookCheck(code="M006", stage="open", find=find)
