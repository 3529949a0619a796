"""What figures and checks read from a candidate: its judged lines, and its intervals on lines they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.contract import LEVELS, Contract
from seaway.tasks.forecast.finish import crossfitted

NAIVE = ("seasonal-naive", "naive")
"""Models that every forecaster holds a forecast against: the value one season before, else the last one."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Lines with a known truth, the quantiles (n, levels) that may be judged on them, and what the lines are called."""

    outcomes: Outcomes
    quantiles: Array
    rows: str

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def truth(self) -> Array:
        """What came true (n,)."""
        return np.zeros(0) if self.outcomes.truth is None else self.outcomes.truth

    @property
    def mean(self) -> Array:
        """What was forecast (n,)."""
        return self.outcomes.answer["mean"]


def kept_lines(candidate: Candidate) -> Judged:
    """Return the lines kept apart, with the quantiles that the candidate answers."""
    outcomes = candidate.test.take(_is_known(candidate.test))
    none = np.zeros((0, len(LEVELS)))
    return Judged(outcomes=outcomes, quantiles=outcomes.answer.get("quantiles", none), rows="test steps")


def backtest_lines(candidate: Candidate) -> Judged:
    """Return the lines of the backtests, each with quantiles fitted on the other origins."""
    quantiles = crossfitted(candidate.oof, horizon(candidate.contract))
    known = _is_known(candidate.oof)
    return Judged(outcomes=candidate.oof.take(known), quantiles=quantiles[known], rows="steps of backtests")


def judged(candidate: Candidate) -> Judged:
    """Return the lines kept apart, or those of the backtests where nothing was."""
    test = kept_lines(candidate)
    return test if len(test) else backtest_lines(candidate)


def horizon(contract: Contract) -> int:
    """Return how many steps a forecast has."""
    return contract.series.horizon if contract.series else 1


def baseline(trials: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return the figure `name` of the seasonal naive forecast in the backtests; of the naive one where there is no season."""
    by_model = {trial["model"]: trial["scores"] for trial in trials if trial["model"] in NAIVE}
    known = [by_model[model][name] for model in NAIVE if name in by_model.get(model, {})]
    return float(known[0]) if known else None


def _is_known(outcomes: Outcomes) -> Array:
    if outcomes.truth is None or "mean" not in outcomes.answer:
        return np.zeros(len(outcomes), dtype=np.bool_)
    return np.isfinite(outcomes.truth) & np.isfinite(outcomes.answer["mean"])
