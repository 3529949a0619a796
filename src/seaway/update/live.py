"""What live traffic says of a challenger: failures, answers that differ from those tested, time, and whether the split is as set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from seaway.core import parity
from seaway.core.answer import Answerer
from seaway.core.batch import Json
from seaway.core.contract import Contract, Output
from seaway.core.event import Arm as ArmName
from seaway.core.event import Prediction
from seaway.core.metrics import score
from seaway.core.metrics.figure import Figure
from seaway.core.settings import UpdateSettings
from seaway.core.verdict import Verdict
from seaway.monitor import decode, judged
from seaway.monitor.answered import entries
from seaway.monitor.performance import in_units
from seaway.monitor.sequential import evidence, exceeds
from seaway.monitor.window import NOW, Case, Refusal, Windows
from seaway.update.compare import answers, masked

ALPHA = 0.01
"""How often a good challenger may be stopped by one of these checks."""
SKEWED = 1e-3
"""Below this probability a split is not what was set, and arms cannot be compared (Fabijan et al. 2019)."""
READ = 5000
"""So many cases of an arm are read back; all are counted."""
REPEATED = 500
"""So many live answers are asked again offline."""
BROKEN = "broken-answer"
"""The code of an answer that is not a finite number: one is enough to stop."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Requests of one release and arm since a moment: `answered` counts all it answered, `replies` are the newest of them.

    A request it failed is a refusal with its arm, whoever answered instead.
    """

    answered: int
    replies: tuple[Prediction, ...]
    failures: tuple[Refusal, ...]

    @property
    def requests(self) -> int:
        """Requests that the release was asked."""
        return self.answered + len(self.failures)


def traffic(windows: Windows, release: str, arm: ArmName, since: int) -> Traffic:
    """Read what a release answered in an arm after a sequence; contracts that refuse a caller's row are no failure of a champion."""
    found = windows.since(since, release, arms=(arm,), cases=READ)
    refusals = windows.refusals(since + 1, NOW, release)
    return Traffic(
        answered=windows.count(since, release, arm),
        replies=found.replies,
        failures=tuple(one for one in refusals if one.arm == arm and one.release == release),
    )


def failures(found: Traffic, settings: UpdateSettings) -> Verdict:
    """Stop at the first answer that is no number, and at a share of failures above `update.errors`."""
    broken = sum(one.code == BROKEN for one in found.failures)
    bad, count = len(found.failures), found.requests
    fails = broken > 0 or exceeds(bad, count, settings.errors, ALPHA)
    codes = sorted({one.code or str(one.status) for one in found.failures})
    words = f" ({', '.join(codes)})" if codes else ""
    return Verdict(
        code="U003",
        outcome="fail" if fails else "pass" if count else "not-applicable",
        subject="failures",
        message=f"{bad} of {count} requests failed{words}, {settings.errors:.1%} are allowed",
        fix="Keep the former release; the server's log says why requests failed." if fails else "",
        value=bad / count if count else None,
        limit=settings.errors,
        evidence={
            "requests": count,
            "failed": bad,
            "not_finite": broken,
            "log_evidence": _finite(evidence(bad, count, settings.errors)),
        },
    )


def differences(found: Traffic, release: Answerer, settings: UpdateSettings) -> Verdict:
    """Ask the release again, here, about the rows it answered live: what was tested must be what answers."""
    if hidden := masked(release.contract):
        return _differences(
            "not-applicable",
            f"{', '.join(hidden)} are not in the log as sent, so no row can be asked again",
            0,
            0,
            settings,
        )
    cases = [
        case for reply in found.replies[-REPEATED:] for case in entries(reply) if case.rows and not case.is_refused
    ]
    again = answers(release, [case.query for case in cases])
    compared = [(one[1], case.prediction) for one, case in zip(again, cases, strict=True) if one is not None]
    differing = len(cases) - len(compared)  # answered live and refused here is a difference too
    for one, sent in compared:
        live = decode.answers([sent], release.contract)
        differing += not parity.compare(one, live, release.contract, release.bundle.manifest.tolerance).holds
    if not cases:
        return _differences("not-applicable", "no rows were kept in the log", 0, 0, settings)
    fails = exceeds(differing, len(cases), settings.errors, ALPHA)
    words = f"{differing} of {len(cases)} live answers differ from what the release answers here"
    return _differences("fail" if fails else "pass", words, differing, len(cases), settings)


def _differences(outcome: str, words: str, differing: int, count: int, settings: UpdateSettings) -> Verdict:
    return Verdict(
        code="U004",
        outcome=outcome,  # type: ignore[arg-type]
        subject="live answers",
        message=words,
        fix="Keep the former release and compare the two machines' versions: `seaway doctor`."
        if outcome == "fail"
        else "",
        value=differing / count if count else None,
        limit=settings.errors,
        evidence={"compared": count, "differing": differing},
    )


def changed(champion: Traffic, shadow: Traffic, contract: Contract) -> Verdict:
    """Say how often the shadow would have decided otherwise, or how far away it is: for people, never a reason to stop by itself.

    Codes that no truth has names for mean something else in every release, and are not compared.
    """
    first = {reply.request_id: entries(reply) for reply in champion.replies}
    pairs = [
        (ours.prediction, theirs.prediction)
        for reply in shadow.replies
        if reply.request_id in first
        for ours, theirs in zip(first[reply.request_id], entries(reply), strict=False)
        if not ours.is_refused and not theirs.is_refused
    ]
    told = _decision(contract)
    if told is None or not pairs:
        reason = (
            "No case was answered by both" if told else "What the answers are called differs from release to release"
        )
        return Verdict(code="U005", outcome="not-applicable", subject="shadow", message=reason)
    if told.kind == "code":
        other = sum(ours[told.name] != theirs.get(told.name) for ours, theirs in pairs)
        value, words = other / len(pairs), f"{other} would have got another {told.name}"
    else:
        value = float(np.mean([_distance(ours[told.name], theirs.get(told.name)) for ours, theirs in pairs]))
        words = f"its {told.name} is {value:.4g} away on average"
    return Verdict(
        code="U005",
        outcome="pass",
        subject="shadow",
        message=f"Of {len(pairs)} cases that champion and challenger both answered, {words}",
        value=value,
        evidence={"cases": len(pairs), **({"other_label": other} if told.kind == "code" else {})},
    )


def _decision(contract: Contract) -> Output | None:
    """Return the output that is acted on: the label of a class, else the first number there is one of in each case or step."""
    if contract.truth is None:
        return None
    codes = [output for output in contract.outputs if output.kind == "code" and not output.axes]
    plain = [output for output in contract.outputs if output.kind == "number" and output.axes in ((), ("step",))]
    return next(iter(codes or plain), None)


def _distance(ours: Json, theirs: Json) -> float:
    one, other = np.atleast_1d(np.asarray(ours, dtype=np.float64)), np.atleast_1d(np.asarray(theirs, dtype=np.float64))
    steps = min(len(one), len(other))
    return float(np.abs(one[:steps] - other[:steps]).mean())


def slower(champion: Traffic, challenger: Traffic, settings: UpdateSettings) -> Verdict:
    """Hold the challenger's live latency to `update.latency` times the champion's 99th percentile: at most 1 % may be over."""
    ours = [reply.took_us / 1000 for reply in champion.replies]
    theirs = np.array([reply.took_us / 1000 for reply in challenger.replies])
    if not ours or not len(theirs):
        return Verdict(code="U006", outcome="not-applicable", subject="live latency", message="Nothing to compare yet")
    p99 = float(np.percentile(ours, 99))
    over = int((theirs > settings.latency * p99).sum())
    # The champion's percentile is itself measured on few requests, so 5 % over it, not 1 %, is held against the challenger.
    fails = exceeds(over, len(theirs), 0.05, ALPHA)
    return Verdict(
        code="U006",
        outcome="fail" if fails else "pass",
        subject="live latency",
        message=f"{over} of {len(theirs)} answers took longer than {settings.latency:g} times the champion's 99th percentile ({p99:.3g} ms)",
        fix="Keep the former release; train with a smaller preset, or allow more (`update.latency`)." if fails else "",
        value=float(np.percentile(theirs, 99)) / p99 if p99 else None,
        limit=settings.latency,
        evidence={
            "champion_p99_ms": p99,
            "challenger_p99_ms": float(np.percentile(theirs, 99)),
            "requests": len(theirs),
        },
    )


def ratio(champion: Traffic, canary: Traffic, share: float) -> Verdict:
    """Test that the arms got the shares that were set (two-sided exact binomial test on requests)."""
    # A request that the canary failed was answered by the champion too: it counts once, for the canary.
    count, hits = champion.answered + canary.answered, canary.requests
    p = (
        min(
            1.0,
            2
            * min(
                float(special.bdtr(hits, count, share)), float(special.bdtrc(hits - 1, count, share)) if hits else 1.0
            ),
        )
        if count
        else 1.0
    )
    fails = p < SKEWED
    return Verdict(
        code="U007",
        outcome="fail" if fails else "pass" if count else "not-applicable",
        subject="split",
        message=f"{hits} of {count} requests went to the canary, {share:.0%} was set (p = {p:.2g})",
        fix="The arms cannot be compared: see whether requests come with few different keys, or other than by the server's choice."
        if fails
        else "",
        value=hits / count if count else None,
        limit=share,
        evidence={"requests": count, "canary": hits, "p": p},
    )


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What was answered in an arm and can be judged, and the contract it was answered under."""

    cases: Sequence[Case]
    contract: Contract


def arms(champion: Arm, canary: Arm, figure: Figure, settings: UpdateSettings) -> Verdict:
    """Compare how each arm fared by the figure, where enough can be judged in both: they hold different cases, so they are two samples."""
    counts = [len({case.number for case in arm.cases}) for arm in (champion, canary)]
    noun = "labelled cases" if figure.needs_truth else "answers"
    least = min(counts)
    if least < settings.canary_cases:
        return Verdict(
            code="U008",
            outcome="not-applicable",
            subject=figure.name,
            message=f"{counts[1]} {noun} of the canary and {counts[0]} of the champion, {settings.canary_cases} of each are needed",
            evidence={"needed": settings.canary_cases - least},
        )
    ours, theirs = (score(figure, judged.outcomes(arm.cases, arm.contract)) for arm in (champion, canary))
    sign = 1.0 if figure.greater_is_better else -1.0
    error = math.hypot(ours.high - ours.low, theirs.high - theirs.low) / (2 * 1.959963984540054)
    fall = sign * (ours.value - theirs.value)
    margin = in_units(figure, ours.value, settings.margin)
    fails = fall - margin > special.ndtri(1 - ALPHA) * error
    return Verdict(
        code="U008",
        outcome="fail" if fails else "pass",
        subject=figure.name,
        message=f"{figure.name} {theirs.value:.4g} in the canary against {ours.value:.4g} in the champion's arm ({theirs.n} and {ours.n} cases)",
        fix="Keep the former release." if fails else "",
        value=-fall,
        limit=-margin,
        evidence={"error": error, "canary": theirs.value, "champion": ours.value},
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
