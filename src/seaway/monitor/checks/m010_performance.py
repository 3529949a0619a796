"""M010: the release is worse on what came true than it was when it was tested."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor import budget, performance
from seaway.monitor.look import Look, LookCheck

EARLY = 0.5
"""Where fewer of a time's cases are labelled, those that are may not be like the rest."""


def find(look: Look) -> Sequence[Verdict]:
    """Hold the deciding figure on the newest labelled cases to the test score less `monitor.margin`."""
    figure, test = look.release.metric, look.release.score
    if figure is None or test is None:
        return [_untold("The release holds no test score to compare with", 0)]
    have, need = len(look.outcomes), look.settings.labels
    if have < need:
        return [_untold(f"{have} labels so far, {need - have} more are needed to judge", need - have)]
    found = performance.fall(figure, look.outcomes, test, look.settings.margin)
    if math.isnan(found.live.value) or math.isnan(found.error):
        return [_untold(f"{figure.name} cannot be told from the labels so far (one class only)", need)]
    alpha = budget.part(look.settings.false_discovery, budget.PERFORMANCE)
    fails, live = found.is_certain(alpha), found.live
    share = have / look.answered if look.answered else 1.0
    return [
        Verdict(
            code="M010",
            outcome="fail" if fails else "pass",
            subject=figure.name,
            message=(
                f"{figure.name} is {live.value:.4g} ({live.low:.4g} to {live.high:.4g}) on {live.n} labelled cases, "
                f"{test.value:.4g} when tested; {'a fall beyond' if fails else 'no certain fall beyond'} the margin of {found.margin:.3g}"
                f"{f' (an early estimate: {share:.0%} of the cases of that time are labelled)' if share < EARLY else ''}"
            ),
            fix="Rebuild with the new labels: `seaway update`; or go back, if it began with a promotion: `seaway rollback`."
            if fails
            else "",
            value=live.value,
            limit=test.value - math.copysign(found.margin, 1 if figure.greater_is_better else -1),
            evidence={
                "low": live.low,
                "high": live.high,
                "labels": live.n,
                "test": test.value,
                "test_low": test.low,
                "test_high": test.high,
                "margin": found.margin,
                "labelled_share": share,
                "error": found.error,
                "labels_to_tell_twice_the_margin": found.labels_needed(alpha),
            },
        )
    ]


def _untold(message: str, needed: int) -> Verdict:
    return Verdict(
        code="M010", outcome="not-applicable", subject="performance", message=message, evidence={"needed": needed}
    )


CHECK = LookCheck(code="M010", stage="labels", find=find)
