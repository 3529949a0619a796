"""D004: a column that is the same in every row."""

from __future__ import annotations

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, or_pass, verdict

CODE = "D004"
NEARLY = 0.999


def check(subject: Subject) -> list[Verdict]:
    """Warn of columns with one value, or with one value in nearly all rows."""
    found = []
    for column in subject.features:
        # A name of our own: a column may well be called "count".
        counts = subject.series(column).alias("value").value_counts(sort=True, name="rows")
        share = counts["rows"][0] / max(len(subject.rows), 1)
        if share < NEARLY:
            continue
        value = counts["value"][0]
        shown = "missing" if value is None else repr(value)
        alone = counts.height == 1
        message = f"{column.name!r} is {shown} in {'every row' if alone else f'{share:.2%} of the rows'}"
        fix = f'It can teach little: give {column.name!r} the role "ignore", unless the rare rows matter.'
        found.append(verdict(CODE, "warn", column.name, message, fix, value=share, limit=NEARLY))
    return or_pass(CODE, found, "Every feature varies")
