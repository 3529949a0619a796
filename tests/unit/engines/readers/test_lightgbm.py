from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from seaway.core.errors import InexactExport
from seaway.engines.forest import ZERO, predict
from seaway.engines.readers.lightgbm import read
from tests.unit.engines.boosters import KINDS, hard_rows, raw, trained

PLAIN = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 1, "num_leaves": 4}
X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = (X[:, 0] > 17).astype(float)


def fitted(
    params: dict[str, object] | None = None, x: np.ndarray = X, y: np.ndarray = Y, rounds: int = 3
) -> lightgbm.Booster:
    return lightgbm.train({"objective": "regression", **PLAIN, **(params or {})}, lightgbm.Dataset(x, y), rounds)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_the_forest_answers_as_the_booster_to_the_last_bit(kind: str, seed: int) -> None:
    model = trained(seed, kind=kind)
    forest = read(model.booster)
    x = hard_rows(model, forest, seed)
    assert np.array_equal(predict(forest, x), raw(model, x))
    assert forest.targets == (3 if kind == "multiclass" else 1)


@pytest.mark.parametrize("zero_as_missing", [False, True])
@pytest.mark.parametrize("use_missing", [False, True])
def test_each_meaning_of_missing_is_kept(use_missing: bool, zero_as_missing: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan], size=(400, 3)).astype(np.float32)
    y = np.nan_to_num(x, nan=3.0).sum(axis=1) + rng.normal(size=400)
    booster = fitted({"use_missing": use_missing, "zero_as_missing": zero_as_missing}, x, y, rounds=10)
    forest = read(booster)
    assert bool(forest.zeros) == (use_missing and zero_as_missing)
    edge = np.array(
        [np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e-35, -1e-35, 2e-35, -2e-35, 1e-45, np.inf, -np.inf], dtype=np.float32
    )
    grid = np.array(np.meshgrid(edge, edge, edge)).reshape(3, -1).T.astype(np.float32)
    assert np.array_equal(predict(forest, grid)[:, 0], booster.predict(grid, raw_score=True))


def test_thresholds_near_zero_part_the_inputs_that_lightgbm_reads_as_zero() -> None:
    text = fitted(rounds=1).model_to_string()
    lines = [line for line in text.splitlines() if line.startswith("threshold=")]
    for threshold in ("1e-40", "0", "-0.0", "-1e-40", "1.0000000180025095e-35", "-1.0000000180025095e-35"):
        count = len(lines[0].split())
        changed = text.replace(lines[0], "threshold=" + " ".join([threshold] * count))
        booster = lightgbm.Booster(model_str=changed)
        x = np.array(
            [[v, v] for v in (0.0, 1e-45, -1e-45, 1e-36, -1e-36, ZERO, -ZERO, 2e-35, -2e-35)], dtype=np.float32
        )
        assert np.array_equal(predict(read(changed), x)[:, 0], booster.predict(x, raw_score=True)), threshold


def test_categories_beyond_one_word_of_bits_are_read() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 300, (3_000, 1)).astype(np.float32)
    y = np.isin(codes[:, 0], [0, 31, 32, 63, 64, 255, 299]) * 5.0 + rng.normal(size=3_000) * 0.1
    params = {**PLAIN, "objective": "regression", "min_data_per_group": 1, "cat_smooth": 0.1, "max_cat_threshold": 64}
    booster = lightgbm.train(params, lightgbm.Dataset(codes, y, categorical_feature=[0]), 5)
    forest = read(booster)
    assert forest.members.max() > 64
    every = np.append(np.arange(-3, 400), [np.nan, 1e6, -1e6]).astype(np.float32)[:, None]
    assert np.array_equal(predict(forest, every)[:, 0], booster.predict(every, raw_score=True))


def test_only_the_best_iterations_are_read() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(300, 3)).astype(np.float32), rng.normal(size=300)
    train, valid = lightgbm.Dataset(x[:200], y[:200]), lightgbm.Dataset(x[200:], y[200:])
    stop = lightgbm.early_stopping(3, verbose=False)
    booster = lightgbm.train(
        {"objective": "l2", **PLAIN}, train, 50, valid_sets=[valid], callbacks=[stop], keep_training_booster=True
    )
    assert booster.best_iteration < booster.current_iteration()
    forest = read(booster)
    assert forest.trees == booster.best_iteration
    assert np.array_equal(predict(forest, x)[:, 0], booster.predict(x, raw_score=True))


def test_a_model_that_learnt_nothing_is_trees_of_one_leaf() -> None:
    booster = fitted(y=np.full(20, 4.5), rounds=2)
    forest = read(booster)
    assert forest.nodes == 0
    assert np.array_equal(predict(forest, X)[:, 0], booster.predict(X, raw_score=True))


def test_a_saved_model_is_read_like_the_booster(tmp_path: Path) -> None:
    booster = fitted()
    booster.save_model(tmp_path / "model.txt")
    text = (tmp_path / "model.txt").read_text(encoding="utf-8")
    assert np.array_equal(read(text).leaf_value, read(booster).leaf_value)


def test_covers_are_the_rows_in_each_leaf() -> None:
    forest = read(fitted(rounds=1))
    assert forest.leaf_cover.sum() == 20


def test_linear_trees_are_refused() -> None:
    with pytest.raises(InexactExport, match="linear_tree puts a regression into each leaf"):
        read(fitted({"linear_tree": True}))


def test_averaging_is_refused() -> None:
    with pytest.raises(InexactExport, match="boosting=rf averages its trees"):
        read(fitted({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}))


def test_a_model_without_trees_is_refused() -> None:
    empty = fitted().model_to_string(num_iteration=1).split("\nTree=0")[0] + "\nend of trees\n"
    with pytest.raises(InexactExport, match="has no trees"):
        read(empty)


def test_another_text_is_refused() -> None:
    with pytest.raises(InexactExport, match="not a LightGBM model"):
        read("<PMML/>")
