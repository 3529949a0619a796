"""The task of series: what was known up to a moment in, every step up to the horizon out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seaway.core.batch import Array, Json, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Check, Drawing, Finish, Fitted, Model, Rows
from seaway.data.split import folds
from seaway.tasks.forecast.shape import shaped


class Forecast:
    """Implements `core.protocols.Task`."""

    name = "forecast"
    blends = True
    samples = False

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        """Return the draft with its series, truth, options and outputs decided from the rows; raises `BadInput`."""
        return shaped(draft, rows, settings)

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        """Return (known rows, asked rows) of rolling origins within the training rows: known rows are always older."""
        return folds(data.rows, data.contract, data.split.train, count, data.split.rule, seed)

    def metrics(self, contract: Contract) -> Sequence[str]:
        """Return the metrics' names, the scaled error first: it alone compares series of any size.

        A percentage means something only where values cannot be negative, a share of the total only where there is one.
        """
        low, high = (contract.target.range if contract.target else None) or (-1.0, 1.0)
        of_total = () if low == high == 0.0 else ("wape",)
        return ("mase", *(("smape",) if low >= 0 else ()), *of_total, "pinball", "coverage")

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        """Return the kinds of models, baselines first."""
        from seaway.tasks.forecast.models import models  # LightGBM is for training only

        return models(contract)

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        """Fit the quantiles on backtests; {"calibrate": False} gives those of a normal distribution."""
        from seaway.tasks.forecast.finish import fit

        return fit(oof, contract, calibrate=bool(settings.get("calibrate", True)))

    def checks(self, stage: str) -> Sequence[Check]:
        """Return the checks of a stage."""
        from seaway.tasks.forecast.checks import CHECKS

        return CHECKS.get(stage, ())

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        """Return the contract as it is: the outputs of a forecast are known before it is trained."""
        return contract

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        """Draw what a forecaster would look at to judge the candidate."""
        from seaway.tasks.forecast.figures import figures

        return figures(candidate)
