"""Samples of a few series laid out by hand, and models of their two next values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract, Output, Series
from seaway.core.metrics import metric
from seaway.core.protocols import Params, Range
from seaway.core.sheet import joined, sheet
from seaway.core.verdict import Verdict
from seaway.lab.exam import Exam, Fold
from seaway.lab.judge import Judge

HORIZON = 3

CONTRACT = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="month", kind="time", role="time"),
        Column(name="y", kind="number", role="target", encode="array"),
    ),
    truth=Column(name="y", kind="number"),
    outputs=(Output(name="mean", kind="number", axes=("step",)),),
    series=Series(frequency="1mo", season=2, history=8, horizon=HORIZON),
)


def series(lengths: Sequence[int], steps: Sequence[int], cases: Sequence[int]) -> Sample:
    """Make series of so many known rows, asked about so many steps; values are 100 times the case, plus the row."""
    starts = np.concatenate([[0], np.cumsum(np.add(lengths, steps))]).astype(np.int64)
    truth = np.concatenate([100.0 * case + np.arange(n + h) for case, n, h in zip(cases, lengths, steps, strict=True)])
    known = truth.copy()
    for start, length, end in zip(starts[:-1], lengths, starts[1:], strict=True):
        known[start + length : end] = np.nan
    batch = Batch(
        x=np.zeros((len(truth), 0), dtype=np.float32),
        starts=starts,
        seen=np.asarray(lengths, dtype=np.int64),
        arrays={"y": known},
    )
    return Sample(batch=batch, case=np.asarray(cases), truth=truth, scale=np.ones(len(lengths)))


def exam() -> Exam:
    """Make two origins of three series: at the second one a series is over, and one is asked about a single step."""
    folds = []
    for lengths, steps, cases in (([5, 6, 7], [3, 3, 3], [0, 1, 2]), ([8, 9], [3, 1], [0, 1])):
        learnt = series(lengths, [0] * len(lengths), cases)
        folds.append(Fold(train=learnt, valid=None, asked=series(lengths, steps, cases)))
    sheets = joined([sheet(fold.asked, CONTRACT) for fold in folds])
    return Exam(contract=CONTRACT, folds=tuple(folds), sheet=sheets, rows=np.arange(30), seed=0)


class Location:
    """The last step: the first of each margin is the mean."""

    name = "location"

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"margin": raw["margin"], "mean": raw["margin"][..., 0]}

    def export(self) -> Program:
        return Program(engine="none", files={})


def judge(made: Exam) -> Judge:
    """Return the judge of an exam by mean absolute scaled error."""
    decides = metric("mase")
    return Judge(exam=made, link=Location(), names=("mase", "smape"), decides=decides, smooth=decides)


class Onward:
    """Goes on from the newest value by `slope` a step; it remembers what it learnt from, as (cases, rows)."""

    name = "onward"

    def __init__(self) -> None:
        self.learnt_from: list[tuple[int, int]] = []

    def supports(self, contract: Contract) -> Verdict:
        return Verdict(code="X", outcome="pass", subject="", message="")

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {"slope": Range(default=1.0, low=0.0, high=2.0)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Fitted:
        assert valid is None
        self.learnt_from.append((train.batch.cases, train.batch.rows))
        return Fitted(float(params["slope"]))


class Fitted:
    """Answers with location and spread (cases, horizon, 2), NaN beyond the steps asked for."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        margin = np.full((batch.cases, HORIZON, 2), np.nan)
        newest = batch.arrays["y"][batch.starts[:-1] + batch.seen - 1]
        for case, steps in enumerate(batch.steps):
            margin[case, :steps, 0] = newest[case] + self.slope * np.arange(1, steps + 1)
            margin[case, :steps, 1] = 1.0
        return {"margin": margin}

    def export(self) -> Program:
        return Program(engine="none", files={})

    def edges(self) -> Mapping[int, Array]:
        return {}

    def importance(self) -> Array:
        return np.zeros(0)
