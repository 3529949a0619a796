"""The model to beat: rows drawn by chance as centers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Sample
from seaway.core.chance import rng
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.clusters import Nearest
from seaway.tasks.segment.fitted import Grouped, Points, grouped, one_segment

SEGMENTS = 4


class RandomCentres:
    """Each row belongs to the nearest of four rows."""

    name = "random-centres"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes: there are always rows to draw."""
        return Verdict(code="T310", outcome="pass", subject=self.name, message="Rows can always be drawn")

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return nothing: there is nothing to choose."""
        return {}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Grouped:
        """Draw the rows."""
        points = Points.of(train, contract)
        distinct = np.unique(points.z, axis=0)
        if len(distinct) < SEGMENTS:
            return one_segment(points, SEGMENTS)
        drawn = rng("centres", seed).choice(len(distinct), SEGMENTS, replace=False)
        return grouped(points, distinct[drawn], Nearest())
