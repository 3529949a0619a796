"""A clustering inside the process that trained it: segments numbered by size, with a portrait of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from seaway.core.batch import Array, Batch, Json, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.engines import clusters as engine
from seaway.engines.clusters import Clusters, Nearest, Rule, Space
from seaway.tasks.segment.portrait import Portrait, portrait
from seaway.tasks.segment.standardise import space_of

INNER = 0.95
"""Share of a segment's training rows within the distance that outliers are measured by."""

DISTINCT = 1_000
"""Points among which segments are looked for first, before all are compared."""


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """A fitted clustering; `learnt` are figures for the record."""

    clusters: Clusters
    portrait: Portrait
    learnt: Mapping[str, float]

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return scores, distances and outlier ratios side by side (rows, 3K)."""
        return {"margin": engine.predict(self.clusters, batch.x)}

    def export(self) -> Program:
        """Return the same arithmetic as a program."""
        from seaway.engines.clusters_graph import clusters_program

        return clusters_program(self.clusters)

    def edges(self) -> Mapping[int, Array]:
        """Return nothing: segments meet along surfaces, not at values of one column."""
        return {}

    def importance(self) -> Array:
        """Return each matrix column's share of the variance between segments, summing to 1."""
        return self.portrait.importance(self.clusters.space.features)

    @property
    def told(self) -> Mapping[str, Json]:
        """What figures need: by segment its count, and how far it lies from all rows in each column."""
        seen = self.portrait
        return {
            "counts": seen.counts.tolist(),
            "columns": seen.columns.tolist(),
            "apart": np.round(seen.apart, 4).tolist(),
        }


@dataclass(frozen=True, kw_only=True)
class Points:
    """Training rows in their space: x (rows, features), z (rows, D)."""

    space: Space
    x: Array
    z: Array

    @staticmethod
    def of(train: Sample, contract: Contract) -> Points:
        """Measure the space of the training rows and place them in it."""
        space = space_of(train.batch.x, contract)
        return Points(space=space, x=train.batch.x, z=engine.points(space, train.batch.x))

    def are_enough(self, segments: int) -> bool:
        """Say whether so many points differ."""
        return any(len(np.unique(part, axis=0)) >= segments for part in (self.z[:DISTINCT], self.z))


def grouped(points: Points, centers: Array, rule: Rule, learnt: Mapping[str, float] | None = None) -> Grouped:
    """Number the segments by size, and measure their spreads and portraits; equal sizes go by their centers."""
    clusters = Clusters(space=points.space, centers=centers, spread=np.ones(len(centers)), rule=rule)
    own = engine.scores(clusters, points.z).argmax(axis=1)
    counts = np.bincount(own, minlength=len(centers))
    order = np.lexsort((*centers.T[::-1], -counts))
    clusters = engine.ordered(clusters, order)
    segment = np.argsort(order)[own]
    distance = np.linalg.norm(points.z - clusters.centers[segment], axis=1)
    return Grouped(
        clusters=replace(clusters, spread=_spread(distance, segment, len(centers))),
        portrait=portrait(points.space, points.x, points.z, segment, len(centers)),
        learnt=learnt or {},
    )


def one_segment(points: Points, segments: int, learnt: Mapping[str, float] | None = None) -> Grouped:
    """Return what a model answers that found nothing usable: one segment for all, as far from each center as from any.

    Its silhouette is zero, the worst there is, so no such trial is ever chosen over one that found something.
    """
    centers = np.repeat(points.z.mean(axis=0, keepdims=True), segments, axis=0)
    return grouped(points, centers, Nearest(), learnt)


def _spread(distance: Array, segment: Array, segments: int) -> Array:
    """Return the 95th percentile of each segment's distances; rows that coincide get a hundredth of the whole's."""
    whole = float(np.quantile(distance, INNER))
    least = whole / 100 if whole > 0 else 1.0
    found = [np.quantile(distance[segment == k], INNER) if (segment == k).any() else whole for k in range(segments)]
    return np.maximum(found, least)
