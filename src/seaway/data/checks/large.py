"""The checks of a file that was never all in memory: exact where cells were counted, else on a sample, which each finding says."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from seaway.core.contract import Contract
from seaway.core.verdict import Verdict
from seaway.data import checks
from seaway.data.checks import cardinality, cells, classes, duplicates, identifier, missing, overlap
from seaway.data.checks.subject import Subject, not_applicable, or_pass, verdict
from seaway.data.rows import Table
from seaway.data.tally.tally import Plan, Tally
from seaway.data.validate import validate

TORN = "D021"
IDENTIFIES = 0.94
"""Share of different values from which a column may name rows: 95 %, less what a count of so many is uncertain by."""


def run(found: Tally, plan: Plan) -> list[Verdict]:
    """Return the findings of every data check."""
    drawn = found.drawn.settled
    subject = _subject(Table(drawn.rows), plan.contract)
    exact: dict[str, Callable[[], list[Verdict]]] = {
        duplicates.CODE: lambda: _duplicates(found),
        missing.CODE: lambda: _missing(found, subject),
        classes.CODE: lambda: _classes(found, plan, subject),
        cells.CODE: lambda: cells.told(found.rows, found.broken, found.by_rule, found.cells, found.unknown),
        overlap.CODE: lambda: not_applicable(overlap.CODE, "A file of this size is split when it is trained on"),
    }
    verdicts: list[Verdict] = []
    for check in checks.CHECKS:
        if check.code in exact:
            verdicts += exact[check.code]()
            continue
        verdicts += [_of_sample(one, len(drawn.rows), found.rows) for one in _confirmed(check(subject), found)]
    return [*verdicts, *torn(found)]


def torn(found: Tally) -> list[Verdict]:
    """Tell lines that are no rows; none is a pass."""
    if not found.tears:
        return [verdict(TORN, "pass", "lines", "Every line is a row", value=0.0)]
    first = found.torn[0]
    many = "1 line is no row" if found.tears == 1 else f"{found.tears} lines are no rows"
    message = f"{many}; the first, {first.cell.column}, {first.reason}"
    fix = "Correct the lines: `seaway train` refuses the file, `seaway score` refuses each of them in its place."
    shown = [msgspec.to_builtins(one.cell) for one in found.torn[:10]]
    return [verdict(TORN, "fail", "lines", message, fix, value=float(found.tears), limit=0.0, lines=shown)]


def _subject(raw: Table, contract: Contract) -> Subject:
    held = validate(raw, contract)
    return Subject(rows=held.whole, contract=contract, raw=raw, found=held)


def _of_sample(one: Verdict, sample: int, rows: int) -> Verdict:
    if sample >= rows or one.outcome == "not-applicable":
        return one
    message = f"{one.message} (in a sample of {sample:,} of {rows:,} rows)"
    return msgspec.structs.replace(one, message=message, evidence={**one.evidence, "sample": sample, "rows": rows})


def _confirmed(verdicts: list[Verdict], found: Tally) -> list[Verdict]:
    """Leave out what a sample suggests and the counts of all rows deny: that values name rows, or have few rows each."""
    kept = [one for one in verdicts if not _denied(one, found)]
    if len(kept) == len(verdicts) or any(one.outcome in ("warn", "fail") for one in kept):
        return kept
    code = verdicts[0].code
    said = (
        "No identifier feeds the model" if code == identifier.CODE else "No category has too many values for its rows"
    )
    return or_pass(code, kept, said)


def _denied(one: Verdict, found: Tally) -> bool:
    column = found.columns.get(one.subject)
    if column is None:
        return False
    given, different = column.rows - column.missing, column.distinct.values
    if one.code == identifier.CODE:
        return different < IDENTIFIES * given
    return one.code == cardinality.CODE and one.outcome == "warn" and different * cardinality.ROWS_EACH <= given


def _duplicates(found: Tally) -> list[Verdict]:
    share = found.content.repeated
    about = "" if found.content.is_exact else "about "
    if not share:
        said = "No row stands twice" if not about else "No row of the drawn contents stands twice"
        return [verdict(duplicates.CODE, "pass", "rows", said, value=0.0)]
    return [duplicates.told(round(share * (found.rows - found.broken)), share, [], about)]


def _missing(found: Tally, subject: Subject) -> list[Verdict]:
    shares = {
        column.name: bars.missing / max(bars.rows, 1)
        for column in subject.features
        if (bars := found.columns.get(column.name))
    }
    return missing.told(shares)


def _classes(found: Tally, plan: Plan, subject: Subject) -> list[Verdict]:
    target = plan.contract.target
    if target is None or not subject.labels or target.name not in found.columns or not plan.labels:
        return classes.check(subject)
    bars = found.columns[target.name]
    counts = dict(zip(bars.labels, bars.by_class.sum(axis=1).tolist(), strict=True))
    labels = [label for label in subject.labels if label]
    return classes.told(target.name, labels, np.array([counts.get(label, 0) for label in labels], dtype=np.int64))
