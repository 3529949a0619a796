"""What checks of a candidate read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seaway.core.candidate import Candidate, Score
from seaway.core.metrics import metric
from seaway.core.metrics.figure import Figure


@dataclass(frozen=True)
class Figures:
    """The deciding metric, its scores, and the trials; a score that could not be told is None."""

    figure: Figure
    oof: Score | None
    test: Score | None
    trials: tuple[Mapping[str, Any], ...]

    @property
    def baseline(self) -> float | None:
        """The best baseline's score out of fold."""
        best = self.best_baseline
        return None if best is None else float(best["scores"][self.figure.name])

    @property
    def best_baseline(self) -> Mapping[str, Any] | None:
        """The trial to beat."""
        name, sign = self.figure.name, -1.0 if self.figure.greater_is_better else 1.0
        known = [trial for trial in self.trials if trial["is_baseline"] and name in trial["scores"]]
        return min(known, key=lambda trial: sign * float(trial["scores"][name]), default=None)

    @property
    def is_baseline_alone(self) -> bool:
        """Say whether no member has learnt anything."""
        members = [trial for trial in self.trials if trial["weight"]]
        return bool(members) and all(trial["is_baseline"] for trial in members)

    def gain(self, value: float, over: float) -> float:
        """Return by how much `value` is better than `over`."""
        return value - over if self.figure.greater_is_better else over - value

    def worst(self, score: Score) -> float:
        """Return the end of the interval that is the worse one."""
        return score.low if self.figure.greater_is_better else score.high

    def best(self, score: Score) -> float:
        """Return the end of the interval that is the better one."""
        return score.high if self.figure.greater_is_better else score.low


def figures(candidate: Candidate) -> Figures:
    """Read the candidate."""
    figure = metric(candidate.figures["metric"])
    return Figures(
        figure=figure,
        oof=candidate.scores.get(f"oof.{figure.name}"),
        test=candidate.scores.get(f"test.{figure.name}"),
        trials=tuple(candidate.trials),
    )
