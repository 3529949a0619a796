"""L002: the test rows say what the out-of-fold rows promised."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Outcome, Verdict
from seaway.lab.checks.subject import figures


class Overfit:
    """Warns where the test score is worse and the two intervals do not meet."""

    code = "L002"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        seen = figures(subject)
        name = seen.figure.name
        if seen.oof is None or seen.test is None or subject.contract.truth is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject=name,
                    message="No truth was learnt, so none can have been learnt by heart"
                    if subject.contract.truth is None
                    else f"{name} cannot be told on the test rows or out of fold",
                )
            ]
        apart = seen.gain(seen.worst(seen.oof), seen.best(seen.test)) > 0
        outcome: Outcome = "warn" if apart else "pass"
        return [
            Verdict(
                code=self.code,
                outcome=outcome,
                subject=name,
                message=f"{name} {seen.test.value:.4g} on the test rows, {seen.oof.value:.4g} out of fold",
                fix="The test rows differ from the training rows, or the search has fitted the folds: compare both in "
                "`seaway check`, mark a time or group column, or bring more rows."
                if apart
                else "",
                value=seen.gain(seen.oof.value, seen.test.value),
                limit=seen.gain(seen.oof.value, seen.worst(seen.oof)),
            )
        ]
