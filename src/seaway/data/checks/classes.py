"""D009: classes with too few rows to be learnt or judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, not_applicable, or_pass, verdict

CODE = "D009"
FEWEST, SHARE = 30, 0.01


def check(subject: Subject) -> list[Verdict]:
    """Fail where there is one class, warn of classes below 30 rows or 1 %."""
    if subject.target is None or not subject.labels:
        return not_applicable(CODE, "The target is no class")
    known = subject.target[~np.isnan(subject.target)].astype(np.int64)
    counts = np.bincount(known, minlength=len(subject.labels))
    name = subject.contract.target.name if subject.contract.target else "target"
    return told(name, subject.labels, counts)


def told(name: str, labels: Sequence[str], counts: Array) -> list[Verdict]:
    """Tell the rows (classes,) of each class of the target `name`."""
    present = [label for label, count in zip(labels, counts, strict=True) if count]
    if len(present) < 2:
        message = f"The target {name!r} has one class only: {', '.join(map(repr, present)) or 'none'}"
        return [verdict(CODE, "fail", name, message, "Bring rows of the other classes.", value=float(len(present)))]
    found = []
    for label, count in zip(labels, counts, strict=True):
        share = count / counts.sum()
        if count and (count < FEWEST or share < SHARE):
            message = f"{label!r} has {count} rows ({share:.2%}): its figures will be uncertain"
            fix = "Bring more rows of it, or join it to another class with `map` in contract.toml."
            found.append(
                verdict(CODE, "warn", name, message, fix, value=float(count), limit=float(FEWEST), label=label)
            )
    return or_pass(CODE, found, f"Every class of {name!r} has enough rows")
