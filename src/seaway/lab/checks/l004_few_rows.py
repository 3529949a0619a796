"""L004: there are rows enough to learn from and to judge on, and cases enough for intervals to mean something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

FEWEST_LEARNT = 200
FEWEST_JUDGED = 100
FEWEST_OF_A_CLASS = 20
FEWEST_CASES = 10
"""Series, or other cases of many answers, below which resampling them tells little."""


class FewRows:
    """Warns of small numbers: of rows or steps to learn from and to judge on, of cases, of the rarest class."""

    code = "L004"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict for each small number, or that there is none."""
        learnt, judged = _cases(subject.oof), _cases(subject.test)
        counts = [("rows out of fold", learnt, FEWEST_LEARNT), ("test rows", judged, FEWEST_JUDGED)]
        if subject.oof.step.any():
            counts = [
                ("steps out of fold", len(subject.oof), FEWEST_LEARNT),
                ("test steps", len(subject.test), FEWEST_JUDGED),
                ("cases out of fold", learnt, FEWEST_CASES),
                ("test cases", judged, FEWEST_CASES),
            ]
        classes = subject.contract.classes
        if classes and subject.oof.truth is not None:
            told = subject.oof.truth[~np.isnan(subject.oof.truth)]
            held = np.bincount(told.astype(np.int64), minlength=len(classes))
            rarest = int(held.argmin())
            counts.append((f"rows of class {classes[rarest]!r}", int(held[rarest]), FEWEST_OF_A_CLASS))
        few = [
            Verdict(
                code=self.code,
                outcome="warn",
                subject=name,
                message=f"Few {name} ({count}): scores on them are uncertain",
                fix="Read the intervals, not the scores; bring more rows.",
                value=float(count),
                limit=float(least),
            )
            for name, count, least in counts
            if count < least
        ]
        enough = Verdict(
            code=self.code,
            outcome="pass",
            subject="rows",
            message=f"{counts[0][1]} {counts[0][0]} and {counts[1][1]} {counts[1][0]}",
        )
        return few or [enough]


def _cases(outcomes: Outcomes) -> int:
    return len(np.unique(outcomes.case))
