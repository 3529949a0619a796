"""How many rows a search looks at: all, unless there are so many that the preset or the time says otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array, Sample
from seaway.core.chance import monotonic, rng
from seaway.core.contract import Contract
from seaway.core.protocols import Model
from seaway.lab.budget import PACE, Budget, scaled_s
from seaway.lab.exam import seed_of
from seaway.lab.samplers import defaults
from seaway.lab.threads import workers

MOST = {"fast": 20_000, "balanced": 50_000, "best": 500_000}
"""Rows searched on at most, by preset: hyper-parameters found on these serve more rows as well."""

FEWEST = 2_000
PROBE = 1_000
FOR_DEFAULTS = 0.5
"""Share of the searching time that each model's defaults may take: the other half is for better ones."""


def extent(
    sample: Sample, contract: Contract, models: Sequence[Model], folds: int, preset: str, budget: Budget, threads: int
) -> int:
    """Return the number of rows to search on: as many as the preset allows and the defaults of every model have time for."""
    rows = sample.batch.rows
    most = min(rows, MOST[preset])
    if not budget.is_bounded or most <= FEWEST:
        return most
    measured, seconds = _probe(sample, contract, models, budget)
    left = budget.search_until(scaled_s(seconds, measured, rows)) - monotonic()
    there = FOR_DEFAULTS * max(0.5, left) / math.ceil(folds / workers(folds, threads))
    fitting = measured * (there / max(seconds, 1e-6)) ** (1 / PACE)
    return int(np.clip(fitting, FEWEST, most))


def chosen(rows: Array, count: int, seed: int) -> Array:
    """Return `count` of the rows by chance, in their order."""
    if count >= len(rows):
        return rows
    return np.sort(rng("extent", seed).permutation(rows)[:count])


def _probe(sample: Sample, contract: Contract, models: Sequence[Model], budget: Budget) -> tuple[int, float]:
    """Train the defaults of every model on a few rows; return how many these were and the seconds it took."""
    places = chosen(np.arange(sample.batch.rows), PROBE, 0)
    total = 0.0
    for model in models:
        for size in (20, len(places)):  # the first fit only loads the library
            part = sample.take(places[:size])
            cut = max(1, size * 5 // 6)
            begun = monotonic()
            model.fit(
                part.take(np.arange(cut)),
                part.take(np.arange(cut, size)) if cut < size else None,
                contract=contract,
                params={**defaults(model.space(part)), "threads": 1},
                seed=seed_of(0, 0, 0),
                until=begun + 0.1 * max(1.0, budget.left_s()),
            )
            seconds = monotonic() - begun
        total += seconds
    return len(places), total
