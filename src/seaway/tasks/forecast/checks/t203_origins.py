"""T203: enough backtests stand behind a forecast that reaches so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict
from seaway.tasks.forecast.finish import origins
from seaway.tasks.forecast.outcomes import horizon
from seaway.tasks.forecast.words import ahead

FEWEST = 3
"""Origins from which the last step must have been tried: fewer may all lie in one spell of odd weather."""


class Origins:
    """Counts the origins of the backtests in which the last step of the horizon was asked and is known."""

    code = "T203"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        oof, last = subject.oof, horizon(subject.contract)
        if oof.truth is None:
            return [
                Verdict(code=self.code, outcome="not-applicable", subject="horizon", message="No backtest has a truth")
            ]
        is_last = np.isfinite(oof.truth) & (oof.step == last)
        count = len(np.unique(origins(oof)[is_last]))
        reach = f"{last} steps" + (f" ({ahead(subject.contract)})" if subject.contract.series else "")
        if count >= FEWEST:
            message, fix = f"A forecast of {reach} was tried from {count} origins", ""
        else:
            message = f"A forecast of {reach} was tried from {count} origins only, {FEWEST} are the least to rely on"
            fix = "Bring longer series, or forecast fewer steps: set `horizon` under [series] in contract.toml."
        return [
            Verdict(
                code=self.code,
                outcome="warn" if fix else "pass",
                subject="horizon",
                message=message,
                fix=fix,
                value=float(count),
                limit=float(FEWEST),
            )
        ]
