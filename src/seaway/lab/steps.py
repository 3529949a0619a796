"""Scores by how far ahead an answer looks: a model that is right tomorrow may know nothing about next week."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Json, Outcomes
from seaway.core.candidate import Score
from seaway.core.metrics import metric
from seaway.lab.judge import with_intervals

GROUPS = 6
"""Parts of the horizon that have a score with an interval of their own."""


def by_step(names: Sequence[str], outcomes: Outcomes) -> dict[str, list[Json]]:
    """Return, by metric, its value at step 1, 2, ...; null where it cannot be told, nothing where there are no steps."""
    parts = [outcomes.take(outcomes.step == step) for step in range(1, _horizon(outcomes) + 1)]
    found = {name: [metric(name)(part) for part in parts] for name in names}
    return {
        name: [None if np.isnan(value) else value for value in values]
        for name, values in found.items()
        if not np.isnan(values).all()
    }


def by_group(name: str, outcomes: Outcomes, prefix: str, seed: int) -> dict[str, Score]:
    """Return the metric over equal parts of the horizon, by "prefix.name@first-last"; nothing where there are no steps."""
    found: dict[str, Score] = {}
    horizon = _horizon(outcomes)
    for steps in np.array_split(np.arange(1, horizon + 1), min(GROUPS, max(horizon, 1))):
        if len(steps):
            part = outcomes.take(np.isin(outcomes.step, steps))
            for score in with_intervals((name,), part, prefix, seed).values():
                found[f"{prefix}.{name}@{steps[0]}-{steps[-1]}"] = score
    return found


def _horizon(outcomes: Outcomes) -> int:
    return int(outcomes.step.max(initial=0))
