"""Backtests of known quality: series of any size, origins oldest first, residuals from a law that the test knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Candidate, Lineage, Score, Witness
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.engines.series.finish import Finish, program
from seaway.tasks.forecast.finish import Finished

HORIZON = 6
Law = Callable[[np.random.Generator, Array], Array]


def contract(horizon: int = HORIZON, *, target: Column | None = None) -> Contract:
    """Make a contract of daily series."""
    y = msgspec.structs.replace(target or Column(name="y", kind="number"), role="target", encode="array")
    return Contract(
        task="forecast",
        per="series",
        columns=(
            Column(name="id", kind="category", role="id"),
            Column(name="day", kind="time", role="time", encode="none"),
            y,
        ),
        series=Series(frequency="1d", season=7, horizon=horizon, history=30),
        truth=Column(name=y.name, kind="number"),
        outputs=(
            Output(name="mean", kind="number", axes=("step",)),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=tuple(f"{q:g}" for q in LEVELS)),
        ),
    )


def normal(generator: np.random.Generator, step: Array) -> Array:
    """Residuals that grow with the step, as those of a random walk do."""
    return generator.normal(size=len(step)) * np.sqrt(step)


def backtests(
    seed: int = 0,
    *,
    series: int = 40,
    origins: int = 5,
    horizon: int = HORIZON,
    law: Law = normal,
    together: float = 0.0,
    lost: float = 0.0,
) -> Outcomes:
    """Draw margins and truths (n,), origin by origin as the lab lays them.

    `together` is the share of a residual that is the same for all steps of a series at an origin; `lost` the share of
    truths nobody knows.
    """
    generator = np.random.default_rng(seed)
    size = 10.0 ** generator.integers(0, 4, series)
    case = np.tile(np.repeat(np.arange(series), horizon), origins)
    step = np.tile(np.arange(1, horizon + 1), series * origins)
    shared = np.repeat(generator.normal(size=series * origins), horizon)
    r = np.sqrt(1 - together) * law(generator, step) + np.sqrt(together) * shared
    location, spread = size[case] * generator.normal(5, 1, len(case)), size[case]
    truth = location + spread * r
    truth[generator.random(len(truth)) < lost] = np.nan
    return Outcomes(
        answer={"margin": np.column_stack([location, spread])}, truth=truth, case=case, step=step, scale=spread
    )


def answered(outcomes: Outcomes, finish: Finished | Finish) -> Outcomes:
    """Return the outcomes with what the finish answers to their margins, line by line."""
    value = finish.value if isinstance(finish, Finished) else finish
    margin = outcomes.answer["margin"]
    offsets = np.array(value.offsets)[outcomes.step - 1]
    quantiles = margin[:, :1] + margin[:, 1:] * offsets
    return outcomes.answered({"margin": margin, "mean": margin[:, 0], "quantiles": quantiles})


def candidate(
    *,
    oof: Outcomes | None = None,
    test: Outcomes | None = None,
    scores: dict[str, Score] | None = None,
    trials: tuple[dict[str, Any], ...] = (),
    design: dict[str, float] | None = None,
    told: Contract | None = None,
    limited: bool = False,
) -> Candidate:
    """Make a candidate around outcomes, with a real last step inside."""
    none = backtests(series=1, origins=1).take(np.zeros(0, dtype=np.int64))
    steps = tuple((-1.6, -0.7, 0.0, 0.7, 1.6) for _ in range(HORIZON))
    return Candidate(
        contract=told or contract(),
        members=[(program(Finish(format=1, offsets=steps)), 1.0)],
        blend="margin",
        finish=None,
        witness=Witness(queries=[], answers={}, real=np.zeros(0, dtype=np.int64), real_answers={}),
        oof=none if oof is None else oof,
        test=none if test is None else test,
        scores=scores or {},
        trials=trials,
        lineage=Lineage(fingerprint="", split={}, settings={}, seed=0, trials=(), packages={}, git={}),
        profile=b"{}",
        figures={
            "metric": "mase",
            "members": [{"model": "lightgbm", "weight": 1.0, "told": {"design": design or {}}}],
            "limited_rows": limited,
        },
    )
