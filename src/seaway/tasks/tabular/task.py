"""The task of tables: one row in, one class or number out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seaway.core.batch import Array, Json, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Check, Drawing, Finish, Fitted, Model, Rows
from seaway.data.split import folds
from seaway.tasks.tabular import target
from seaway.tasks.tabular.start import problem

METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "log_loss", "average_precision", "brier", "accuracy", "balanced_accuracy", "f1"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "brier"),
    "regression": ("rmse", "mae", "r2"),
}
"""By problem; the first decides unless a person names another."""


class Tabular:
    """Implements `core.protocols.Task`."""

    name = "tabular"
    blends = True
    samples = True

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        """Return the draft with truth and outputs decided from the target's values; raises `BadInput`."""
        return target.shaped(draft, rows)

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        """Return (known rows, asked rows) within the training rows, by the rule of the split."""
        return folds(data.rows, data.contract, data.split.train, count, data.split.rule, seed)

    def metrics(self, contract: Contract) -> Sequence[str]:
        """Return the metrics' names; the first decides."""
        named = METRICS[problem(contract)]
        limits = contract.target.range if contract.target else None
        is_never_negative = limits is not None and limits[0] >= 0
        return (*named, "rmsle") if problem(contract) == "regression" and is_never_negative else named

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        """Return the kinds of models, baselines first."""
        from seaway.tasks.tabular.models import models  # scipy and LightGBM are for training only

        return models(contract)

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        """Fit the calibration on out-of-fold margins; {"calibrate": False} gives the plain link."""
        from seaway.tasks.tabular.finish import fit  # scipy is for training only

        return fit(oof, contract, calibrate=bool(settings.get("calibrate", True)))

    def checks(self, stage: str) -> Sequence[Check]:
        """Return the checks of a stage."""
        from seaway.tasks.tabular.checks import CHECKS

        return CHECKS.get(stage, ())

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        """Return the contract: everything about a table's answers is known before training."""
        return contract

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        """Draw what a person would look at to judge the candidate."""
        from seaway.tasks.tabular.figures import figures

        return figures(candidate)
