"""The models of segments, baselines first."""

from __future__ import annotations

from seaway.core.contract import Contract
from seaway.core.protocols import Model
from seaway.tasks.segment.centres import RandomCentres
from seaway.tasks.segment.density import Density
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.mixture import Mixture

MODELS: tuple[type[Model], ...] = (RandomCentres, KMeans, Mixture, Density)
"""Add a model here."""


def models(contract: Contract) -> list[Model]:
    """Return the models that can learn under the contract."""
    return [model for model in (kind() for kind in MODELS) if model.supports(contract).outcome != "fail"]
