"""M011: labels that cannot be trusted: one source contradicts the others, or all of them contradict the answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from seaway.core.batch import Outcomes
from seaway.core.chance import rng
from seaway.core.metrics import score
from seaway.core.metrics.figure import Figure
from seaway.core.verdict import Verdict
from seaway.monitor import budget, judged, performance
from seaway.monitor.look import Look, LookCheck

LEAST = 30
"""Fewer labels of one source say too little about it."""
_TWO_SIDED_95 = 2 * 1.959963984540054

FIX = "Look at what that source sends (a swapped coding looks like this) and send corrected labels; the newest label of a case wins."


def find(look: Look) -> Sequence[Verdict]:
    """Compare the deciding figure between each source's labels and all others', and with labels dealt out at random."""
    figure = look.release.metric
    if look.release.contract.truth is None:
        return [_told("not-applicable", "labels", "No truth arrives about these answers", {"needed": 0})]
    by = Counter({case.number: case.principal for case in look.cases}.values())
    lacking = look.settings.labels - look.labels
    if figure is None or lacking > 0:
        reason = f"{lacking} more labels are needed" if lacking > 0 else "The release holds no test score"
        return [_told("not-applicable", "labels", reason, {"needed": max(lacking, 0)})]
    sources = [name for name, count in by.items() if count >= LEAST]
    alpha = budget.part(look.settings.false_discovery, budget.SOURCES, len(sources) + 1)
    evidence = {"labels_by_source": dict(by.most_common(5))}
    told = [verdict for name in sources for verdict in _one_source(name, look, figure, alpha, evidence)]
    told += _against_answers(look.outcomes, figure, alpha, evidence)
    return told or [
        _told(
            "pass",
            "labels",
            "The labels agree with one another"
            if len(by) > 1
            else "The labels agree with the answers better than chance would",
            evidence,
        )
    ]


def _one_source(name: str, look: Look, figure: Figure, alpha: float, evidence: Mapping[str, object]) -> list[Verdict]:
    """Report a source whose labels make the model look worse than all other labels do, or better."""
    contract = look.release.contract
    own = judged.outcomes([case for case in look.cases if case.principal == name], contract)
    others = judged.outcomes([case for case in look.cases if case.principal != name], contract)
    if min(len(own), len(others)) < LEAST:
        return []
    ours, theirs = score(figure, own), score(figure, others)
    error = math.hypot(ours.high - ours.low, theirs.high - theirs.low) / _TWO_SIDED_95
    gap = abs(ours.value - theirs.value)
    margin = performance.in_units(figure, theirs.value, look.settings.margin)
    if not gap - margin > special.ndtri(1 - alpha / 2) * error:
        return []
    share = len(own) / max(len(look.outcomes), 1)
    return [
        _told(
            "fail",
            name,
            f"The labels of {name} ({share:.0%} of all) contradict the others: {figure.name} is {ours.value:.3g} on them and "
            f"{theirs.value:.3g} on the rest",
            {**evidence, "own": ours.value, "others": theirs.value, "share": share},
        )
    ]


def _against_answers(outcomes: Outcomes, figure: Figure, alpha: float, evidence: Mapping[str, object]) -> list[Verdict]:
    """Report labels that agree with the answers less than the same labels dealt out at random would."""
    live, truth = score(figure, outcomes), outcomes.truth
    if truth is None or math.isnan(live.value):
        return []
    generator = rng("labels dealt at random")
    dealt = [figure(replace(outcomes, truth=generator.permutation(truth))) for _ in range(20)]
    chance = float(np.mean(dealt))
    worse = chance - live.value if figure.greater_is_better else live.value - chance
    error = (live.high - live.low) / _TWO_SIDED_95
    if not worse > special.ndtri(1 - alpha) * error:
        return []
    return [
        _told(
            "fail",
            "labels",
            f"The labels contradict the answers: {figure.name} is {live.value:.3g}, labels dealt at random would give {chance:.3g}",
            {**evidence, "live": live.value, "chance": chance},
        )
    ]


def _told(outcome: str, subject: str, message: str, evidence: Mapping[str, object]) -> Verdict:
    return Verdict(
        code="M011",
        outcome=outcome,  # type: ignore[arg-type]
        subject=subject,
        message=message,
        fix=FIX if outcome == "fail" else "",
        evidence=dict(evidence),
    )


CHECK = LookCheck(code="M011", stage="labels", find=find)
