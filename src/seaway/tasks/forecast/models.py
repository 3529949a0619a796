"""The models of series, baselines first."""

from __future__ import annotations

from seaway.core.contract import Contract
from seaway.core.protocols import Model
from seaway.tasks.forecast.lagged import GlobalForest
from seaway.tasks.forecast.naive import LineDrift, Naive, SeasonNaive

MODELS: tuple[type[Model], ...] = (Naive, SeasonNaive, LineDrift, GlobalForest)
"""Add a model here."""


def models(contract: Contract) -> list[Model]:
    """Return the models that can learn under the contract."""
    return [model for model in (kind() for kind in MODELS) if model.supports(contract).outcome != "fail"]
