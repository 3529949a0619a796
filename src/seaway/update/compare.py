"""Champion and challenger on the same cases that neither has learnt from: one decision, with a fixed chance of being wrong.

Both answer what was logged, each from its own rows to its own answers: what is compared is how well each fares by the figure, never one's
answers with the other's. d is the challenger's figure less the champion's, turned so that more is better; its distribution comes from resampling cases for both at
once (paired bootstrap, Efron & Tibshirani 1993). At look k of a gate, alpha_k = alpha / (k (k + 1)), which sums to alpha over all looks:
    passes      the alpha_k quantile of d is at least -margin (not inferior)
    fails       the 1 - alpha_k quantile of d is below -margin (inferior)
    undecided   neither; more labels are needed
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from seaway.core import chance
from seaway.core.answer import BLOCK, Answerer
from seaway.core.batch import Array, Batch, Outcomes, Query, Request
from seaway.core.contract import Contract
from seaway.core.errors import BrokenContract
from seaway.core.metrics import bootstrap
from seaway.core.metrics.figure import Figure
from seaway.core.settings import UpdateSettings
from seaway.core.verdict import Verdict
from seaway.monitor import judged
from seaway.monitor.answered import Record
from seaway.monitor.performance import in_units
from seaway.monitor.window import Case

ROUNDS, CHUNK = 2000, 100
POWER = 0.8
"""How often a gate should pass a challenger that is as good as it looks, when it says how many labels it needs."""
TIMED, REPEATS = 200, 5


Answered = tuple[Batch, Mapping[str, Array]]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two releases' answers to the same cases, over `cases` truths (answers, where no truth is known).

    `refused` cases break one of the two contracts.
    """

    champion: Outcomes
    challenger: Outcomes
    cases: int
    refused: int


def pair(champion: Answerer, challenger: Answerer, cases: Sequence[Case]) -> Pair:
    """Let both releases answer the logged rows of cases, labelled ones where the contract knows a truth."""
    held = [case for case in cases if case.rows]
    known = held if challenger.contract.truth is None else judged.judged(held, challenger.contract)
    asked = judged.firsts(known)
    queries = [case.query for case in asked.values()]
    first, second = answers(champion, queries), answers(challenger, queries)
    both = {
        answer: (ours, theirs)
        for answer, ours, theirs in zip(asked, first, second, strict=True)
        if ours is not None and theirs is not None
    }
    steps = {answer: min(int(one[0].steps[0]) for one in found) for answer, found in both.items()}
    kept = [case for case in known if case.answer in both and case.step <= steps[case.answer]]
    answered = {answer: both[answer] for answer in judged.firsts(kept)}
    return Pair(
        champion=_outcomes(kept, [ours for ours, _ in answered.values()], champion.contract),
        challenger=_outcomes(kept, [theirs for _, theirs in answered.values()], challenger.contract),
        cases=len({case.number for case in kept}),
        refused=len(queries) - len(both),
    )


def answers(release: Answerer, queries: Sequence[Query]) -> list[Answered | None]:
    """Return what a release makes of each case and answers, None where the case breaks its contract."""
    requests: list[Request | None] = []
    for query in queries:
        try:
            rows = [known(row, release.contract) for row in query.rows]
            requests.append(release.encoder.request(rows, query.options))
        except BrokenContract:
            requests.append(None)
    accepted = [one for one in requests if one is not None]
    found = iter(
        [one for start in range(0, len(accepted), BLOCK) for one in release.run(accepted[start : start + BLOCK])]
    )
    return [None if one is None else next(found) for one in requests]


def known(row: Record, contract: Contract) -> Record:
    """Return what a release would have been sent of a row: the columns that its contract has and the log holds as sent."""
    return {name: row[name] for name in row if name in contract.by_name}


def masked(contract: Contract) -> list[str]:
    """Return the columns that the log does not hold as they were sent: releases cannot be asked again about such rows."""
    fed = ("target", "time") if contract.series is not None else ()  # what a series' rows hold besides features
    return [
        column.name
        for column in contract.columns
        if (column.encoded or column.role in fed) and (column.log != "full" or bool(column.personal))
    ]


def _outcomes(cases: Sequence[Case], found: Sequence[Answered], contract: Contract) -> Outcomes:
    names = found[0][1] if found else {}
    together = {name: np.concatenate([answers[name] for _, answers in found]) for name in names}
    batches = {answer: batch for answer, (batch, _) in zip(judged.firsts(cases), found, strict=True)}
    return judged.laid(cases, together, judged.scales_of(batches, contract), contract)


# ----------------------------------------------------------------------------------------------------- performance


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The challenger's figure less the champion's, turned so that more is better: value, 95 % interval, bounds at alpha_k."""

    champion: float
    challenger: float
    value: float
    low: float
    high: float
    lower: float
    upper: float
    error: float
    cases: int


def gain(
    champion: Outcomes,
    challenger: Outcomes,
    figure: Figure,
    alpha: float,
    *,
    cases: int | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Gain:
    """Compare two tables of the same cases by paired bootstrap; `cases` is how many truths they hold, one a line without it."""
    sign = 1.0 if figure.greater_is_better else -1.0
    if figure.over is None:  # resampling copies only what is read
        champion, challenger = (
            table.answered({figure.reads: table.answer[figure.reads]} if len(table) else {})
            for table in (champion, challenger)
        )
    draws = (
        []
        if not len(champion)
        else [
            sign * (figure(theirs) - figure(ours))
            for chunk in range(rounds // CHUNK)
            for ours, theirs in zip(
                bootstrap(champion, CHUNK, seed * rounds + chunk),
                bootstrap(challenger, CHUNK, seed * rounds + chunk),
                strict=True,
            )
        ]
    )
    held = np.asarray([draw for draw in draws if not math.isnan(draw)])
    before, after = (figure(table) if len(table) else float("nan") for table in (champion, challenger))
    nan = float("nan")
    low, high, lower, upper = (
        np.quantile(held, [0.025, 0.975, alpha, 1 - alpha]).tolist() if len(held) >= rounds // 2 else [nan] * 4
    )
    return Gain(
        champion=before,
        challenger=after,
        value=sign * (after - before),
        low=low,
        high=high,
        lower=lower,
        upper=upper,
        error=float(held.std()) if len(held) else nan,
        cases=len(champion) if cases is None else cases,
    )


def performance(found: Gain, figure: Figure, settings: UpdateSettings, look: int = 1) -> Verdict:
    """Say whether the challenger may take over as far as its figure goes: pass, fail, or warn for "undecided"."""
    margin = in_units(figure, found.champion, settings.margin)
    short = settings.labels - found.cases
    if short > 0 or math.isnan(found.lower):
        needed = max(short, settings.labels if math.isnan(found.lower) else 1)
        words = f"{needed} more {_subject(figure)} are needed to judge at all"
        return _performance(found, figure, margin, "warn", words, needed, look)
    if found.lower >= -margin:
        better = found.lower > 0
        word = "better" if better else "not worse by more than the margin"
        return _performance(found, figure, margin, "pass", f"the challenger is {word}", 0, look)
    if found.upper < -margin:
        return _performance(found, figure, margin, "fail", "the challenger is worse by more than the margin", 0, look)
    needed = labels_needed(found, margin, spent(settings.alpha, look + 1))
    words = f"undecided: about {needed} more {_subject(figure)} would decide"
    return _performance(found, figure, margin, "warn", words, needed, look)


def _subject(figure: Figure) -> str:
    """Say what more of is needed to judge by a figure."""
    return "labels" if figure.needs_truth else "cases"


def spent(alpha: float, look: int) -> float:
    """Return what look k of a gate may use of alpha: alpha / (k (k + 1))."""
    return alpha / (look * (look + 1))


def labels_needed(found: Gain, margin: float, alpha: float) -> int:
    """Return how many more labels decide with probability POWER, if the difference is what it looks like.

    The error shrinks with the root of the cases: n' = n ((z_alpha + z_power) error / distance)^2, where the distance is from the
    seen difference to -margin, and at least half the margin.
    """
    distance = max(abs(found.value + margin), margin / 2)
    factor = ((special.ndtri(1 - alpha) + special.ndtri(POWER)) * found.error / distance) ** 2
    return max(1, math.ceil(found.cases * factor) - found.cases)


def _performance(
    found: Gain, figure: Figure, margin: float, outcome: str, words: str, needed: int, look: int
) -> Verdict:
    return Verdict(
        code="U001",
        outcome=outcome,  # type: ignore[arg-type]
        subject=figure.name,
        message=(
            f"{figure.name} {found.challenger:.4g} against the champion's {found.champion:.4g} on {found.cases} {'labelled ' if figure.needs_truth else ''}cases that neither "
            f"learnt from (difference {found.value:+.4f}, {found.low:+.4f} to {found.high:+.4f}, margin {margin:.3g}): {words}"
        ),
        fix={
            "warn": f"Send about {needed} more {_subject(figure)}, or let a person decide: `seaway promote VERSION --reason ...`.",
            "fail": "Keep the champion. Look at the rebuilt run for what it lacks.",
        }.get(outcome, ""),
        value=found.value if math.isfinite(found.value) else None,
        limit=-margin,
        evidence={
            "cases": found.cases,
            "champion": found.champion,
            "challenger": found.challenger,
            "low": found.low,
            "high": found.high,
            "lower_bound": found.lower,
            "error": found.error,
            "look": look,
            "needed": needed,
            "better": bool(found.lower > 0),
            "how_needed": f"n ((z_alpha + z_{POWER:g}) error / distance to the margin)^2 - n",
        },
    )


# -------------------------------------------------------------------------------------------------------- latency


def latency(champion: Answerer, challenger: Answerer, queries: Sequence[Query], allowed: float) -> Verdict:
    """Measure both releases on one case at a time, in turns; of several rounds the quietest counts, since noise only adds."""
    timed = queries[:TIMED]
    both = zip(timed, answers(champion, timed), answers(challenger, timed), strict=True)
    held = [query for query, ours, theirs in both if ours is not None and theirs is not None]
    if not held:
        return Verdict(
            code="U002", outcome="not-applicable", subject="latency", message="There are no cases to measure on"
        )
    took: dict[str, list[float]] = {"champion": [], "challenger": []}  # 99th percentiles by round
    for _ in range(REPEATS):
        seconds: dict[str, list[float]] = {"champion": [], "challenger": []}
        for query in held:
            for name, release in (("champion", champion), ("challenger", challenger)):
                began = chance.monotonic()
                answers(release, [query])
                seconds[name].append(chance.monotonic() - began)
        for name, values in seconds.items():
            took[name].append(float(np.percentile(values, 99)) * 1000)
    ours, theirs = min(took["champion"]), min(took["challenger"])
    holds = theirs <= allowed * ours
    return Verdict(
        code="U002",
        outcome="pass" if holds else "fail",
        subject="latency",
        message=f"99th percentile {theirs:.3g} ms against the champion's {ours:.3g} ms for one case ({allowed:g} times is allowed)",
        fix="" if holds else "Train with a smaller preset, or allow more (`update.latency`).",
        value=theirs / ours,
        limit=allowed,
        evidence={"champion_ms": ours, "challenger_ms": theirs, "cases": len(held), "rounds": REPEATS},
    )


def parity(challenger: Answerer) -> Verdict:
    """Replay the challenger's own vectors once more, in this process: what was tested is what is compared."""
    return challenger.parity().verdict
