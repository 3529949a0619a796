"""Location and spread of one method for every case and step: the same functions in training and serving."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.engines.series.design import Origins, Plan, plan
from seaway.engines.series.document import Drift, Lagged, SeasonalNaive
from seaway.engines.series.points import drift, seasonal_naive
from seaway.engines.series.window import asked, histories


def untrained(method: SeasonalNaive | Drift, batch: Batch, contract: Contract) -> Array:
    """Return location and spread (cases, horizon, 2) in the target's unit, NaN beyond the steps of a case."""
    target, horizon = of_series(contract)
    history = histories(batch, target, method.window)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities pass on to the answer, where they are refused
        made = drift(history, horizon) if isinstance(method, Drift) else seasonal_naive(history, method.season, horizon)
    return np.where(asked(batch.steps, horizon)[..., None], made, np.nan)


def planned(method: Lagged, batch: Batch, contract: Contract) -> Plan:
    """Return what the trees of a method see of a batch."""
    target, horizon = of_series(contract)
    return plan(method.design, batch, target, horizon, Origins.of(batch))


def lagged(method: Lagged, seen: Plan, raw: Array, cases: int) -> Array:
    """Return location and spread (cases, horizon, 2) from what the trees answered (pairs,)."""
    margin = np.full((cases, len(method.growth), 2), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite answer is refused by whoever reads it
        margin[seen.place, seen.step - 1, 0] = seen.level + seen.scale * raw
        margin[seen.place, seen.step - 1, 1] = seen.scale * np.array(method.growth)[seen.step - 1]
    return margin


def of_series(contract: Contract) -> tuple[str, int]:
    """Return the target's name and the horizon of a contract about series."""
    if contract.series is None or contract.target is None:
        raise BadInput(
            "The contract describes no series with a target",
            where="contract",
            fix="Train with the task forecast, whose contract has [series] and a target.",
        )
    return contract.target.name, contract.series.horizon
