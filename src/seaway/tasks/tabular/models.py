"""The models of tables, baselines first."""

from __future__ import annotations

from seaway.core.contract import Contract
from seaway.core.protocols import Model
from seaway.tasks.tabular.baseline import Baseline
from seaway.tasks.tabular.boosting import Boosting
from seaway.tasks.tabular.linear import Linear

MODELS: tuple[type[Model], ...] = (Baseline, Linear, Boosting)
"""Add a model here."""


def models(contract: Contract) -> list[Model]:
    """Return the models that can learn under the contract."""
    return [model for model in (kind() for kind in MODELS) if model.supports(contract).outcome != "fail"]
