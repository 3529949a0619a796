"""Rows of three known kinds, under a contract of segments, with what goes wrong in real ones."""

from __future__ import annotations

import math

import numpy as np

from seaway.core.batch import Array, Batch, Outcomes, Sample
from seaway.core.contract import Column, Contract, Output
from seaway.core.protocols import Model, Params
from seaway.tasks.segment.finish import fit as finish
from seaway.tasks.segment.fitted import Grouped

OUTPUTS = (
    Output(name="segment", kind="code"),
    Output(name="distances", kind="number", axes=("class",)),
    Output(name="outlier", kind="number"),
)

CONTRACT = Contract(
    task="segment",
    per="row",
    columns=(
        Column(name="height", kind="number", unit="cm"),
        Column(name="spent", kind="number", unit="GBP", range=(0.0, 1e6)),
        Column(name="country", kind="category", categories=("France", "Spain", "Italy", "Malta")),
        Column(name="member", kind="boolean"),
        Column(name="constant", kind="number"),
        Column(name="empty", kind="number"),
    ),
    outputs=OUTPUTS,
)


def kinds(rows: int = 600, seed: int = 0) -> tuple[Array, Array]:
    """Draw (x (rows, 6), kind (rows,)): half the rows are of kind 0, 30 % of kind 1, the rest of kind 2."""
    rng = np.random.default_rng([seed, 7])
    kind = rng.choice(3, rows, p=(0.5, 0.3, 0.2))
    x = np.empty((rows, 6), dtype=np.float32)
    x[:, 0] = rng.normal(np.array([160.0, 175.0, 190.0])[kind], 3)
    x[:, 1] = rng.lognormal(np.array([3.0, 5.0, 7.0])[kind], 0.3)
    x[:, 2] = np.where(rng.random(rows) < 0.05, rng.integers(0, 6, rows), kind + 2)
    x[:, 3] = rng.random(rows) < np.array([0.1, 0.1, 0.9])[kind]
    x[:, 4], x[:, 5] = 3.0, np.nan
    x[rng.random(rows) < 0.03, 0] = np.nan
    return x, kind


def sample(rows: int = 600, seed: int = 0) -> Sample:
    """Draw rows to learn from."""
    return of(kinds(rows, seed)[0])


def of(x: Array) -> Sample:
    """Return rows as a sample."""
    return Sample(batch=Batch.of_rows(x), case=np.arange(len(x)))


def fitted(model: Model, train: Sample, params: Params | None = None, seed: int = 1) -> Grouped:
    """Fit with the defaults, or what is given in their place."""
    given = {name: place.default for name, place in model.space(train).items()} | dict(params or {})
    found = model.fit(train, None, contract=CONTRACT, params=given, seed=seed, until=math.inf)
    assert isinstance(found, Grouped)
    return found


def answers(model: Grouped, x: Array) -> dict[str, Array]:
    """Return segment, distances and outlier."""
    margin = model.predict(Batch.of_rows(x))["margin"]
    return dict(finish(Outcomes.of_rows({"margin": margin}, None)).apply({"margin": margin}))
