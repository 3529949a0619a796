"""What a figure of merit is: what it reads, which way is better, and what it needs to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Outcomes

Function = Callable[[Array, Array, Array], float]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A metric over one output: `function(answer, truth, weight)`; `classes` limits it to so many classes (0 = any).

    With `needs_scale`, answer and truth are divided by each case's scale first. With `over` in place of a function it looks at
    the whole table, for figures that no truth is needed for.
    """

    name: str
    reads: str
    greater_is_better: bool
    function: Function | None = None
    over: Callable[[Outcomes], float] | None = None
    unit: str = ""
    classes: int = 0
    needs_truth: bool = True
    needs_scale: bool = False

    def __call__(self, outcomes: Outcomes) -> float:
        """Return the figure over the lines whose truth is known and that weigh something; NaN where they cannot tell."""
        if not len(outcomes) or self.reads not in outcomes.answer:
            return float("nan")
        weight = np.ones(len(outcomes)) if outcomes.weight is None else outcomes.weight
        if self.over is not None:
            return float(self.over(outcomes.take(weight > 0))) if (weight > 0).any() else float("nan")
        if outcomes.truth is None or self.function is None:
            return float("nan")
        scale = self._scale(outcomes)
        known = ~np.isnan(outcomes.truth) & (weight > 0) & (scale > 0)
        if not known.any():
            return float("nan")
        answer, truth, weight = outcomes.answer[self.reads][known], outcomes.truth[known], weight[known]
        if self.needs_scale:
            by = scale[known]
            answer, truth = answer / by.reshape(-1, *[1] * (answer.ndim - 1)), truth / by
        return float(self.function(answer, truth, weight))

    def _scale(self, outcomes: Outcomes) -> Array:
        """Return what to divide by, 1 for figures that need none; a case without a scale is left out."""
        if not self.needs_scale:
            return np.ones(len(outcomes))
        return np.zeros(len(outcomes)) if outcomes.scale is None else np.nan_to_num(outcomes.scale)
