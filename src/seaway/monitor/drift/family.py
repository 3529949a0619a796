"""All columns and answers of one window against the reference: one family of tests, one false-discovery rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from seaway.core.batch import Array
from seaway.core.verdict import Outcome
from seaway.monitor.decode import Values
from seaway.monitor.drift import categorical, fdr, numeric
from seaway.monitor.drift.shift import LEAST, Shift
from seaway.monitor.reference import Categories, Numbers, Reference

About = Literal["numbers", "categories", "answers"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One comparison with its p-value adjusted for all of the window's comparisons.

    `fail`: moved, by the least effect that counts or more. `warn`: moved, and the effect may be as large as that (its
    95 % bound reaches it). `pass`: anything less.
    """

    about: About
    shift: Shift
    adjusted: float
    outcome: Outcome


def judge(
    columns: Mapping[str, Values],
    answers: Mapping[str, Array],
    reference: Reference,
    *,
    rate: float,
    least: float,
) -> list[Finding]:
    """Compare whatever has enough values now and then; `rate` is the false-discovery rate, `least` the least effect."""
    shifts = list(_shifts(columns, answers, reference))
    adjusted = fdr.adjusted([shift.p for _, shift in shifts])
    return [
        Finding(about=about, shift=shift, adjusted=float(p), outcome=_outcome(shift, float(p), rate, least))
        for (about, shift), p in zip(shifts, adjusted, strict=True)
    ]


def _outcome(shift: Shift, p: float, rate: float, least: float) -> Outcome:
    if p > rate or shift.effect.upper < least:
        return "pass"
    return "fail" if shift.effect.value >= least else "warn"


def _shifts(
    columns: Mapping[str, Values], answers: Mapping[str, Array], reference: Reference
) -> Iterator[tuple[About, Shift]]:
    for name, column in columns.items():
        then = reference.columns.get(name)
        if then is not None and len(column.present) >= LEAST:
            yield from _compared(name, column.present, then, None)
    for name, values in answers.items():
        then = reference.answers.get(name)
        if then is not None and len(values) >= LEAST:
            yield from _compared(name, values, then, "answers")


def _compared(
    name: str, values: Array, then: Numbers | Categories, about: About | None
) -> Iterator[tuple[About, Shift]]:
    if then.count - then.missing < LEAST:
        return
    if isinstance(then, Numbers):
        if values.dtype.kind == "f":
            yield about or "numbers", numeric.compare(name, values, then.edges, then.counts)
    elif values.dtype.kind == "O":
        yield about or "categories", categorical.compare(name, values, then.counts)
