"""What counts as better: the deciding metric over answers that have only been linked, not calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Score
from seaway.core.errors import BadInput
from seaway.core.metrics import metric, score
from seaway.core.metrics.figure import Figure
from seaway.core.protocols import Finish, Task
from seaway.lab.exam import Exam

SMOOTH = ("log_loss", "rmse")
"""Metrics that weights are fitted to: every row moves them a little, so few rows cannot decide alone."""

ROUNDS, FEWEST_ROUNDS = 200, 50
DRAWS = 2_000_000
"""Lines drawn by a bootstrap in all: on many lines intervals are narrow, and fewer rounds tell them as well."""

DRAWS_OVER, FEWEST_OVER = 200_000, 30
"""The same for figures that look at the whole table: each round sorts and pairs it anew."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Scores margins (cases, ...) of an exam."""

    exam: Exam
    link: Finish
    names: tuple[str, ...]
    decides: Figure
    smooth: Figure

    def scores(self, margin: Array) -> dict[str, float]:
        """Return every metric that can tell."""
        outcomes = self._linked(margin)
        values = {name: _told(metric(name), outcomes) for name in self.names}
        return {name: value for name, value in values.items() if not np.isnan(value)}

    def by_fold(self, margin: Array) -> tuple[float, ...]:
        """Return the deciding metric of each fold that can tell."""
        values = [_told(self.decides, fold) for fold in self.exam.by_fold(self._linked(margin))]
        return tuple(value for value in values if not np.isnan(value))

    def _linked(self, margin: Array) -> Outcomes:
        return self.exam.outcomes({**self.link.apply({"margin": margin}), "margin": margin})

    def loss(self, scores: Mapping[str, float]) -> float:
        """Return the deciding metric with the sign that makes less better; nothing known is the worst."""
        value = scores.get(self.decides.name, np.nan)
        if np.isnan(value):
            return float("inf")
        return -value if self.decides.greater_is_better else value


def judge_of(exam: Exam, task: Task, wanted: str) -> Judge:
    """Return the judge of an exam; `wanted` names the deciding metric, or is empty for the task's own."""
    names = tuple(task.metrics(exam.contract))
    if wanted and wanted not in names:
        metric(wanted)  # an unknown name has an error of its own
        raise BadInput(
            f"The metric {wanted!r} cannot judge this problem",
            where="seaway.toml, [train] metric",
            fix=f"Use one of: {', '.join(names)}.",
        )
    decides = metric(wanted or names[0])
    smooth = next((name for name in SMOOTH if name in names), decides.name)
    none = exam.outcomes({})
    link = task.finish(none, exam.contract, {"calibrate": False})
    return Judge(exam=exam, link=link, names=names, decides=decides, smooth=metric(smooth))


def _told(figure: Figure, outcomes: Outcomes) -> float:
    """Return the figure; NaN where a line has no answer, which figures of ranks and of codes would not notice."""
    return figure(outcomes) if np.isfinite(outcomes.answer["margin"]).all() else float("nan")


def with_intervals(
    names: tuple[str, ...], outcomes: Outcomes, prefix: str, seed: int, *, rounds: int = ROUNDS
) -> dict[str, Score]:
    """Score outcomes with bootstrap intervals, by "prefix.name"; metrics that cannot tell are left out."""
    if not len(outcomes):
        return {}
    found = {
        f"{prefix}.{name}": score(
            metric(name), outcomes, rounds=_rounds(metric(name), len(outcomes), rounds), seed=seed
        )
        for name in names
    }
    return {name: one for name, one in found.items() if np.isfinite([one.value, one.low, one.high]).all()}


def _rounds(figure: Figure, lines: int, most: int) -> int:
    draws, fewest = (DRAWS, FEWEST_ROUNDS) if figure.over is None else (DRAWS_OVER, FEWEST_OVER)
    return int(np.clip(draws // lines, min(fewest, most), most))
