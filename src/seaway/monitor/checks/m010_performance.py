"""M010: the release is worse on what came true than it was when it was tested, over all or at certain steps ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seaway.core.batch import Json
from seaway.core.metrics.figure import Figure
from seaway.core.verdict import Verdict
from seaway.monitor import budget, performance
from seaway.monitor.look import Look, LookCheck
from seaway.monitor.performance import Fall

EARLY = 0.5
"""Where fewer of a time's cases are labelled, those that are may not be like the rest."""

Steps = tuple[int, int]


def find(look: Look) -> Sequence[Verdict]:
    """Hold the deciding figure on the newest labelled cases to the test score less `monitor.margin`."""
    figure, test = look.release.metric, look.release.score
    if look.release.contract.truth is None:
        return [_untold("No truth arrives about these answers: what moves in them is told by M005", 0)]
    if figure is None or test is None:
        return [_untold("The release holds no test score to compare with", 0)]
    have, need = look.labels, look.settings.labels
    if have < need:
        return [_untold(f"{have} labels so far, {need - have} more are needed to judge", need - have)]
    found = performance.fall(figure, look.outcomes, test, look.settings.margin)
    if math.isnan(found.live.value) or math.isnan(found.error):
        reason = "nothing known to scale by" if figure.needs_scale else "one class only"
        return [_untold(f"{figure.name} cannot be told from the labels so far ({reason})", need)]
    return [_verdict(look, figure, found, _by_step(look, figure))]


def _by_step(look: Look, figure: Figure) -> dict[Steps, Fall]:
    """Compare the parts of the horizon that have a test score of their own and enough labels."""
    step = look.outcomes.step
    parts = {
        (first, last): look.outcomes.take((step >= first) & (step <= last)) for first, last in look.release.by_step
    }
    found = {
        steps: performance.fall(figure, part, look.release.by_step[steps], look.settings.margin)
        for steps, part in parts.items()
        if len(part) >= look.settings.labels
    }
    return {steps: fall for steps, fall in found.items() if not math.isnan(fall.live.value + fall.error)}


def _verdict(look: Look, figure: Figure, found: Fall, by_step: Mapping[Steps, Fall]) -> Verdict:
    # Half of the budget is for the figure over all, half for its parts, where there are any.
    parts = 2 if by_step else 1
    alpha = budget.part(look.settings.false_discovery, budget.PERFORMANCE, parts)
    each = budget.part(look.settings.false_discovery, budget.PERFORMANCE, parts * max(len(by_step), 1))
    fallen = [steps for steps, fall in by_step.items() if fall.is_certain(each)]
    is_fallen = found.is_certain(alpha)
    fails, live, test = is_fallen or bool(fallen), found.live, found.test
    return Verdict(
        code="M010",
        outcome="fail" if fails else "pass",
        subject=figure.name,
        message=(
            f"{figure.name} is {live.value:.4g} ({live.low:.4g} to {live.high:.4g}) on {look.labels} labelled cases, "
            f"{test.value:.4g} when tested; {'a fall beyond' if is_fallen else 'no certain fall beyond'} the margin of {found.margin:.3g}"
            f"{_words(fallen, by_step)}{_early(look)}"
        ),
        fix="Rebuild with the new labels: `seaway update`; or go back, if it began with a promotion: `seaway rollback`."
        if fails
        else "",
        value=live.value,
        limit=test.value - math.copysign(found.margin, 1 if figure.greater_is_better else -1),
        evidence={
            "low": live.low,
            "high": live.high,
            "labels": look.labels,
            "test": test.value,
            "test_low": test.low,
            "test_high": test.high,
            "margin": found.margin,
            "labelled_share": _labelled_share(look),
            "error": found.error,
            "labels_to_tell_twice_the_margin": found.labels_needed(alpha),
            **(
                {"steps": {_name(steps): _told(fall, steps in fallen) for steps, fall in by_step.items()}}
                if by_step
                else {}
            ),
        },
    )


def _words(fallen: Sequence[Steps], by_step: Mapping[Steps, Fall]) -> str:
    told = [
        f"{_name(steps)} ({by_step[steps].live.value:.4g}, {by_step[steps].test.value:.4g} when tested)"
        for steps in fallen
    ]
    return f"; it has fallen at the steps {', '.join(told)}" if told else ""


def _early(look: Look) -> str:
    share = _labelled_share(look)
    return f" (an early estimate: {share:.0%} of the cases of that time are labelled)" if share < EARLY else ""


def _labelled_share(look: Look) -> float:
    """Return how much of what was answered in the time of the labels has come true; every step ahead counts."""
    series = look.release.contract.series
    answered = look.answered * (series.horizon if series else 1)
    return min(len(look.outcomes) / answered, 1.0) if answered else 1.0


def _name(steps: Steps) -> str:
    return f"{steps[0]}-{steps[1]}"


def _told(fall: Fall, is_fallen: bool) -> dict[str, Json]:
    live, test = fall.live, fall.test
    return {"value": live.value, "low": live.low, "high": live.high, "test": test.value, "fell": is_fallen}


def _untold(message: str, needed: int) -> Verdict:
    return Verdict(
        code="M010", outcome="not-applicable", subject="performance", message=message, evidence={"needed": needed}
    )


CHECK = LookCheck(code="M010", stage="labels", find=find)
