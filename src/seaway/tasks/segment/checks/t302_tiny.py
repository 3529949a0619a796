"""T302: no segment is so small that it is a handful of odd rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

LIMIT = 0.01
"""Share of the rows."""


class Tiny:
    """Warns of segments with hardly any row."""

    code = "T302"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        segment, names = subject.oof.answer.get("segment"), subject.contract.output("segment").labels
        if segment is None or not len(segment) or not names:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="sizes",
                    message="No row was put into a segment",
                )
            ]
        shares = np.bincount(segment, minlength=len(names)) / len(segment)
        tiny = [f"{names[k]!r} ({shares[k]:.1%})" for k in np.flatnonzero(shares < LIMIT)]
        smallest = float(shares.min())
        return [
            Verdict(
                code=self.code,
                outcome="warn" if tiny else "pass",
                subject="sizes",
                message=f"Segments with hardly any row: {', '.join(tiny)}"
                if tiny
                else f"The smallest segment has {smallest:.1%} of the rows",
                fix="Look at its rows: they are outliers rather than a group. Repair them, leave them out, or look for fewer segments."
                if tiny
                else "",
                value=smallest,
                limit=LIMIT,
                evidence={"shares": shares.tolist()},
            )
        ]
