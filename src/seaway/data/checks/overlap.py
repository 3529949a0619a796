"""D006: test rows that were learnt from."""

from __future__ import annotations

import numpy as np

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import Subject, not_applicable, verdict
from seaway.data.hashing import row_hashes

CODE = "D006"
LIMIT = 0.01


def check(subject: Subject) -> list[Verdict]:
    """Count test rows equal to a training row in every feature and the target, and groups on both sides."""
    if subject.split is None:
        return not_applicable(CODE, "The rows are not split yet")
    if subject.contract.series is not None:
        return not_applicable(CODE, "The rows that judge a series are later than those it learns from")
    train, test = subject.split.train, subject.split.test
    if not len(test):
        return not_applicable(CODE, "There are no test rows")
    names = [column.name for column in subject.features]
    target = subject.contract.target
    if target is not None and target.name in subject.rows.names:
        names.append(target.name)
    found = []
    hashes = row_hashes(subject.rows, names, "overlap")
    share = float(np.isin(hashes[test], hashes[train]).mean())
    message = f"{share:.2%} of the test rows equal a training row in every feature and the target"
    fix = 'Leave the repeated rows out of one side, or mark the column that groups them with the role "group".'
    outcome = "fail" if share > 10 * LIMIT else "warn" if share > LIMIT else "pass"
    found.append(
        verdict(CODE, outcome, "split", message, "" if outcome == "pass" else fix, value=share, limit=LIMIT)  # type: ignore[arg-type]
    )
    for column in subject.contract.having("group"):
        groups = row_hashes(subject.rows, [column.name], "overlap")
        shared = np.intersect1d(groups[train], groups[test])
        if len(shared):
            said = f"{len(shared)} groups of {column.name!r} have rows on both sides of the split"
            found.append(verdict(CODE, "fail", column.name, said, 'Set [split] rule = "group" in seaway.toml.'))
    return found
