"""Checks of a candidate, one per file; a release may refuse what fails here."""

from __future__ import annotations

from seaway.core.candidate import Candidate
from seaway.core.protocols import Check, Task
from seaway.core.verdict import Verdict
from seaway.lab.checks.l001_baseline import Baseline
from seaway.lab.checks.l002_overfit import Overfit
from seaway.lab.checks.l003_unstable import Unstable
from seaway.lab.checks.l004_few_rows import FewRows
from seaway.lab.checks.l005_too_good import TooGood
from seaway.lab.checks.l006_cut_short import CutShort

CHECKS: tuple[Check, ...] = (Baseline(), Overfit(), Unstable(), FewRows(), TooGood(), CutShort())
"""Add a check here."""


def run(candidate: Candidate, task: Task) -> list[Verdict]:
    """Return what all checks say, the task's own included."""
    return [verdict for check in (*CHECKS, *task.checks("lab")) for verdict in check(candidate)]
