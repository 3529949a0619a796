"""One forest for all series and steps: LightGBM on what the engine of series sees of a window.

The trees learn (y - level) / scale, the design's own relative numbers, from origins all along the histories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.forest import Forest
from seaway.engines.series.design import Design, Origins, Plan, codes, names, plan
from seaway.engines.series.document import Lagged, member_program
from seaway.engines.series.forecast import lagged, of_series, planned
from seaway.engines.walk import GRAPH
from seaway.tasks.forecast.naive import series_only, window_of
from seaway.tasks.forecast.windows import design_of, origins_of, spread_evenly
from seaway.tasks.learners import lightgbm as learner

PAIRS = 150_000
"""Most steps of origins learnt from: more brought under 1 % on 414 hourly series, at the cost of as much more time."""

ROUNDS = 300
"""Rounds where neither other rows nor the parameters say how many."""

FAR = 20.0
"""Labels further off than this are held here: a break of one series would else drown all others in a squared loss."""

LEAST_GROWTH = 1e-3


class GlobalForest:
    """LightGBM over all series. `fit` with `valid` stops early and says after how many rounds."""

    name = "lightgbm"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any series of numbers."""
        return series_only(self.name, "F013", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the hyper-parameters; defaults suit one short series to hundreds of long ones."""
        rows = train.batch.rows
        leaves = int(np.clip(rows // 100, 4, 127))
        return {
            "objective": Range(default="l1", choices=("l1", "huber", "l2")),
            "learning_rate": Range(default=0.1, low=0.02, high=0.2, log=True),
            "num_leaves": Range(default=leaves, low=3, high=float(max(8, 2 * leaves)), log=True, integer=True),
            "min_data_in_leaf": Range(default=20, low=5, high=300, log=True, integer=True),
            "feature_fraction": Range(default=0.5, low=0.2, high=1.0),
            "bagging_fraction": Range(default=0.5, low=0.3, high=1.0),
            "lambda_l1": Range(default=1e-3, low=1e-4, high=10.0, log=True),
            "lambda_l2": Range(default=1.0, low=1e-3, high=50.0, log=True),
        }

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Grown:
        """Boost until the loss on `valid` has stopped falling, the rounds are done, or the time is up."""
        lightgbm = learner.library("tasks/forecast/lagged.py")
        target, horizon = of_series(contract)
        if contract.series is None:
            raise TypeError("of_series() has looked")
        design = design_of(contract, contract.series, window_of(contract.series))
        origins = origins_of(train, horizon, design.seasons[0], PAIRS, seed)
        lesson = _lesson(plan(design, train.batch, target, horizon, origins), train, origins)
        settings = {
            "bagging_freq": 1,
            "learning_rate": 0.1,
            **learner.searched(params),
            **learner.fixed(int(params.get("threads", 1)), len(lesson.label), seed),
        }
        shown = names(design, horizon)
        options = {"categorical_feature": [shown.index(name) for name in codes(design, contract)], "params": settings}
        data = lightgbm.Dataset(lesson.x, lesson.label, weight=lesson.weight, **options)
        booster = lightgbm.Booster(settings, data)
        watched = None if valid is None else _judged(design, valid, target, horizon)
        if watched is not None:
            asked = lightgbm.Dataset(watched.x, watched.label, weight=watched.weight, reference=data, **options)
            booster.add_valid(asked, "valid")
        rounds = int(params.get("rounds", ROUNDS if watched is None else learner.ROUNDS))
        best = learner.boost(booster, rounds, learner.patience(settings["learning_rate"]), watched is not None, until)
        booster.best_iteration = best
        booster.free_dataset()
        method = Lagged(design=design, growth=_growth(lesson, horizon, design.seasons[0]), graph="0/graph.onnx")
        return Grown(booster, method, contract, {"rounds": best, "rows": train.batch.rows})

    def settle(self, params: Params, learnt: Sequence[Mapping[str, float]], rows: int) -> Params:
        """Return the parameters for learning without validation: the rounds the folds took; pairs do not grow with rows."""
        return {**params, "rounds": max(1, round(float(np.mean([fold["rounds"] for fold in learnt]))))}


class Grown:
    """A booster and the design it looks through."""

    def __init__(self, booster: Any, method: Lagged, contract: Contract, learnt: Mapping[str, float]) -> None:
        self.booster = booster
        self.method = method
        self.contract = contract
        self.learnt = learnt

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return location and spread by LightGBM itself, NaN beyond the steps of a case."""
        seen = planned(self.method, batch, self.contract)
        return {"margin": lagged(self.method, seen, learner.raw_scores(self.booster, seen.x), batch.cases)}

    def export(self) -> Program:
        """Return design, spread and trees as a program."""
        from seaway.engines.export import forest_program

        return member_program(self.method, forest_program(self.forest).files[GRAPH])

    def edges(self) -> Mapping[int, Array]:
        """Return nothing: answers jump where relations between rows do, not at values of one column."""
        return {}

    def importance(self) -> Array:
        """Return the weight of each matrix column beside the other columns; what lags and calendar weigh is left out."""
        columns = self.contract.encoded
        weight = np.zeros(len(columns))
        for name, share in self._shares():
            kind, _, rest = name.partition(".")
            if kind in ("past", "ahead", "fixed"):
                weight[int(rest.partition(".")[0])] += share
        return weight / weight.sum() if weight.sum() > 0 else weight

    def design_importance(self) -> dict[str, float]:
        """Return the share of the loss that each feature of the design took away, largest first, columns by their names."""
        shown: dict[str, float] = {}
        for name, share in self._shares():
            kind, _, rest = name.partition(".")
            if kind in ("past", "ahead", "fixed"):
                place, _, change = rest.partition(".")
                name = ".".join(part for part in (self.contract.encoded[int(place)], change) if part)
            shown[name] = shown.get(name, 0.0) + share
        return dict(sorted(shown.items(), key=lambda item: -item[1]))

    @property
    def told(self) -> dict[str, object]:
        """What the figures of this task show of the model: the features of its design by what they took away of the loss."""
        return {"design": self.design_importance()}

    @cached_property
    def forest(self) -> Forest:
        """The trees in Seaway's own form."""
        from seaway.engines.readers.lightgbm import read

        return read(self.booster)

    def _shares(self) -> list[tuple[str, float]]:
        horizon = of_series(self.contract)[1]
        return list(zip(names(self.method.design, horizon), learner.gain(self.booster).tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Rows for the trees with what came true, relative to the design's level and scale; `history` rows lie before each origin."""

    x: Array
    label: Array
    weight: Array
    step: Array
    history: Array


def _lesson(seen: Plan, sample: Sample, origins: Origins) -> Lesson:
    """Set the truth beside a plan; steps whose truth nobody knows teach nothing."""
    if sample.truth is None:
        raise TypeError("a sample to learn from has truth")
    rows = origins.origin[seen.place] + seen.step - 1
    with np.errstate(over="ignore", invalid="ignore"):
        label = (sample.truth[rows] - seen.level) / seen.scale
    known = np.flatnonzero(~np.isnan(label))
    if not len(known):
        raise BadInput(
            "No series has a known value with history before it",
            where="the rows to learn from",
            fix="Bring longer series, or a shorter horizon.",
            code="too-few-rows",
        )
    series = np.unique(origins.first, return_inverse=True)[1][seen.place]
    weight = None if sample.weight is None else sample.weight[rows][known]
    return Lesson(
        x=seen.x[known],
        label=np.clip(label[known], -FAR, FAR),
        weight=spread_evenly(series[known], weight),
        step=seen.step[known],
        history=(origins.origin - origins.first)[seen.place[known]],
    )


def _judged(design: Design, valid: Sample, target: str, horizon: int) -> Lesson | None:
    """Return the asked steps of a sample with their truth; None where none is known."""
    origins = Origins.of(valid.batch)
    if valid.truth is None or not (valid.batch.steps > 0).any():
        return None
    ahead = np.arange(valid.batch.rows) >= np.repeat(origins.origin, np.diff(valid.batch.starts))
    if np.isnan(valid.truth[ahead]).all():
        return None
    return _lesson(plan(design, valid.batch, target, horizon, origins), valid, origins)


def _growth(lesson: Lesson, horizon: int, season: int) -> tuple[float, ...]:
    """Return by step how far series moved from their level, in units of the scale (steps,).

    It rests on the data alone, not on how well the trees fit: members of different folds then have comparable spreads, and
    the quantiles found on some hold for the others. Origins without a season behind their steps have no seasonal level, and
    say nothing about those that have: they count only where there are no others.
    """
    whole = lesson.history >= season + horizon
    if not whole.any():
        whole = lesson.history >= np.median(lesson.history)
    place, w = lesson.step[whole] - 1, lesson.weight[whole]
    weight = np.bincount(place, weights=w, minlength=horizon)
    total = np.bincount(place, weights=w * np.abs(lesson.label[whole]), minlength=horizon)
    mean = float(total.sum() / weight.sum())
    size = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), mean)
    return tuple(np.maximum(size, LEAST_GROWTH).tolist())
