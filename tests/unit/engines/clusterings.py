"""Clusterings of every rule over a matrix with plain, logged and missing numbers, and categories."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.engines.clusters import Clusters, Cores, Gaussians, Nearest, Rule, Space

FEATURES = 6
RULES = ("nearest", "full", "diagonal", "cores")


def space(*, numbers: bool = True, codes: bool = True) -> Space:
    """Three numbers, the second logged; two categories whose codes share places."""
    first = np.array([[0.0, 0.0], [0.7, 0.0], [0.0, 0.7], [0.7, 0.0], [0.0, 0.0]])
    second = np.array([[0.7], [0.0], [0.7]])
    n = 3 if numbers else 0
    return Space(
        features=FEATURES,
        numbers=np.array([0, 2, 4], dtype=np.int64)[:n],
        fill=np.array([0.5, 3.0, -1.0])[:n],
        unit=np.array([0.0, 2.0, 0.0])[:n],
        center=np.array([0.1, 1.0, -2.0])[:n],
        scale=np.array([1.0, 0.5, 30.0])[:n],
        codes=np.array([1, 5], dtype=np.int64)[: 2 if codes else 0],
        tables=(first, second) if codes else (),
    )


def clusters(rule: str, segments: int = 3, *, seed: int = 0, of: Space | None = None) -> Clusters:
    """Draw a clustering."""
    rng = np.random.default_rng([seed, segments])
    where = space() if of is None else of
    shape = (segments, where.width)
    rules: dict[str, Rule] = {
        "nearest": Nearest(),
        "full": Gaussians(
            mean=rng.normal(size=shape),
            root=rng.normal(size=(*shape, where.width)),
            constant=rng.normal(size=segments),
        ),
        "diagonal": Gaussians(
            mean=rng.normal(size=shape), root=rng.uniform(0.1, 3, shape), constant=rng.normal(size=segments)
        ),
        "cores": Cores(
            points=rng.normal(size=(segments * 4, where.width)),
            segment=rng.permutation(np.arange(segments * 4) % segments),
        ),
    }
    return Clusters(space=where, centers=rng.normal(size=shape), spread=rng.uniform(0.5, 3, segments), rule=rules[rule])


def rows(count: int, seed: int = 0) -> Array:
    """Draw rows (count, 6) float32 with missing values, unseen codes and extremes."""
    rng = np.random.default_rng([seed, 2])
    x = np.empty((count, FEATURES), dtype=np.float32)
    x[:, [0, 2, 4]] = rng.normal(size=(count, 3)) * [1, 10, 100]
    x[:, 1] = rng.integers(0, 7, count)
    x[:, 3] = rng.normal(size=count)
    x[:, 5] = rng.integers(0, 4, count)
    x[rng.random((count, FEATURES)) < 0.1] = np.nan
    x[:, [1, 5]] = np.nan_to_num(x[:, [1, 5]])
    x[0, [0, 2, 4]] = [3e38, -3e38, 3e38]
    x[1, [0, 2, 4]] = [0.0, -0.0, 1e-40]
    return x
