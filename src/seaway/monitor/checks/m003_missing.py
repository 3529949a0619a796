"""M003: a column is missing more often than in training."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.verdict import Verdict
from seaway.monitor import budget
from seaway.monitor.look import Look, LookCheck
from seaway.monitor.sequential import exceeds, wilson
from seaway.report.text import count


def find(look: Look) -> Sequence[Verdict]:
    """Hold each column's missing share to the reference's upper 95 % bound plus `monitor.missing`."""
    columns, reference = look.columns, look.release.reference.columns
    compared = [name for name in columns if name in reference and reference[name].count]
    rows = max((len(column.missing) for column in columns.values()), default=0)
    if not compared or not look.window.rows:
        return [_nothing(look)]
    alpha = budget.part(look.settings.false_discovery, budget.SHARES / 2, len(compared))
    told = []
    for name in compared:
        then = reference[name]
        limit = min(wilson(then.missing, int(then.count))[1] + look.settings.missing, 0.999)
        missing, rows = int(columns[name].missing.sum()), len(columns[name].missing)
        if exceeds(missing, rows, limit, alpha):
            told.append(_verdict(name, missing, rows, then.missing / then.count, limit, look))
    if told:
        return told
    return [
        Verdict(
            code="M003",
            outcome="pass",
            subject=count(len(compared), "column"),
            message=f"No column is missing clearly more often than in training ({rows} rows)",
        )
    ]


def _verdict(name: str, missing: int, rows: int, then: float, limit: float, look: Look) -> Verdict:
    return Verdict(
        code="M003",
        outcome="fail",
        subject=name,
        message=f"{name} is missing in {missing / rows:.1%} of {rows} rows, in training it was in {then:.1%}",
        fix="Ask whoever sends the rows why the value is no longer there; a renamed or dropped field looks like this.",
        value=missing / rows,
        limit=limit,
        evidence={"window": look.window.number, "now": missing / rows, "then": then, "rows": rows},
    )


def _nothing(look: Look) -> Verdict:
    reason = "There are no rows in the log yet" if not look.window.rows else "No logged column has a reference"
    return Verdict(code="M003", outcome="not-applicable", subject="missing values", message=reason)


CHECK = LookCheck(code="M003", stage="open", find=find)
