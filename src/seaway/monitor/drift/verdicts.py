"""Findings of drift in words: one verdict per column that moved, one for all that did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seaway.core.verdict import Verdict
from seaway.monitor import comparables
from seaway.monitor.drift.family import About, Finding
from seaway.monitor.drift.shift import LEAST
from seaway.monitor.look import Look
from seaway.report.text import count

FIX = (
    "Find out what changed where the rows come from. If the change is real and lasting, rebuild on newer rows: `seaway update`. "
    "If it is an error upstream, correct it there."
)


def verdicts(
    code: str, about: About, look: Look, noun: tuple[str, str], say: Callable[[Finding], str]
) -> list[Verdict]:
    """Report the comparisons about one kind of column."""
    findings = [finding for finding in look.findings if finding.about == about]
    if not findings:
        return [_nothing(code, look, noun)]
    moved = sorted((one for one in findings if one.outcome != "pass"), key=lambda one: -one.shift.effect.value)
    told = [_moved(code, finding, look, say(finding)) for finding in moved]
    quiet = [finding for finding in findings if finding.outcome == "pass"]
    return told + ([_unmoved(code, quiet, look, noun)] if quiet else [])


def _moved(code: str, finding: Finding, look: Look, words: str) -> Verdict:
    shift, least = finding.shift, look.settings.psi
    size = f"PSI {shift.effect.value:.2f}, limit {least:g}"
    if finding.outcome == "warn":
        size = f"PSI {shift.effect.value:.2f}, may be as large as {shift.effect.upper:.2f}, limit {least:g}"
    return Verdict(
        code=code,
        outcome=finding.outcome,
        subject=shift.column,
        message=f"{words} ({size}, p = {finding.adjusted:.1g} after {len(look.findings)} comparisons)",
        fix=FIX,
        value=shift.effect.value,
        limit=least,
        evidence={
            "window": look.window.number,
            "detector": shift.detector,
            "p": shift.p,
            "adjusted_p": finding.adjusted,
            "upper": shift.effect.upper,
            **shift.figures,
        },
    )


def _unmoved(code: str, findings: Sequence[Finding], look: Look, noun: tuple[str, str]) -> Verdict:
    largest = max(findings, key=lambda finding: finding.shift.effect.value)
    return Verdict(
        code=code,
        outcome="pass",
        subject=count(len(findings), *noun),
        message=f"As in training; the largest move is {largest.shift.column} with PSI {largest.shift.effect.value:.3f}",
        value=largest.shift.effect.value,
        limit=look.settings.psi,
        evidence={"psi": {finding.shift.column: round(finding.shift.effect.value, 4) for finding in findings}},
    )


def _nothing(code: str, look: Look, noun: tuple[str, str]) -> Verdict:
    lacking = max(0, LEAST - look.shown.count)
    return Verdict(
        code=code,
        outcome="not-applicable",
        subject=noun[1],
        message=f"Too few cases to compare: {lacking} more are needed{_of_stretches(look)}"
        if lacking
        else f"There are no {noun[1]} to compare",
        evidence={"needed": lacking},
    )


def _of_stretches(look: Look) -> str:
    """Say what counts as a case where neighbouring ones tell the same."""
    length = comparables.stretch(look.release.contract)
    return f", one for each series and {length} moments" if length > 1 else ""
