"""D012: numbers that the matrix cannot tell apart."""

from __future__ import annotations

import numpy as np

from seaway.core.verdict import Verdict
from seaway.data import guess
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D012"


def check(subject: Subject) -> list[Verdict]:
    """Fail where float32 merges more than 0.1 % of a column's distinct values by gaps that matter."""
    found = []
    for column in subject.features:
        if column.kind not in ("number", "integer"):
            continue
        values, missing = subject.numbers(column)
        share, gap = guess.merged(np.unique(values[~missing]), column.shift)
        if not guess.is_harmful(share, gap):
            continue
        message = f"The matrix merges {share:.2%} of the distinct values of {column.name!r}"
        fix = f'Set `shift` of {column.name!r} to a value in the middle of the column, or give it the role "id".'
        found.append(verdict(CODE, "fail", column.name, message, fix, value=share, limit=guess.MERGED, gap=gap))
    return or_pass(CODE, found, "Every number keeps its value in the matrix")
