"""The form of a clustering over the encoded matrix: rows become points, points are scored against segments and measured from them.

Notation: F features, D dimensions, K segments, n numbers, c categories. A segment is the one with the greatest score; its
distances are Euclidean, from the point to each segment's center; its outlier ratio is the distance to a center over the
distance within which 95 % of that segment's training rows lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import CODE_OTHER
from seaway.core.errors import InexactExport

BLOCK = 4096
"""Points looked at together where the memory goes with points x cores."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Where rows become points: standardised numbers first, then the places of each category's codes.

    `numbers` (n,) and `codes` (c,) are features. A missing number takes `fill`; with a `unit` above zero it becomes
    sign(v) log(1 + |v| / unit), as its size matters in times rather than in steps; then (v - center) / scale. Code k of
    category j lies at `tables[j][k]` (codes of j, width of j); a code without a place counts as other.
    """

    features: int
    numbers: Array
    fill: Array
    unit: Array
    center: Array
    scale: Array
    codes: Array
    tables: tuple[Array, ...]

    def __post_init__(self) -> None:
        _check_space(self)

    @property
    def width(self) -> int:
        """Number of dimensions D."""
        return len(self.numbers) + sum(int(table.shape[1]) for table in self.tables)


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """score = -(squared distance to the center)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaussians:
    """score = constant - |(point - mean) root|^2 / 2: the log of weight times density (Bishop 2006, eq. 9.11).

    mean (K, D); root (K, D, D) with root root^T = the inverse covariance, or (K, D) where covariances are diagonal.
    """

    mean: Array
    root: Array
    constant: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Cores:
    """score = -(squared distance to the nearest core of the segment): points (m, D), their segments (m,).

    Scores are rounded to float32, so that points as far from two segments as rows on a grid can be stay ties for every
    way of summing.
    """

    points: Array
    segment: Array


Rule = Nearest | Gaussians | Cores


@dataclass(frozen=True, kw_only=True, eq=False)
class Clusters:
    """A space, centers (K, D), `spread` (K,), the 95th percentile of the distance to the own center, and the rule."""

    space: Space
    centers: Array
    spread: Array
    rule: Rule

    def __post_init__(self) -> None:
        _check_clusters(self)

    @property
    def segments(self) -> int:
        """Number of segments K."""
        return len(self.centers)


def points(space: Space, x: Array) -> Array:
    """Return the points (rows, D) float64 of x (rows, F) float32."""
    values = x[:, space.numbers].astype(np.float64)
    values = np.where(np.isnan(values), space.fill, values)
    values = scaled(values, space.unit)
    parts = [(values - space.center) / space.scale]
    for place, table in zip(space.codes.tolist(), space.tables, strict=True):
        code = x[:, place]
        known = (code >= 0) & (code < len(table))
        parts.append(table[np.where(known, code, CODE_OTHER).astype(np.int64)])
    return np.hstack(parts)


def scaled(values: Array, unit: Array) -> Array:
    """Return sign(v) log(1 + |v| / unit) where there is a unit, and the value as it stands elsewhere."""
    logs = np.sign(values) * np.log(1.0 + np.abs(values) / np.where(unit > 0, unit, 1.0))
    return np.where(unit > 0, logs, values)


def predict(clusters: Clusters, x: Array) -> Array:
    """Return the margins (rows, 3K) of x (rows, F): K scores, K distances, K outlier ratios."""
    return margins(clusters, points(clusters.space, x))


def margins(clusters: Clusters, z: Array) -> Array:
    """Return the margins (rows, 3K) of points (rows, D)."""
    distance = np.sqrt(squared(z, clusters.centers))
    return np.hstack([scores(clusters, z), distance, distance / clusters.spread])


def squared(z: Array, centers: Array) -> Array:
    """Return the squared distances (rows, K)."""
    return np.stack([((z - center) ** 2).sum(axis=1) for center in centers], axis=1)


def scores(clusters: Clusters, z: Array) -> Array:
    """Return the scores (rows, K)."""
    rule = clusters.rule
    if isinstance(rule, Gaussians):
        return rule.constant - 0.5 * np.stack([_far(z, rule, k) for k in range(clusters.segments)], axis=1)
    if isinstance(rule, Cores):
        parts = [_near(z[start : start + BLOCK], rule, clusters.segments) for start in range(0, len(z), BLOCK)]
        return np.concatenate(parts) if parts else np.zeros((0, clusters.segments))
    return -squared(z, clusters.centers)


def ordered(clusters: Clusters, order: Array) -> Clusters:
    """Return the clusters with segment `order[k]` in place k."""
    rule = clusters.rule
    if isinstance(rule, Gaussians):
        rule = Gaussians(mean=rule.mean[order], root=rule.root[order], constant=rule.constant[order])
    elif isinstance(rule, Cores):
        places = np.argsort(order)
        rule = Cores(points=rule.points, segment=places[rule.segment])
    return replace(clusters, centers=clusters.centers[order], spread=clusters.spread[order], rule=rule)


def answers(margin: Array) -> Mapping[str, Array]:
    """Return the outputs by name of margins (rows, 3K): segment, distances, outlier. The graph gives the same."""
    score, distance, ratio = np.split(margin, 3, axis=1)
    segment = score.argmax(axis=1).astype(np.int64)
    outlier = np.take_along_axis(ratio, segment[:, None], axis=1)[:, 0]
    return {"segment": segment, "distances": distance, "outlier": outlier}


def _far(z: Array, rule: Gaussians, k: int) -> Array:
    """Return the squared distance to a mean in units of its covariance (Mahalanobis)."""
    gap = z - rule.mean[k]
    turned = gap @ rule.root[k] if rule.root.ndim == 3 else gap * rule.root[k]
    return np.asarray((turned**2).sum(axis=1))


def _near(z: Array, rule: Cores, segments: int) -> Array:
    size = (z**2).sum(axis=1, keepdims=True)
    parts = []
    for k in range(segments):
        core = rule.points[rule.segment == k]
        gap = size - 2.0 * (z @ core.T) + (core**2).sum(axis=1)
        parts.append(-gap.min(axis=1))
    with np.errstate(over="ignore"):  # a point that far is as far from every core
        rounded = np.stack(parts, axis=1).astype(np.float32)
    return np.maximum(rounded.astype(np.float64), -LARGEST)


LARGEST = 3e38
"""Scores of cores are held above minus this: beyond it float32 is infinite."""


def _check_space(space: Space) -> None:
    n, c = len(space.numbers), len(space.codes)
    named = {"fill": space.fill, "unit": space.unit, "center": space.center, "scale": space.scale}
    used = np.concatenate([space.numbers, space.codes])
    wrong = [name for name, values in named.items() if values.shape != (n,) or not np.isfinite(values).all()]
    if wrong:
        what = f"{wrong[0]} is not one finite number per number"
    elif (space.scale <= 0).any() or (space.unit < 0).any():
        what = "a scale is not above zero"
    elif len(space.tables) != c or any(table.ndim != 2 or len(table) <= CODE_OTHER for table in space.tables):
        what = "a category's table lacks the places for missing and other"
    elif len(set(used.tolist())) < len(used) or (used < 0).any() or (used >= space.features).any() or not len(used):
        what = "a feature is used twice or is not there"
    else:
        return
    raise _malformed(what)


def _check_clusters(clusters: Clusters) -> None:
    k, d = clusters.segments, clusters.space.width
    arrays = {"centers": (clusters.centers, (k, d)), "spread": (clusters.spread, (k,))}
    rule = clusters.rule
    if isinstance(rule, Gaussians):
        arrays |= {"mean": (rule.mean, (k, d)), "constant": (rule.constant, (k,))}
        arrays["root"] = (rule.root, (k, d, d) if rule.root.ndim == 3 else (k, d))
    elif isinstance(rule, Cores):
        arrays["points"] = (rule.points, (len(rule.segment), d))
        if set(rule.segment.tolist()) != set(range(k)):
            raise _malformed("a segment has no core")
    for name, (values, shape) in arrays.items():
        if values.shape != shape or not np.isfinite(values).all():
            raise _malformed(f"{name} has the wrong shape, or a value that is not finite")
    if not k or (clusters.spread <= 0).any():
        raise _malformed("a spread is not above zero")


def _malformed(what: str) -> InexactExport:
    return InexactExport(
        f"The clustering is not well formed: {what}",
        where="engines.clusters",
        fix="Check what the trainer handed over (a diverged fit gives infinite values).",
    )
