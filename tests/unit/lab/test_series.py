"""Series walk through the same room as tables: their cases are asked at rolling origins and judged step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seaway.core import candidate as candidates
from seaway.core import extend, parity
from seaway.core.answer import answers_to, encoder_of
from seaway.core.batch import Array, Json, Outcomes, Sample
from seaway.core.candidate import Candidate
from seaway.core.chance import monotonic
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.core.dataset import Dataset, Split
from seaway.core.protocols import Check, Drawing, Finish, Fitted, Model, Params, Range, Rows
from seaway.core.verdict import Verdict
from seaway.data.profile import decode
from seaway.data.rows import Table
from seaway.engines.series.document import SeasonalNaive
from seaway.lab import checks, report
from seaway.lab.exam import prepare
from seaway.lab.progress import Silent
from seaway.lab.train import train
from seaway.tasks.forecast.finish import fit
from seaway.tasks.forecast.naive import Naive, Settled, series_only
from tests.unit.lab.fixtures import settings
from tests.unit.lab.test_report import read

MONTHS, HORIZON = 72, 8
SHOPS = ("north", "south", "east")


def contract() -> Contract:
    """Monthly sales of shops."""
    levels = tuple(f"{level:g}" for level in LEVELS)
    return Contract(
        task="forecast",
        per="series",
        columns=(
            Column(name="shop", kind="category", role="id", encode="none"),
            Column(name="month", kind="time", role="time", format="%Y-%m-%d"),
            Column(name="sold", kind="number", role="target", encode="array", range=(0.0, 200.0)),
        ),
        options=(Column(name="horizon", kind="integer", range=(1, HORIZON), hard=True),),
        truth=Column(name="sold", kind="number", role="target"),
        outputs=(
            Output(name="mean", kind="number", axes=("step",)),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=levels),
        ),
        series=Series(frequency="1mo", season=12, history=36, horizon=HORIZON),
    )


def data() -> Dataset:
    """Draw three shops with a year's season; the last months of each are for judging."""
    rng = np.random.default_rng(0)
    month = np.tile(np.arange(MONTHS), len(SHOPS))
    size = np.repeat([20.0, 50.0, 90.0], MONTHS)
    sold = size * (1 + 0.4 * np.sin(2 * np.pi * month / 12)) + rng.normal(0, 1.0, len(month))
    rows = Table(
        pl.DataFrame(
            {
                "shop": np.repeat(SHOPS, MONTHS),
                "month": [date(2015 + one // 12, one % 12 + 1, 1) for one in month.tolist()],
                "sold": sold.round(3),
            }
        ).with_columns(pl.col("month").cast(pl.Datetime("ns")))
    )
    part = (month >= MONTHS - HORIZON).astype(np.int8)
    return Dataset(
        rows=rows,
        contract=contract(),
        fingerprint="0" * 64,
        split=Split(rule="last", seed=0, shares=(0.9, 0.1), part=part),
    )


class Seasons:
    """Repeats the season before; how long that is has to be found out."""

    name = "seasons"

    def supports(self, contract: Contract) -> Verdict:
        return series_only(self.name, "X", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {"season": Range(default=6, low=2, high=24, integer=True)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Fitted:
        assert not train.batch.steps.any(), "what is learnt from is asked nothing"
        return Settled(SeasonalNaive(window=36, season=int(params["season"])), contract)


class Rolling:
    """A task of series with two models and plain origins."""

    name = "forecast"
    blends = True
    samples = True

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        return draft

    def metrics(self, contract: Contract) -> Sequence[str]:
        return ("mase", "smape", "pinball", "coverage")

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        return fit(oof, contract, calibrate=bool(settings["calibrate"]))

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        return contract

    def checks(self, stage: str) -> Sequence[Check]:
        return ()

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        return ()

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        return (Naive(), Seasons())

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        month = np.tile(np.arange(MONTHS), len(SHOPS))
        part = data.split.train
        ends = month[part].max() + 1 - HORIZON * np.arange(count, 0, -1)
        return [(part[month[part] < end], part[(month[part] >= end) & (month[part] < end + HORIZON)]) for end in ends]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Candidate, Path]:
    folder, dataset = tmp_path_factory.mktemp("series"), data()
    found = train(dataset, Rolling(), settings(trials=9), folder, progress=Silent(), started=monotonic())
    return dataset, found, folder


def test_folds_ask_each_series_behind_what_is_known_of_it() -> None:
    dataset = data()
    exam = prepare(dataset, Rolling(), dataset.split.train, 3, 0)
    for fold in exam.folds:
        assert fold.asked.batch.cases == len(SHOPS)
        assert fold.valid is not None
        assert fold.valid.batch.steps.tolist() == [HORIZON] * len(SHOPS)
        assert fold.asked.truth is not None
        asked = np.isnan(fold.asked.batch.arrays["sold"])
        assert asked.sum() == len(SHOPS) * HORIZON
    assert len(exam.sheet) == 3 * len(SHOPS) * HORIZON
    assert exam.sheet.scale is not None


def test_outcomes_have_a_line_for_each_step_of_each_series(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    for outcomes, origins in ((candidate.test, 1), (candidate.oof, 3)):
        assert len(outcomes) == origins * len(SHOPS) * HORIZON
        assert outcomes.answer["quantiles"].shape == (len(outcomes), len(LEVELS))
        assert np.unique(outcomes.case).size == len(SHOPS)
        assert (np.diff(outcomes.case) >= 0).all()
        assert outcomes.step.tolist() == list(range(1, HORIZON + 1)) * (origins * len(SHOPS))
        assert np.isfinite(outcomes.answer["mean"]).all()


def test_the_truth_of_the_test_is_that_of_the_rows_kept_apart(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    assert np.array_equal(candidate.witness.real, dataset.split.test)
    assert np.allclose(candidate.test.truth, dataset.rows.column("sold")[0][dataset.split.test])  # type: ignore[arg-type]
    assert candidate.witness.real_answers["mean"].shape == (len(SHOPS), HORIZON)


def test_the_search_finds_the_season(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    best = min(candidate.trials, key=lambda trial: trial["scores"]["mase"])
    assert best["params"]["season"] in (12, 24)
    assert best["weight"] > 0
    assert candidate.scores["test.mase"].value < 1.5 < candidate.trials[0]["scores"]["mase"]


def test_scores_are_told_by_step(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, folder = made
    groups = [name for name in candidate.scores if name.startswith("test.mase@")]
    assert groups == [f"test.mase@{part}" for part in ("1-2", "3-4", "5-5", "6-6", "7-7", "8-8")]
    for prefix in ("test", "oof"):
        assert len(candidate.figures["by_step"][prefix]["mase"]) == HORIZON
    stored = candidates.load(folder)
    assert stored.scores == candidate.scores
    assert stored.figures["by_step"] == candidate.figures["by_step"]
    assert "steps ahead" in read(folder / report.NAME).text


def test_the_program_repeats_the_witness_and_the_held_out_cases(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    program = extend.load("compose", candidate.members[0][0].engine)(candidate.members, candidate.finish)
    runner = extend.load("engine", program.engine)().load(program, candidate.contract)
    encoder = encoder_of(candidate.contract)
    asked = encoder.queries(dataset, dataset.split.train, candidate.witness.real)
    for queries, expected in (
        (candidate.witness.queries, candidate.witness.answers),
        (asked, candidate.witness.real_answers),
    ):
        difference = parity.compare(expected, answers_to(queries, encoder, runner), candidate.contract, 1e-6)
        assert difference.cases == len(queries) > 0
        assert difference.holds


def test_without_rows_to_judge_on_there_is_still_a_candidate(tmp_path: Path) -> None:
    whole = data()
    split = replace(whole.split, part=np.zeros_like(whole.split.part))
    found = train(
        replace(whole, split=split), Rolling(), settings(trials=2), tmp_path, progress=Silent(), started=monotonic()
    )
    assert len(found.test) == 0
    assert not [name for name in found.scores if name.startswith("test.")]
    assert "oof.mase" in found.scores


def test_the_reference_is_of_seasonal_changes_not_of_levels(made: tuple[Dataset, Candidate, Path]) -> None:
    """Shops sell 20 to 90 a month; against the season before, and over each shop's own scale, that is about nothing."""
    dataset, candidate, _ = made
    profile = decode(candidate.profile)
    assert profile.rows == len(dataset.split.train)
    assert profile.outputs["mean"].n == len(candidate.oof)
    for described in (profile.outputs["mean"], profile.columns["sold"]):
        assert described.mean is not None
        assert abs(described.mean) < 1


def test_few_series_are_said(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    few = [verdict for verdict in checks.run(candidate, Rolling()) if verdict.code == "L004"]
    assert {"cases out of fold", "test cases"} <= {verdict.subject for verdict in few}
