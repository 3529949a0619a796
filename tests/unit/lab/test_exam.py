"""Out-of-fold answers are honest: no row has any say in the model that answers it, the stopping rows included."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.chance import monotonic
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.data.build import dataset
from seaway.data.infer import draft
from seaway.data.rows import Table
from seaway.lab.exam import Exam, among, everything, prepare, seed_of, sit
from seaway.lab.samplers import at, defaults
from seaway.tasks.tabular.task import Tabular
from tests.unit.lab.fixtures import data, frame, settings


def grouped() -> Dataset:
    """Rows of 40 groups."""
    table = frame(rows=400).with_columns(pl.Series("who", [f"g{i % 40}" for i in range(400)]))
    found, _ = draft(Table(table), target="y")
    columns = tuple(
        column.__class__(name="who", kind="category", role="group") if column.name == "who" else column
        for column in found.columns
    )
    contract = Contract(task="tabular", per="row", columns=columns)
    return dataset(Table(table), Tabular().shape(contract, Table(table), {}), settings())


def timed() -> Dataset:
    """Rows of 100 days."""
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 9), "1d", eager=True)
    table = frame(rows=400).with_columns(days.sample(400, with_replacement=True, seed=0).alias("when"))
    found, _ = draft(Table(table), target="y", time="when")
    return dataset(Table(table), Tabular().shape(found, Table(table), {}), settings())


MADE = {"stratified": data, "group": grouped, "time": timed}


def rows_of(made: Dataset, sample: Sample) -> set[bytes]:
    """Return the rows of a sample by content; `fixtures.frame` makes no two alike."""
    assert sample.truth is not None
    return {row.tobytes() for row in np.column_stack([sample.batch.x, sample.truth])}


@pytest.mark.parametrize("rule", MADE)
def test_learning_stopping_and_asked_rows_are_apart_and_within_the_training_rows(rule: str) -> None:
    made = MADE[rule]()
    assert made.split.rule == rule
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    allowed = rows_of(made, everything(made, made.split.train))
    for fold in exam.folds:
        assert fold.valid is not None
        learn, stop, asked = (rows_of(made, part) for part in (fold.train, fold.valid, fold.asked))
        assert not learn & stop
        assert not (learn | stop) & asked
        assert learn | stop | asked <= allowed
        assert 0.08 < len(stop) / len(learn | stop) < 0.3
    if rule != "time":  # of time, the oldest block is only ever learnt from
        assert sorted(exam.sheet.case) == sorted(made.split.train)


def test_by_time_stopping_rows_are_newer_than_learning_rows_and_older_than_asked_ones() -> None:
    made = timed()
    moments = made.rows.column("when")[0]
    truth_at = dict(zip(_content(made), moments, strict=True))
    for fold in prepare(made, Tabular(), made.split.train, 3, 0).folds:
        assert fold.valid is not None
        times = [[truth_at[row] for row in rows_of(made, part)] for part in (fold.train, fold.valid, fold.asked)]
        assert max(times[0]) < min(times[1]) <= max(times[1]) < min(times[2])


def _content(made: Dataset) -> list[bytes]:
    whole = everything(made, np.arange(len(made.rows)))
    assert whole.truth is not None
    return [row.tobytes() for row in np.column_stack([whole.batch.x, whole.truth])]


def test_a_group_is_never_cut() -> None:
    made = grouped()
    who = made.rows.column("who")[0]
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    for fold in exam.folds:
        asked = set(who[fold.asked.case])
        known = set(who[made.split.train]) - asked
        assert known == set(who[fold.train.case]) | (set(who[fold.valid.case]) if fold.valid else set())
        assert len(known) + len(asked) == len(set(who[made.split.train]))


class Parrot:
    """Learns every truth it is shown by heart: whatever it knows about asked rows has leaked."""

    name = "parrot"

    def supports(self, contract: Contract) -> Verdict:
        return Verdict(code="X", outcome="pass", subject="", message="")

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Parroted:
        shown = [part for part in (train, valid) if part is not None]
        memory = {
            row.tobytes(): float(truth)
            for part in shown
            if part.truth is not None
            for row, truth in zip(part.batch.x, part.truth, strict=True)
        }
        return Parroted(memory, seed, until)


class Parroted:
    """Answers 1 or -1 for what it knows, else 0."""

    def __init__(self, memory: dict[bytes, float], seed: int, until: float) -> None:
        self.memory = memory
        self.learnt = {"seed": float(seed), "until": until, "rows": float(len(memory))}

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        known = [2 * self.memory[row.tobytes()] - 1 if row.tobytes() in self.memory else 0.0 for row in batch.x]
        return {"margin": np.array(known)[:, None]}

    def export(self) -> Program:
        return Program(engine="none", files={})

    def edges(self) -> Mapping[int, Array]:
        return {}

    def importance(self) -> Array:
        return np.zeros(0)


def test_a_model_that_knows_all_it_was_shown_knows_nothing_it_is_asked() -> None:
    made = data(rows=300)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    answers = sit(exam, Parrot(), {}, number=0, threads=1, until=math.inf)
    assert (answers.margin == 0).all()
    assert len({learnt["seed"] for learnt in answers.learnt}) == 3


def test_answers_stand_beside_their_own_truth() -> None:
    made = data(rows=300)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    whole = everything(made, np.arange(len(made.rows)))
    outcomes = exam.outcomes({"margin": exam.sheet.case[:, None].astype(float)})
    assert np.array_equal(outcomes.answer["margin"][:, 0], outcomes.case)
    assert whole.truth is not None
    assert outcomes.truth is not None
    assert np.array_equal(outcomes.truth, whole.truth[outcomes.case])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_time_is_shared_out_over_the_folds(threads: int) -> None:
    made = data(rows=300)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    begun = monotonic()
    answers = sit(exam, Parrot(), {}, number=0, threads=threads, until=begun + 600)
    ends = [learnt["until"] - begun for learnt in answers.learnt]
    expected = {1: [200, 300, 600], 2: [300, 600, 600], 3: [600, 600, 600]}[threads]
    assert ends == pytest.approx(expected, abs=10)


def test_side_by_side_or_one_after_another_the_answers_are_the_same() -> None:
    made = data(rows=300)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    boosting = Tabular().models(made.contract, "balanced")[-1]
    params = {**defaults(boosting.space(exam.folds[0].train)), "rounds": 30}
    one, other = (sit(exam, boosting, params, number=1, threads=threads, until=math.inf) for threads in (1, 3))
    assert np.array_equal(one.margin, other.margin)
    assert one.learnt == other.learnt


def test_many_fits_side_by_side_do_not_disturb_one_another() -> None:
    """LightGBM crashes where calls with different numbers of threads overlap: fits, and answers between them."""
    made = data(rows=200)
    exam = prepare(made, Tabular(), made.split.train, 5, 0)
    boosting = Tabular().models(made.contract, "balanced")[-1]
    space = boosting.space(exam.folds[0].train)
    for number in range(40):
        params = {name: at(place, (number + 1) / 41) for name, place in space.items()}
        answers = sit(exam, boosting, {**params, "rounds": 3}, number=number, threads=4, until=math.inf)
        assert np.isfinite(answers.margin).all()


def test_too_few_rows_for_stopping_rows_train_without() -> None:
    table = frame(rows=24)
    made = data(table=table.with_columns(pl.Series("y", ["yes", "no"] * 12)))
    few = made.split.train[:8]
    exam = prepare(made, Tabular(), few, 2, 0)
    assert all(fold.valid is None for fold in exam.folds)


def test_samples_outlive_the_encoder() -> None:
    made = data(rows=100)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    before = exam.folds[0].train.batch.x.copy()
    encoder_of(made.contract).ask(made, made.split.test, made.split.test)
    assert np.array_equal(exam.folds[0].train.batch.x, before, equal_nan=True)


class Moody:
    """Answers in another shape in each fold, as a model does that finds another number of groups."""

    name = "moody"

    def supports(self, contract: Contract) -> Verdict:
        return Verdict(code="X", outcome="pass", subject="", message="")

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Wide:
        return Wide(2 + seed % 97)


class Wide(Parroted):
    """Answers so many numbers."""

    def __init__(self, width: int) -> None:
        super().__init__({}, 0, 0.0)
        self.width = width

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        return {"margin": np.zeros((batch.cases, self.width))}


def test_folds_that_answer_in_different_shapes_tell_nothing() -> None:
    made = data(rows=100)
    exam = prepare(made, Tabular(), made.split.train, 3, 0)
    found = sit(exam, Moody(), {}, number=0, threads=1, until=math.inf)
    assert len(found.margin) == exam.sheet.cases
    assert np.isnan(found.margin).all()


def test_weights_travel() -> None:
    table = frame(rows=200).with_columns(pl.Series("w", [1.0, 2.0] * 100))
    found, _ = draft(Table(table), target="y")
    columns = tuple(
        column.__class__(name="w", kind="number", role="weight") if column.name == "w" else column
        for column in found.columns
    )
    contract = Tabular().shape(Contract(task="tabular", per="row", columns=columns), Table(table), {})
    made = dataset(Table(table), contract, settings())
    exam: Exam = prepare(made, Tabular(), made.split.train, 3, 0)
    assert exam.sheet.weight is not None
    assert np.array_equal(exam.sheet.weight, made.rows.column("w")[0][exam.sheet.case])


def test_among_changes_nothing_but_who_teaches() -> None:
    made = data(rows=100)
    some = made.split.train[:10]
    assert np.array_equal(among(made, some).split.train, some)
    assert made.split.train.size > 10
    assert among(made, some).rows is made.rows


def test_seeds_differ_by_trial_and_fold() -> None:
    assert len({seed_of(0, trial, fold) for trial in range(20) for fold in range(5)}) == 100
    assert seed_of(1, 2, 3) == seed_of(1, 2, 3)
