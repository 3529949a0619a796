"""D008: columns that are mostly missing."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D008"
LIMIT = 0.5


def check(subject: Subject) -> list[Verdict]:
    """Warn of features of which more than half the cells are missing."""
    shares = {}
    for column in subject.features:
        _, missing = subject.rows.column(column.name)
        shares[column.name] = float(missing.mean()) if len(missing) else 0.0
    return told(shares)


def told(shares: Mapping[str, float]) -> list[Verdict]:
    """Tell the shares of missing cells by feature."""
    found = []
    for name, share in shares.items():
        if share > LIMIT:
            message = f"{share:.1%} of {name!r} is missing"
            fix = f'Find out why; give {name!r} the role "ignore" if the reason changes over time.'
            found.append(verdict(CODE, "warn", name, message, fix, value=share, limit=LIMIT))
    return or_pass(CODE, found, "No feature is missing in more than half of the rows")
