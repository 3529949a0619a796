"""L005: the score is not too good to be true."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.metrics import metric
from seaway.core.verdict import Verdict
from seaway.lab.checks.subject import figures

PERFECT = {"roc_auc": 0.998, "average_precision": 0.998, "accuracy": 0.998, "r2": 0.9995, "mase": 0.02}
"""Scores that honest features of a hard question hardly reach."""

ALONE = 0.9
"""Share of the importance above which one column decides by itself."""


class TooGood:
    """Warns of scores near perfection and names the column that matters most: often it knows the outcome."""

    code = "L005"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict."""
        if subject.contract.truth is None:
            return [
                Verdict(
                    code=self.code,
                    outcome="not-applicable",
                    subject=figures(subject).figure.name,
                    message="There is no truth that a column could give away",
                )
            ]
        importance: dict[str, float] = subject.figures.get("importance", {})
        column = max(importance, key=lambda name: importance[name], default="")
        share = importance.get(column, 0.0)
        for name, limit in PERFECT.items():
            score = subject.scores.get(f"oof.{name}")
            if score and (score.value >= limit if metric(name).greater_is_better else score.value <= limit):
                alone = f"; column {column!r} alone has {share:.0%} of the importance" if share > ALONE else ""
                return [
                    Verdict(
                        code=self.code,
                        outcome="warn",
                        subject=column or name,
                        message=f"{name} {score.value:.5g} out of fold is nearly perfect{alone}",
                        fix=f"Make sure that {column or 'every feature'!r} is known before the outcome is; if not, set its role to `ignore`.",
                        value=score.value,
                        limit=limit,
                        evidence={"importance": share},
                    )
                ]
        name = figures(subject).figure.name
        return [
            Verdict(code=self.code, outcome="pass", subject=name, message="No score is suspiciously close to perfect")
        ]
