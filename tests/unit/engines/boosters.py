"""Random LightGBM models, and rows that sit where their answers jump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest, edges

KINDS = ("binary", "multiclass", "regression")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A booster with the rows it learnt from; the first `categories` features are category codes."""

    booster: lightgbm.Booster
    x: Array
    categories: int
    kind: str


def trained(seed: int, /, **fixed: Any) -> Trained:
    """Train a small model on random data: some columns are codes, some cells are missing, some are zero."""
    rng = np.random.default_rng(seed)
    rows, features = int(rng.integers(40, 400)), int(rng.integers(1, 7))
    categories = int(rng.integers(0, features + 1))
    x = rng.normal(size=(rows, features)).astype(np.float32)
    for place in range(categories):
        x[:, place] = rng.integers(0, rng.integers(2, 90), rows)
    if rng.random() < 0.7:
        x[rng.random(x.shape) < 0.15] = np.nan
    if rng.random() < 0.5:
        x[rng.random(x.shape) < 0.2] = 0.0
    kind = fixed.pop("kind", KINDS[seed % 3])
    score = np.nan_to_num(x).sum(axis=1) + rng.normal(size=rows)
    params = {
        "objective": kind,
        "num_class": 3 if kind == "multiclass" else 1,
        "num_leaves": int(rng.integers(2, 32)),
        "min_data_in_leaf": int(rng.integers(1, 20)),
        "min_data_per_group": 1,
        "cat_smooth": 1.0,
        "max_cat_to_onehot": int(rng.integers(1, 6)),
        "use_missing": bool(rng.random() < 0.8),
        "zero_as_missing": bool(rng.random() < 0.2),
        "boosting": "dart" if rng.random() < 0.2 else "gbdt",
        "num_threads": 1,
        "deterministic": True,
        "verbose": -1,
        **fixed,
    }
    data = lightgbm.Dataset(x, _truth(kind, score), categorical_feature=list(range(categories)))
    booster = lightgbm.train(params, data, num_boost_round=int(rng.integers(1, 25)))
    return Trained(booster=booster, x=x, categories=categories, kind=kind)


def _truth(kind: str, score: Array) -> Array:
    if kind == "binary":
        return (score > np.median(score)).astype(float)
    return np.digitize(score, np.quantile(score, [0.3, 0.6])) if kind == "multiclass" else score * 100


def hard_rows(model: Trained, forest: Forest, seed: int) -> Array:
    """Return training rows, extreme rows, and rows on and beside every threshold of the forest, as float32."""
    rng = np.random.default_rng(seed)
    wild = (rng.normal(size=(80, model.x.shape[1])) * 5).astype(np.float32)
    for share, value in ((0.1, np.nan), (0.05, np.inf), (0.05, -np.inf), (0.05, 1e-36), (0.05, -1e-40), (0.05, 3e38)):
        wild[rng.random(wild.shape) < share] = value
    codes = rng.integers(-2, 200, (80, model.categories)).astype(np.float32)
    codes[rng.random(codes.shape) < 0.1] = np.nan
    wild[:, : model.categories] = codes
    rows = [model.x, wild]
    for feature, values in edges(forest).items():
        near = values.astype(np.float32)
        if feature >= model.categories:
            up, down = (np.nextafter(near, np.float32(to)) for to in (np.inf, -np.inf))
            near = np.concatenate([near, up, down])
        moved = model.x[rng.integers(0, len(model.x), len(near))].copy()
        moved[:, feature] = near
        rows.append(moved)
    return np.concatenate(rows)


def raw(model: Trained, x: Array) -> Array:
    """Return LightGBM's own margins (rows, targets)."""
    return np.asarray(model.booster.predict(x, raw_score=True)).reshape(len(x), -1)
