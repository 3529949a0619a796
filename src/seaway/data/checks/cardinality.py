"""D011: categories with so many values that each has few rows."""

from __future__ import annotations

import numpy as np

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D011"
MANY, ROWS_EACH = 100, 10


def check(subject: Subject) -> list[Verdict]:
    """Warn of categories with over 100 values of which half have fewer than ten rows."""
    found = []
    for column in subject.contract.columns:
        if column.name not in subject.rows.names:
            continue
        if column.kind == "text" and column.role == "ignore":
            distinct = subject.series(column).n_unique()
            message = f"{column.name!r} has {distinct} distinct texts and is left out"
            found.append(verdict(CODE, "pass", column.name, message, value=float(distinct)))
        if column.kind != "category" or not column.encoded:
            continue
        counts = np.bincount(subject.codes(column))
        counts = counts[counts > 0]
        if len(counts) > MANY and np.median(counts) < ROWS_EACH:
            message = f"{column.name!r} has {len(counts)} categories, half of them in fewer than {ROWS_EACH} rows"
            fix = f"Join rare categories with `map` of {column.name!r} in contract.toml, or leave the column out."
            found.append(verdict(CODE, "warn", column.name, message, fix, value=float(len(counts)), limit=float(MANY)))
    return or_pass(CODE, found, "No category has too many values for its rows")
