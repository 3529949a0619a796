"""Cross-validation prepared once: every trial learns from the same rows and is asked about the same cases.

Rows that stop the training early are cut from the known rows of a fold, so no asked row has any say in the model that
answers it: out-of-fold scores stay honest. A case may be asked about in several folds, at other moments or by models that
learnt from other rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Sample
from seaway.core.chance import monotonic, rng
from seaway.core.contract import Contract
from seaway.core.dataset import TEST, TRAIN, Dataset
from seaway.core.errors import BadInput
from seaway.core.protocols import Model, Params, Task
from seaway.core.sheet import Sheet, joined, sheet
from seaway.lab.threads import each, workers

INNER = 6
"""One known row in so many decides when training stops."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What to learn from, what says when to stop, and what is asked about."""

    train: Sample
    valid: Sample | None
    asked: Sample


@dataclass(frozen=True, kw_only=True)
class Exam:
    """The folds, and the sheet of all their asked cases in the order of the answers; `rows` (n,) of the data it was made of."""

    contract: Contract
    folds: tuple[Fold, ...]
    sheet: Sheet
    rows: Array
    seed: int

    def outcomes(self, answer: Mapping[str, Array]) -> Outcomes:
        """Set answers (cases, ...) beside the truth."""
        return self.sheet.outcomes(answer)

    def by_fold(self, outcomes: Outcomes) -> list[Outcomes]:
        """Cut outcomes of this exam into those of each fold."""
        ends = np.searchsorted(self.sheet.place, np.cumsum([0] + [fold.asked.batch.cases for fold in self.folds]))
        return [outcomes.take(np.arange(start, end)) for start, end in pairwise(ends)]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model answered out of fold: margin (cases, ...), what each fold learnt, seconds by fold and in all."""

    margin: Array
    learnt: tuple[Mapping[str, float], ...]
    seconds: tuple[float, ...]
    took_s: float


def prepare(data: Dataset, task: Task, rows: Array, folds: int, seed: int) -> Exam:
    """Cut `rows` (training rows of `data`) into folds and encode them."""
    encoder = encoder_of(data.contract)
    within = among(data, rows)
    made = []
    for known, asked in task.folds(within, folds, seed):
        learn, stop = _inner(within, task, known, seed)
        made.append(
            Fold(
                train=encoder.ask(data, learn, learn),
                valid=None if stop is None else encoder.ask(data, learn, stop),
                asked=encoder.ask(data, known, asked),
            )
        )
    return Exam(
        contract=data.contract,
        folds=tuple(made),
        sheet=joined([sheet(fold.asked, data.contract) for fold in made]),
        rows=rows,
        seed=seed,
    )


@runtime_checkable
class Settles(Protocol):
    """A model whose training settles something by itself, as early stopping does the number of rounds."""

    def settle(self, params: Params, learnt: Sequence[Mapping[str, float]], rows: int) -> Params:
        """Return the parameters for learning on `rows` rows without validation, from what the folds learnt."""


def sit(
    exam: Exam,
    model: Model,
    params: Params,
    *,
    number: int,
    threads: int,
    until: float,
    learnt: Sequence[Mapping[str, float]] = (),
) -> Answers:
    """Fit the model on every fold, side by side, and ask about the cases it has not seen.

    The time to `until` is shared out over the folds that one thread after another takes up. `learnt` is what each fold
    settled when the trial was first made: it then is made again to the letter, without validation or clock.
    """
    begun = monotonic()
    at_once = workers(len(exam.folds), threads)

    def fold(place: int, share: int) -> tuple[Array, Mapping[str, float], float]:
        known, now = exam.folds[place], monotonic()
        left = math.ceil((len(exam.folds) - place) / at_once)
        given, valid = params, known.valid
        if learnt and isinstance(model, Settles):
            given, valid = model.settle(params, [learnt[place]], known.train.batch.rows), None
        fitted = model.fit(
            known.train,
            valid,
            contract=exam.contract,
            params={**given, "threads": share},
            seed=seed_of(exam.seed, number, place),
            until=now + (until - now) / left,
        )
        margin = fitted.predict(known.asked.batch)["margin"]
        return margin, dict(getattr(fitted, "learnt", {})), monotonic() - now

    found = each(fold, range(len(exam.folds)), threads)
    return Answers(
        margin=_together([margin for margin, _, _ in found]),
        learnt=tuple(learnt for _, learnt, _ in found),
        seconds=tuple(seconds for _, _, seconds in found),
        took_s=monotonic() - begun,
    )


def _together(margins: Sequence[Array]) -> Array:
    """Put the folds' margins behind one another; where folds answer in different shapes nothing can be told of the trial.

    A model may find another number of groups in other rows: its trial then has margins of NaN, and ranks last.
    """
    if len({margin.shape[1:] for margin in margins}) == 1:
        return np.concatenate(margins)
    return np.full((sum(len(margin) for margin in margins), *margins[0].shape[1:]), np.nan)


def everything(data: Dataset, rows: Array) -> Sample:
    """Return all `rows` as a sample to learn from."""
    return encoder_of(data.contract).ask(data, rows, rows)


def among(data: Dataset, rows: Array) -> Dataset:
    """Return the same data with `rows` alone to learn from."""
    part = np.full(len(data.split.part), TEST, dtype=data.split.part.dtype)
    part[rows] = TRAIN
    return replace(data, split=replace(data.split, part=part))


def seed_of(seed: int, number: int, place: int) -> int:
    """Return the seed of one fit: by trial and fold."""
    return int(rng("fit", seed, number, place).integers(2**31 - 1))


def _inner(data: Dataset, task: Task, known: Array, seed: int) -> tuple[Array, Array | None]:
    """Cut the rows that stop training off the known rows, by the same rule as the folds: the newest, whole groups ..."""
    if data.contract.truth is None:  # nothing to hold the answers against while training
        return known, None
    try:
        learn, stop = task.folds(among(data, known), INNER, seed + 1)[-1]
    except BadInput:  # too few rows, groups or moments for a cut: the model then trains for a fixed time
        return known, None
    return learn, stop
