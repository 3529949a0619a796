"""A mixture of Gaussians by expectation maximisation (Dempster et al. 1977)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.mixture import GaussianMixture

from seaway.core.batch import Sample
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.clusters import Gaussians
from seaway.tasks.segment.fitted import Grouped, Points, grouped, one_segment
from seaway.tasks.segment.kmeans import centers
from seaway.tasks.segment.space import one_thread, segments, takes

STEPS = 1_000
WIDEST = 30
"""Features up to which a segment may have correlations of its own: their number grows with the square."""


class Mixture:
    """Segments of any size and spread, and of any direction: each row belongs to the most likely Gaussian."""

    name = "mixture"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any matrix with a column."""
        return takes(self.name, "T312", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the number of segments, their shapes, and the variance that every direction has at least."""
        shapes = ("full", "diag") if train.batch.x.shape[1] <= WIDEST else ("diag",)
        return {
            "segments": segments(train, 3),
            "shape": Range(default=shapes[0], choices=shapes),
            "least": Range(default=1e-2, low=1e-3, high=0.3, log=True),
        }

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Grouped:
        """Maximise the likelihood, starting from the centers of k-means."""
        points, count = Points.of(train, contract), int(params["segments"])
        if not points.are_enough(count):
            return one_segment(points, count)
        model = GaussianMixture(
            count,
            covariance_type=params["shape"],
            reg_covar=float(params["least"]),
            means_init=centers(points.z, count, seed, until),
            max_iter=STEPS,
            random_state=seed,
        )
        with one_thread():
            model.fit(points.z)
        root = model.precisions_cholesky_
        diagonal = np.diagonal(root, axis1=1, axis2=2) if root.ndim == 3 else root
        constant = np.log(model.weights_) + np.log(diagonal).sum(axis=1) - points.space.width / 2 * np.log(2 * np.pi)
        return grouped(points, model.means_, Gaussians(mean=model.means_, root=root, constant=constant))
