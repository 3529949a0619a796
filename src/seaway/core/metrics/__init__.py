"""Figures of merit with their direction and unit, and the bootstrap that gives each its interval.

Figures by what they read: `classes`, `values`, `steps` (values ahead), `groups` (no truth at all).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Score
from seaway.core.chance import rng
from seaway.core.errors import NotFound
from seaway.core.metrics import classes, groups, steps, values
from seaway.core.metrics.figure import Figure

METRICS: dict[str, Figure] = {
    figure.name: figure for figure in (*classes.FIGURES, *values.FIGURES, *steps.FIGURES, *groups.FIGURES)
}


def metric(name: str) -> Figure:
    """Return the metric called `name`."""
    if name not in METRICS:
        raise NotFound(f"There is no metric {name!r}", where="train.metric", fix=f"Use one of: {', '.join(METRICS)}.")
    return METRICS[name]


def score(figure: Figure, outcomes: Outcomes, *, rounds: int = 200, seed: int = 0) -> Score:
    """Return the figure with its 95 % percentile interval from a bootstrap by case (Efron & Tibshirani 1993)."""
    value = figure(outcomes)
    draws = [figure(resampled) for resampled in bootstrap(_sorted(figure, outcomes), rounds, seed)]
    known = [draw for draw in draws if not np.isnan(draw)]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (float("nan"), float("nan"))
    told = outcomes.case if outcomes.truth is None else outcomes.case[~np.isnan(outcomes.truth)]
    n = 0 if figure.needs_truth and outcomes.truth is None else len(np.unique(told))
    return Score(value=value, low=float(low), high=float(high), n=n)


def bootstrap(outcomes: Outcomes, rounds: int, seed: int) -> Iterator[Outcomes]:
    """Yield `rounds` resamples with replacement; all rows of a case go together.

    A resample is the same rows weighted by how often their case was drawn, which costs no copy. Outcomes of the same
    cases under the same seed are resampled alike, so differences between two models are paired.
    """
    generator = rng("bootstrap", seed)
    where = _drawn_together(outcomes)
    count = int(where.max(initial=-1)) + 1
    weight = np.ones(len(outcomes)) if outcomes.weight is None else outcomes.weight
    for _ in range(rounds):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        yield replace(outcomes, weight=weight * drawn[where])


FEWEST = 8
"""Units below which resampling them says nothing: one series drawn over and over has no spread at all."""


def _drawn_together(outcomes: Outcomes) -> Array:
    """Return the number of each line's unit (n,): its case; among few cases each forecast of one; among few of those, itself.

    A forecast ends where the case changes or the steps do not rise. The smaller the unit, the more an interval takes errors
    for independent that hang together: it is then too narrow, which still tells more than none.
    """
    _, cases = np.unique(outcomes.case, return_inverse=True)
    if cases.max(initial=-1) + 1 >= FEWEST or not outcomes.step.any():
        return cases
    begins = (np.diff(cases, prepend=-1) != 0) | (np.diff(outcomes.step, prepend=0) <= 0)
    forecasts = np.cumsum(begins) - 1
    return forecasts if forecasts.max(initial=-1) + 1 >= FEWEST else np.arange(len(outcomes))


def _sorted(figure: Figure, outcomes: Outcomes) -> Outcomes:
    """Sort by score once, so that the sorting in each of the rounds finds nothing left to do.

    A figure over the whole table reads meaning from the order of the lines, so it gets them as they stand.
    """
    answer = outcomes.answer.get(figure.reads)
    if figure.over is not None or answer is None or answer.ndim != 2 or answer.shape[1] != 2:
        return outcomes
    return outcomes.take(np.argsort(answer[:, 1], kind="stable"))
