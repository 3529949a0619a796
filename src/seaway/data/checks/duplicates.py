"""D005: rows that stand more than once."""

from __future__ import annotations

import polars as pl

from seaway.core.verdict import Outcome, Verdict
from seaway.data.checks.subject import Subject, verdict
from seaway.data.clean import telling

CODE = "D005"
LIMIT = 0.01


def check(subject: Subject) -> list[Verdict]:
    """Count rows that repeat an earlier one in every column but an ignored running number."""
    names = telling(subject.rows, subject.contract)
    first = subject.rows.frame.select(pl.struct(names).is_first_distinct()).to_series()
    repeated = first.len() - int(first.sum())
    share = repeated / max(first.len(), 1)
    if not repeated:
        return [verdict(CODE, "pass", "rows", "No row stands twice", value=0.0)]
    rows = [int(number) for number in (~first).arg_true().head(20).to_list()]
    return [told(repeated, share, rows)]


def told(repeated: int, share: float, rows: list[int], about: str = "") -> Verdict:
    """Tell how many rows repeat an earlier one, and which are the first of them."""
    message = f"{about}{repeated} rows ({share:.2%}) repeat an earlier one; training leaves them out"
    fix = "Set [train] dedupe = false in seaway.toml where equal rows are separate cases."
    outcome: Outcome = "warn" if share > LIMIT else "pass"
    return verdict(CODE, outcome, "rows", message, fix, value=share, limit=LIMIT, rows=rows)
