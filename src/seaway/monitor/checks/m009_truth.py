"""M009: what comes true is no longer distributed as in training (a prior has moved)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.verdict import Verdict
from seaway.monitor import budget, comparables
from seaway.monitor.drift import categorical, numeric
from seaway.monitor.drift.shift import LEAST, Shift
from seaway.monitor.look import Look, LookCheck
from seaway.monitor.reference import Numbers


def find(look: Look) -> Sequence[Verdict]:
    """Compare the truths of the newest labelled cases with the target of the training rows."""
    if look.release.contract.truth is None:
        return [_verdict(look, None, "not-applicable", "No truth arrives about these answers")]
    shift = _shift(look)
    if shift is None:
        lacking = max(look.settings.labels - look.labels, 0)
        reason = f"{lacking} more labels are needed" if lacking else _incomparable(look)
        return [_verdict(look, None, "not-applicable", reason)]
    alpha = budget.part(look.settings.false_discovery, budget.TRUTH)
    figures = shift.figures
    if shift.p > alpha or shift.effect.upper < look.settings.psi:
        return [_verdict(look, shift, "pass", f"What came true in {look.labels} cases is distributed as in training")]
    place = int(np.argmax(np.abs(np.subtract(figures["now"], figures["then"]))))
    what = repr(figures["categories"][place]) if "categories" in figures else "in the bin that moved most"
    words = f"What comes true has moved: {figures['now'][place]:.0%} are {what}, {figures['then'][place]:.0%} were in training"
    return [_verdict(look, shift, "warn" if shift.effect.value < look.settings.psi else "fail", words)]


def _shift(look: Look) -> Shift | None:
    then, contract = look.release.reference.truth, look.release.contract
    known = look.outcomes.truth
    if then is None or known is None or look.labels < look.settings.labels or then.count < LEAST:
        return None
    if contract.series is not None:
        known = comparables.truths(look.cases, contract)
    if len(known) < LEAST:
        return None
    name = contract.truth.name if contract.truth else "truth"
    if isinstance(then, Numbers):
        return numeric.compare(name, known, then.edges, then.counts)
    return categorical.compare(name, np.array(contract.classes, dtype=object)[known.astype(np.int64)], then.counts)


def _incomparable(look: Look) -> str:
    if look.release.reference.truth is None:
        return "The release keeps no reference of its target"
    return f"Too few series and stretches of them have come true to compare: {LEAST} are needed, now and in training"


def _verdict(look: Look, shift: Shift | None, outcome: str, message: str) -> Verdict:
    moved = outcome in ("warn", "fail")
    return Verdict(
        code="M009",
        outcome=outcome,  # type: ignore[arg-type]
        subject="truth",
        message=message,
        fix="Rebuild on newer rows: `seaway update`. See too whether only certain cases are labelled." if moved else "",
        value=shift.effect.value if shift else None,
        limit=look.settings.psi if shift else None,
        evidence={"labels": look.labels, **({"p": shift.p, **shift.figures} if shift else {})},
    )


CHECK = LookCheck(code="M009", stage="labels", find=find)
