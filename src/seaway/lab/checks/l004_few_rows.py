"""L004: there are rows enough to learn from and to judge on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

FEWEST_LEARNT = 200
FEWEST_JUDGED = 100
FEWEST_OF_A_CLASS = 20


class FewRows:
    """Warns of small numbers: of rows to learn from, of rows to judge on, of the rarest class."""

    code = "L004"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict for each small number, or that there is none."""
        counts = [
            ("rows out of fold", len(subject.oof), FEWEST_LEARNT),
            ("test rows", len(subject.test), FEWEST_JUDGED),
        ]
        classes = subject.contract.classes
        if classes and subject.oof.truth is not None:
            held = np.bincount(subject.oof.truth.astype(np.int64), minlength=len(classes))
            rarest = int(held.argmin())
            counts.append((f"rows of class {classes[rarest]!r}", int(held[rarest]), FEWEST_OF_A_CLASS))
        few = [
            Verdict(
                code=self.code,
                outcome="warn",
                subject=name,
                message=f"There are {count} {name}: scores on them are uncertain",
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
            message=f"{len(subject.oof)} rows to learn from and {len(subject.test)} to judge on",
        )
        return few or [enough]
