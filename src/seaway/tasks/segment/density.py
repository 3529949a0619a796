"""Dense regions with thin ground between them: HDBSCAN (Campello et al. 2013), exported as the nearest of stored core rows.

HDBSCAN says which of its training rows belong together and has no rule for any other row. The rule here is the nearest
row that it put into a segment; where that rule tells more than one training row in twenty otherwise than HDBSCAN did,
or too few segments come out, the fit is not exportable and answers one segment for all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import HDBSCAN

from seaway.core.batch import Array, Sample
from seaway.core.chance import rng
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.clusters import Cores
from seaway.tasks.segment.fitted import Grouped, Points, grouped, one_segment
from seaway.tasks.segment.space import one_thread, segments, takes

ROWS = 4_000
CORES = 1_000
DISAGREE = 0.05
SIZES = (0.25, 0.15, 0.1, 0.06, 0.04, 0.025, 0.015, 0.01)
"""Least sizes of a segment, as shares of the rows, that are tried from the largest on."""


class Density:
    """Segments of any form: each row belongs where its nearest core row does."""

    name = "density"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any matrix with a column."""
        return takes(self.name, "T313", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the number of segments, and how many neighbours make a row's ground dense."""
        return {"segments": segments(train, 2), "neighbours": Range(default=10, low=3, high=30, log=True, integer=True)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Grouped:
        """Find the largest segments; at most `ROWS` rows, drawn by chance, are looked at."""
        points, count = Points.of(train, contract), int(params["segments"])
        generator = rng("density", seed)
        drawn = np.sort(generator.permutation(len(points.z))[:ROWS])
        z = points.z[drawn]
        label = labels(z, count, int(params["neighbours"]))
        if label is None:
            return one_segment(points, count, {"found": 0.0})
        cores = _spread_out(label, generator)
        rule = Cores(points=z[cores], segment=label[cores])
        means = np.stack([z[label == k].mean(axis=0) for k in range(count)])
        held = label >= 0
        made = grouped(points, means, rule)
        disagreement = float(np.mean(_by_rule(z[held], rule) != label[held]))
        learnt = {"found": 1.0, "disagreement": disagreement, "outside": float(np.mean(~held))}
        if disagreement > DISAGREE:
            return one_segment(points, count, learnt)
        return Grouped(clusters=made.clusters, portrait=made.portrait, learnt=learnt)


def labels(z: Array, count: int, neighbours: int) -> Array | None:
    """Return the segment of each point (rows,), -1 for points outside; None where fewer than `count` come out.

    Segments may be as small as need be, and no smaller; of more than `count` the largest are kept.
    """
    for share in SIZES:
        least = max(5, round(share * len(z)))
        neighbours = min(neighbours, len(z) - 1)
        with one_thread():
            found = HDBSCAN(min_cluster_size=least, min_samples=neighbours, copy=True).fit_predict(z)
        sizes = np.bincount(found[found >= 0], minlength=1)
        if (sizes > 0).sum() >= count:
            place = np.full(len(sizes) + 1, -1)
            place[np.argsort(-sizes, kind="stable")[:count]] = np.arange(count)
            return np.asarray(place[found])
    return None


def _spread_out(label: Array, generator: np.random.Generator) -> Array:
    """Draw the core rows: as many of each segment as it has, up to an equal share of those that can be stored."""
    each = CORES // (int(label.max()) + 1)
    drawn = [generator.permutation(np.flatnonzero(label == k))[:each] for k in range(int(label.max()) + 1)]
    return np.sort(np.concatenate(drawn))


def _by_rule(z: Array, rule: Cores) -> Array:
    """Return the segment of the nearest core of each point."""
    size = (rule.points**2).sum(axis=1)
    return np.asarray(rule.segment[(size - 2 * z @ rule.points.T).argmin(axis=1)])
