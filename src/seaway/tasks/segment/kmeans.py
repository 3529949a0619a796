"""K-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007): the best of several."""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.cluster import KMeans as Lloyd

from seaway.core.batch import Array, Sample
from seaway.core.chance import monotonic, rng
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.clusters import Nearest
from seaway.tasks.segment.fitted import Grouped, Points, grouped, one_segment
from seaway.tasks.segment.space import one_thread, segments, takes

STARTS = 10


class KMeans:
    """Round segments of like size: each row belongs to the nearest center, each center is the mean of its rows."""

    name = "kmeans"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any matrix with a column."""
        return takes(self.name, "T311", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the number of segments."""
        return {"segments": segments(train, 4)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Grouped:
        """Keep the best of several starts; the first is finished whatever the time."""
        points, count = Points.of(train, contract), int(params["segments"])
        if not points.are_enough(count):
            return one_segment(points, count)
        return grouped(points, centers(points.z, count, seed, until), Nearest())


def centers(z: Array, count: int, seed: int, until: float) -> Array:
    """Return the centers (count, D) with the least sum of squared distances."""
    fits: list[Lloyd] = []
    with one_thread():
        for start in rng("kmeans", seed).integers(2**31 - 1, size=STARTS).tolist():
            fits.append(Lloyd(n_clusters=count, n_init=1, random_state=start).fit(z))
            if monotonic() > until:
                break
    best: Array = min(fits, key=lambda fit: float(fit.inertia_)).cluster_centers_
    return best
