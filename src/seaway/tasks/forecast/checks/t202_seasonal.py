"""T202: the forecast is better than repeating the last season."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict
from seaway.tasks.forecast.outcomes import baseline


class Seasonal:
    """Compares the scaled error of the backtests: whoever can repeat the last season needs no model that does no better."""

    code = "T202"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        score, naive = subject.scores.get("oof.mase"), baseline(subject.trials, "mase")
        if score is None or naive is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject="mase",
                    message="The scaled error of the forecast or of the last season repeated is not known",
                )
            ]
        is_better = score.value < naive
        return [
            Verdict(
                code=self.code,
                outcome="pass" if is_better else "warn",
                subject="mase",
                message=f"MASE {score.value:.3f} in the backtests, the last season repeated has {naive:.3f}",
                fix=""
                if is_better
                else "Forecast by the last season, or add columns that tell what is ahead (marked `ahead` in contract.toml).",
                value=score.value,
                limit=naive,
                evidence={"low": score.low, "high": score.high},
            )
        ]
