"""D008: columns that are mostly missing."""

from __future__ import annotations

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D008"
LIMIT = 0.5


def check(subject: Subject) -> list[Verdict]:
    """Warn of features of which more than half the cells are missing."""
    found = []
    for column in subject.features:
        _, missing = subject.rows.column(column.name)
        share = float(missing.mean()) if len(missing) else 0.0
        if share > LIMIT:
            message = f"{share:.1%} of {column.name!r} is missing"
            fix = f'Find out why; give {column.name!r} the role "ignore" if the reason changes over time.'
            found.append(verdict(CODE, "warn", column.name, message, fix, value=share, limit=LIMIT))
    return or_pass(CODE, found, "No feature is missing in more than half of the rows")
