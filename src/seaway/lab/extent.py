"""How many rows a search looks at: all, unless there are so many that the preset or the time says otherwise.

Cost grows with the rows, so rows are counted; what is drawn are whole cases, since the rows of one case stay together.
"""

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


def chosen(rows: Array, cases: Array, count: int, seed: int) -> Array:
    """Return about `count` of the rows by chance, in their order: all rows of some cases; `cases` (rows,) names each row's."""
    if count >= len(rows):
        return rows
    _, case = np.unique(cases, return_inverse=True)
    drawn = _drawn(np.bincount(case), count, rng("extent", seed))
    return np.asarray(rows[np.isin(case, drawn)])


def _drawn(sizes: Array, count: int, generator: np.random.Generator) -> Array:
    """Return the numbers of cases drawn by chance whose rows are no more than `count`, at least one."""
    order = generator.permutation(len(sizes))
    fitting = int(np.searchsorted(np.cumsum(sizes[order]), count, side="right"))
    return order[: max(1, fitting)]


def _probe(sample: Sample, contract: Contract, models: Sequence[Model], budget: Budget) -> tuple[int, float]:
    """Train the defaults of every model on a few cases; return how many rows these had and the seconds it took."""
    places = np.sort(_drawn(np.diff(sample.batch.starts), PROBE, rng("extent", 0)))
    total = 0.0
    for model in models:
        for size in (min(20, len(places)), len(places)):  # the first fit only loads the library
            part = sample.take(places[:size])
            # Cases that are asked nothing cannot say when to stop.
            cut = max(1, size * 5 // 6) if part.truth is not None and part.batch.steps.any() else size
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
    return len(sample.batch.rows_of(places)), total
