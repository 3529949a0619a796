"""Location and spread of one method for every case and step: the same function in training and serving."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.engines.series.document import Drift, Method
from seaway.engines.series.points import drift, seasonal_naive
from seaway.engines.series.window import asked, histories


def margin(method: Method, batch: Batch, contract: Contract) -> Array:
    """Return location and spread (cases, horizon, 2) in the target's unit, NaN beyond the steps of a case."""
    target, horizon = of_series(contract)
    history = histories(batch, target, method.window)
    made = drift(history, horizon) if isinstance(method, Drift) else seasonal_naive(history, method.season, horizon)
    return np.where(asked(batch.steps, horizon)[..., None], made, np.nan)


def of_series(contract: Contract) -> tuple[str, int]:
    """Return the target's name and the horizon of a contract about series."""
    if contract.series is None or contract.target is None:
        raise BadInput(
            "The contract describes no series with a target",
            where="contract",
            fix="Train with the task forecast, whose contract has [series] and a target.",
        )
    return contract.target.name, contract.series.horizon
