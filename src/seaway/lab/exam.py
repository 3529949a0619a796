"""Cross-validation prepared once: every trial learns from the same rows and is asked about the same others.

Rows that stop the training early are cut from the known rows of a fold, so no asked row has any say in the model that
answers it: out-of-fold scores stay honest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Sample
from seaway.core.chance import monotonic, rng
from seaway.core.contract import Contract
from seaway.core.dataset import TEST, TRAIN, Dataset
from seaway.core.errors import BadInput
from seaway.core.protocols import Encoder, Model, Params, Task
from seaway.lab.threads import each, workers

INNER = 6
"""One known row in so many decides when training stops."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Rows to learn from, rows that say when to stop, and the rows asked about with their numbers."""

    train: Sample
    valid: Sample | None
    asked: Sample
    rows: Array


@dataclass(frozen=True, kw_only=True)
class Exam:
    """The folds, and the rows (n,) they ask about in the order of the answers."""

    contract: Contract
    folds: tuple[Fold, ...]
    rows: Array
    truth: Array
    weight: Array | None
    seed: int

    def outcomes(self, answer: Mapping[str, Array]) -> Outcomes:
        """Set answers (n, ...) beside the truth."""
        return Outcomes(
            answer=answer, truth=self.truth, case=self.rows, step=np.zeros_like(self.rows), weight=self.weight
        )


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model answered out of fold: margin (n, targets), what each fold learnt, seconds by fold and in all."""

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
                train=_owned(encoder, data, known, learn),
                valid=None if stop is None else _owned(encoder, data, learn, stop),
                asked=_owned(encoder, data, known, asked),
                rows=asked,
            )
        )
    truths = [fold.asked.truth for fold in made if fold.asked.truth is not None]
    weights = [fold.asked.weight for fold in made if fold.asked.weight is not None]
    return Exam(
        contract=data.contract,
        folds=tuple(made),
        rows=np.concatenate([fold.rows for fold in made]),
        truth=np.concatenate(truths),
        weight=np.concatenate(weights) if weights else None,
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
    """Fit the model on every fold, side by side, and ask about the rows it has not seen.

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
        margin=np.concatenate([margin for margin, _, _ in found]),
        learnt=tuple(learnt for _, learnt, _ in found),
        seconds=tuple(seconds for _, _, seconds in found),
        took_s=monotonic() - begun,
    )


def everything(data: Dataset, rows: Array) -> Sample:
    """Return the sample of all `rows`."""
    return _owned(encoder_of(data.contract), data, rows, rows)


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
    try:
        learn, stop = task.folds(among(data, known), INNER, seed + 1)[-1]
    except BadInput:  # too few rows, groups or moments for a cut: the model then trains for a fixed time
        return known, None
    return learn, stop


def _owned(encoder: Encoder, data: Dataset, known: Array, asked: Array) -> Sample:
    """Encode rows and keep them: a batch is only lent until the encoder's next call."""
    sample = encoder.ask(data, known, asked)
    batch = replace(sample.batch, x=np.array(sample.batch.x))
    return replace(sample, batch=batch)
