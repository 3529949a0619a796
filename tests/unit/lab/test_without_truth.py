"""A table whose rows nobody has named: the same room trains on it, judges it without truth, and settles its contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seaway.core import candidate as candidates
from seaway.core import parity
from seaway.core.answer import answers_to, encoder_of
from seaway.core.candidate import Candidate
from seaway.core.chance import monotonic
from seaway.core.dataset import Dataset
from seaway.data.profile import decode
from seaway.engines.compose import compose
from seaway.engines.onnx import OnnxEngine
from seaway.lab import checks, report
from seaway.lab.exam import prepare
from seaway.lab.progress import Silent
from seaway.lab.train import train
from tests.unit.lab.fixtures import settings
from tests.unit.lab.sides import Sides, data
from tests.unit.lab.test_report import read


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Candidate, Path]:
    folder, dataset = tmp_path_factory.mktemp("sides"), data()
    found = train(dataset, Sides(), settings(trials=8), folder, progress=Silent(), started=monotonic())
    return dataset, found, folder


def test_the_best_trial_alone_is_the_model_where_margins_cannot_be_averaged(
    made: tuple[Dataset, Candidate, Path],
) -> None:
    _, candidate, _ = made
    assert [weight for _, weight in candidate.members] == [1.0]
    (chosen,) = [trial for trial in candidate.trials if trial["weight"]]
    scores = [trial["scores"]["stable_silhouette"] for trial in candidate.trials]
    assert chosen["scores"]["stable_silhouette"] == max(scores) > min(scores)
    assert chosen["params"] == {"parts": 3}


def test_the_candidate_carries_the_contract_that_training_settled(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, folder = made
    assert dataset.contract.output("segment").labels == ()
    assert (
        candidate.contract.output("segment").labels == candidate.contract.output("distances").labels == ("1", "2", "3")
    )
    assert candidates.load(folder).contract == candidate.contract
    page = read(folder / report.NAME)
    assert "What the answers mean" in page.text
    for note in candidate.contract.output("segment").notes:
        assert note in page.text


def test_outcomes_have_no_truth_and_every_fold_answers_about_the_same_cases(
    made: tuple[Dataset, Candidate, Path],
) -> None:
    dataset, candidate, _ = made
    assert candidate.oof.truth is None
    assert candidate.test.truth is None
    cases, times = np.unique(candidate.oof.case, return_counts=True)
    assert set(times.tolist()) == {3}
    assert set(cases) <= set(dataset.split.train)
    assert {"oof.stable_silhouette", "test.stable_silhouette", "oof.stability"} <= set(candidate.scores)
    assert candidate.scores["oof.stable_silhouette"].n == len(cases)
    assert candidate.scores["oof.stability"].value > 0.95


def test_the_reference_is_what_the_members_answer_to_the_training_rows(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    profile = decode(candidate.profile)
    assert profile.rows == profile.outputs["segment"].n == len(dataset.split.train)
    assert profile.outputs["segment"].categories
    assert {"distances.1", "distances.2", "distances.3", "outlier"} <= set(profile.outputs)


def test_nothing_stops_training_early(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, _, _ = made
    exam = prepare(dataset, Sides(), dataset.split.train, 3, 0)
    assert all(fold.valid is None for fold in exam.folds)
    assert exam.sheet.truth is None
    assert len(exam.by_fold(exam.outcomes({}))) == 3


def test_one_composed_program_repeats_the_witness(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    runner = OnnxEngine().load(compose(candidate.members, candidate.finish), candidate.contract)
    found = answers_to(candidate.witness.queries, encoder_of(candidate.contract), runner)
    difference = parity.compare(candidate.witness.answers, found, candidate.contract, 1e-12)
    assert difference.cases >= 300
    assert difference.holds


def test_checks_of_truth_do_not_apply(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    found = {verdict.code: verdict.outcome for verdict in checks.run(candidate, Sides())}
    assert {code: found[code] for code in ("L001", "L002", "L003", "L005")} == dict.fromkeys(
        ("L001", "L002", "L003", "L005"), "not-applicable"
    )


def test_importance_of_nothing_is_left_out(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    assert candidate.figures["importance"] == {}
    assert "by_step" not in candidate.figures
