"""The way from data to answers, as the rooms go it: fold, fit, finish, compose, load, train."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seaway.core import chance, extend
from seaway.core.answer import answers_to, encoder_of
from seaway.core.batch import Array, Batch, Outcomes, Query, Sample, join
from seaway.core.candidate import Candidate, Program
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Compose, Encoder, Engine, Fitted, Model, Params, Runner, Task
from seaway.core.sheet import is_stepped, joined, sheet
from seaway.lab.progress import Silent
from seaway.lab.train import train
from seaway.release.compile import compile_candidate
from seaway.testing.material import Material, dataset

FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One fold as encoded: what to learn from, what is asked, and the numbers of both rows."""

    train: Sample
    asked: Sample
    known_rows: Array
    asked_rows: Array


@dataclass(frozen=True, kw_only=True)
class Example:
    """A program with the answers it must give, by output name, to queries of one case each."""

    contract: Contract
    program: Program
    queries: Sequence[Query]
    answers: Mapping[str, Array]
    tolerance: float = 1e-6

    def batches(self) -> list[Batch]:
        """Return the queries encoded, one batch each."""
        encoder = encoder_of(self.contract)
        return [encoder.encode(encoder.request(query.rows, query.options)) for query in self.queries]


def folds(data: Dataset, task: Task, count: int = FOLDS, seed: int = 0) -> list[Fold]:
    """Cut and encode the training rows as the lab does."""
    encoder = encoder_of(data.contract)
    return [
        Fold(
            train=encoder.ask(data, known, known),
            asked=encoder.ask(data, known, asked),
            known_rows=known,
            asked_rows=asked,
        )
        for known, asked in task.folds(data, count, seed)
    ]


def defaults(model: Model, train: Sample, given: Params | None = None) -> Params:
    """Return the hyper-parameters a search begins with, one thread, and what is `given` instead."""
    named = {name: place.default for name, place in model.space(train).items()}
    return {**named, "threads": 1, **(given or {})}


def fit(
    model: Model, fold: Fold, contract: Contract, params: Params | None = None, *, seed: int = 5, early: bool = False
) -> Fitted:
    """Fit on a fold with the defaults; with `early` the asked rows say when to stop."""
    return model.fit(
        fold.train,
        fold.asked if early else None,
        contract=contract,
        params=defaults(model, fold.train, params),
        seed=seed,
        until=math.inf,
    )


def outcomes(parts: Sequence[Fold], fitted: Sequence[Fitted], contract: Contract) -> Outcomes:
    """Set what each fold's model answers beside the truth of its asked rows."""
    raw = [one.predict(fold.asked.batch)["margin"] for fold, one in zip(parts, fitted, strict=True)]
    return laid(parts, {"margin": np.concatenate(raw)}, contract)


def laid(parts: Sequence[Fold], answers: Mapping[str, Array], contract: Contract) -> Outcomes:
    """Set answers about the folds' asked cases, in their order, beside the truth."""
    return joined([sheet(fold.asked, contract) for fold in parts]).outcomes(answers)


def composed(task: Task, contract: Contract, fitted: Fitted, finish_on: Outcomes) -> tuple[Contract, Program]:
    """Return the settled contract and the program of one member with its plain finish."""
    settled = task.settle(contract, [fitted])
    finish = task.finish(finish_on, settled, {"calibrate": False})
    member = fitted.export()
    compose: Compose = extend.load("compose", member.engine)
    return settled, compose([(member, 1.0)], finish.export())


def loaded(program: Program, contract: Contract) -> Runner:
    """Load a program in the engine that it names."""
    engine: Engine = extend.load("engine", program.engine)()
    return engine.load(program, contract)


def asking(contract: Contract, queries: Sequence[Query]) -> Batch:
    """Encode queries into one batch."""
    encoder: Encoder = encoder_of(contract)
    return join([encoder.encode(encoder.request(query.rows, query.options)) for query in queries])


def trained(material: Material, task: Task, folder: Path) -> tuple[Dataset, Candidate]:
    """Do a whole small run."""
    data = dataset(material, task)
    found = train(data, task, material.settings, folder, progress=Silent(), started=chance.monotonic())
    return data, found


def example(material: Material, task: Task, folder: Path) -> Example:
    """Train, compile, and return the program with the native model's own answers to the witness."""
    _, candidate = trained(material, task, folder)
    return Example(
        contract=candidate.contract,
        program=compile_candidate(candidate),
        queries=candidate.witness.queries,
        answers=candidate.witness.answers,
        tolerance=candidate.witness.tolerance,
    )


def answered(runner: Runner, contract: Contract, queries: Sequence[Query]) -> dict[str, Array]:
    """Ask a runner from JSON rows on, as a server does."""
    return answers_to(queries, encoder_of(contract), runner)


def steps_asked(name: str, contract: Contract, batch: Batch) -> Array | None:
    """Say which places of a stepped answer (cases, horizon) were asked for; None where the answer has no steps."""
    if not is_stepped(name, contract) or contract.series is None:
        return None
    return np.asarray(np.arange(contract.series.horizon) < batch.steps[:, None])
