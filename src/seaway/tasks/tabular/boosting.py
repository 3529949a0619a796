"""Gradient boosted trees by LightGBM, native categories by code, stopped early on rows that the trees never see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines import forest
from seaway.engines.forest import Forest
from seaway.tasks.learners import lightgbm as learner
from seaway.tasks.tabular.start import Problem, Start, problem, start, takes, targets, truth, weights

GROWTH = 0.5
"""Rounds grow with the rows to this power. Measured by log loss on six public sets with the factors 0.8 to 2 for half as
many rows again: 1.0 and 1.22 (the root) are best in turn, 1.5 (proportional) overfits four of them."""

MOST_GROWTH = 2.0

FEWEST_TO_BAG = 20
"""Rows below which a random part of them may be none at all, which LightGBM does not survive."""

OBJECTIVE: dict[Problem, dict[str, str]] = {
    "binary": {"objective": "binary", "metric": "binary_logloss"},
    "multiclass": {"objective": "multiclass", "metric": "multi_logloss"},
    "regression": {"objective": "regression", "metric": "l2"},
}


class Boosting:
    """LightGBM. `fit` with `valid` stops early and says after how many rounds; without, it boosts `rounds` rounds."""

    name = "lightgbm"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any matrix with a column."""
        return takes(self.name, "T012", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the hyper-parameters; defaults suit a few hundred to a few hundred thousand rows."""
        rows = train.batch.rows
        leaves = float(np.clip(rows // 20, 4, 255))
        return {
            "learning_rate": Range(default=0.05, low=0.02, high=0.2, log=True),
            "num_leaves": Range(default=int(min(31, max(4, rows // 40))), low=3, high=leaves, log=True, integer=True),
            "min_data_in_leaf": Range(default=20, low=2, high=200, log=True, integer=True),
            "feature_fraction": Range(default=0.8, low=0.2, high=1.0),
            "bagging_fraction": Range(default=0.8, low=0.4, high=1.0),
            "lambda_l1": Range(default=1e-3, low=1e-4, high=10.0, log=True),
            "lambda_l2": Range(default=1.0, low=1e-3, high=50.0, log=True),
            "cat_smooth": Range(default=10.0, low=1.0, high=200.0, log=True),
            "path_smooth": Range(default=0.1, low=1e-2, high=50.0, log=True),
        }

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Boosted:
        """Boost until the loss on `valid` has stopped falling, the rounds are done, or the time is up."""
        lightgbm = learner.library("tasks/tabular/boosting.py")
        begin = start(train, contract)
        settings = _settings(contract, params, seed, train.batch.rows)
        data = _dataset(lightgbm, train, begin, contract, settings)
        booster = lightgbm.Booster(settings, data)
        if valid is not None:
            booster.add_valid(_dataset(lightgbm, valid, begin, contract, settings, reference=data), "valid")
        rounds, patience = int(params.get("rounds", learner.ROUNDS)), learner.patience(settings["learning_rate"])
        best = learner.boost(booster, rounds, patience, valid is not None, until)
        booster.best_iteration = best
        booster.free_dataset()
        return Boosted(booster, begin, len(contract.encoded), {"rounds": best, "rows": train.batch.rows})

    def settle(self, params: Params, learnt: Sequence[Mapping[str, float]], rows: int) -> Params:
        """Return the parameters for learning on `rows` rows without validation, from what the folds learnt.

        With more evidence overfitting sets in later, so the rounds grow with the rows.
        """
        rounds = [fold["rounds"] * min(MOST_GROWTH, (rows / fold["rows"]) ** GROWTH) for fold in learnt]
        return {**params, "rounds": max(1, round(float(np.mean(rounds))))}


class Boosted:
    """A booster and where its margins start. Margin = start + scale * raw score."""

    def __init__(self, booster: Any, begin: Start, features: int, learnt: Mapping[str, float]) -> None:
        self.booster = booster
        self.begin = begin
        self.features = features
        self.learnt = learnt

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return LightGBM's raw scores, moved to their start."""
        width = len(self.begin.margin)
        if not batch.rows:
            return {"margin": np.zeros((0, width))}
        raw = learner.raw_scores(self.booster, batch.x).reshape(batch.rows, width)
        return {"margin": self.begin.margin + self.begin.scale * raw}

    def export(self) -> Program:
        """Return the trees as a program."""
        from seaway.engines.export import forest_program

        return forest_program(self.forest)

    def edges(self) -> Mapping[int, Array]:
        """Return the thresholds of numbers and the codes that categories are split by."""
        return forest.edges(self.forest)

    def importance(self) -> Array:
        """Return the share of the loss that splits on each feature took away."""
        return learner.gain(self.booster)

    @cached_property
    def forest(self) -> Forest:
        """The trees in Seaway's own form, with scale and start worked in."""
        from seaway.engines.readers.lightgbm import read

        trees = forest.scaled(read(self.booster), self.begin.scale)
        return replace(trees, base=trees.base + self.begin.margin)


def _settings(contract: Contract, params: Params, seed: int, rows: int) -> dict[str, Any]:
    """Return LightGBM's own parameters: fixed ones for the same answer every time, then those searched over."""
    kind = problem(contract)
    searched = learner.searched(params)
    if rows < FEWEST_TO_BAG:
        searched["bagging_fraction"] = 1.0
    return {
        "learning_rate": 0.05,
        "bagging_freq": 1,
        "min_data_per_group": 20,
        "max_cat_to_onehot": 4,
        **searched,
        **OBJECTIVE[kind],
        **({"num_class": targets(contract)} if kind == "multiclass" else {}),
        "boost_from_average": False,
        **learner.fixed(int(params.get("threads", 1)), rows, seed),
    }


def _dataset(
    lightgbm: Any, sample: Sample, begin: Start, contract: Contract, settings: Mapping[str, Any], reference: Any = None
) -> Any:
    """Bin a sample. Numbers are learnt relative to their start and spread, because LightGBM keeps labels in float32."""
    regression = problem(contract) == "regression"
    label = (truth(sample) - begin.margin[0]) / begin.scale if regression else truth(sample)
    rows = sample.batch.rows
    return lightgbm.Dataset(
        sample.batch.x,
        label=label,
        weight=weights(sample) if sample.weight is not None else None,
        init_score=None
        if regression
        else np.tile(begin.margin, (rows, 1)).squeeze(axis=1 if len(begin.margin) == 1 else ()),
        categorical_feature=list(contract.codes),
        reference=reference,
        params=dict(settings),
        free_raw_data=True,
    )
