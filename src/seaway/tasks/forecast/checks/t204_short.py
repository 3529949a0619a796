"""T204: the series that are forecast have a past to forecast them from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

LIMIT = 0.05
"""Share of series without a backtest that is worth a warning."""


class Short:
    """Counts the judged series that no backtest ever asked about, because they were too young at every origin."""

    code = "T204"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        judged = np.unique(subject.test.case)
        if not len(judged) or not len(subject.oof):
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="history",
                    message="No series were kept apart, or none was backtested",
                )
            ]
        if subject.figures.get("limited_rows"):
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="history",
                    message=f"The search asked a sample of {len(np.unique(subject.oof.case))} series, whatever their length",
                )
            ]
        untried = int((~np.isin(judged, subject.oof.case)).sum())
        share = untried / len(judged)
        return [
            Verdict(
                code=self.code,
                outcome="warn" if share > LIMIT else "pass",
                subject="history",
                message=f"{untried} of {len(judged)} series are too short to have been backtested",
                fix=""
                if share <= LIMIT
                else "Expect less of the forecasts of short series: judge them on their own as actual values come in.",
                value=share,
                limit=LIMIT,
            )
        ]
