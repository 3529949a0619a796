"""The model to beat: class shares, or the mean, whatever the row says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.protocols import Fitted, Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.additive import constant
from seaway.tasks.tabular.start import start, together


class Baseline:
    """Answers every row alike."""

    name = "baseline"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes: there is always a majority or a mean."""
        return Verdict(code="T010", outcome="pass", subject=self.name, message="A baseline can always be computed")

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return nothing: there is nothing to choose."""
        return {}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Fitted:
        """Measure the class shares or the mean."""
        return Constant(start(together(train, valid), contract).margin, len(contract.encoded))


class Constant:
    """One margin (targets,) for all."""

    def __init__(self, margin: Array, features: int) -> None:
        self.margin = margin
        self.features = features

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return the same margin for each case."""
        return {"margin": np.tile(self.margin, (batch.cases, 1))}

    def export(self) -> Program:
        """Return the constant as a program."""
        from seaway.engines.export import additive_program

        return additive_program(constant(self.margin, self.features))

    def edges(self) -> Mapping[int, Array]:
        """Return nothing: the answer never jumps."""
        return {}

    def importance(self) -> Array:
        """Return zeros: no feature matters."""
        return np.zeros(self.features)
