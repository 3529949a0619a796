"""A run from data to candidate: whole, repeatable, resumable, and what the programs answer is what was trained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest

from seaway.core import candidate as candidates
from seaway.core import parity
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, join
from seaway.core.candidate import Candidate
from seaway.core.chance import monotonic
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput, Conflict, NotFound
from seaway.core.protocols import Reasons
from seaway.data.profile import decode
from seaway.engines.compose import compose
from seaway.engines.onnx import OnnxEngine
from seaway.lab.exam import everything
from seaway.lab.journal import recipe
from seaway.lab.progress import Silent
from seaway.lab.train import train
from seaway.tasks.tabular.task import Tabular
from tests.unit.lab.fixtures import data, frame, settings, trained

PROBLEMS = ("binary", "multiclass", "regression")


def run(program: Any, inputs: dict[str, Array]) -> dict[str, Array]:
    """Run a program in onnxruntime."""
    session = onnxruntime.InferenceSession(program.files["graph.onnx"], providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def exported(candidate: Candidate, x: Array) -> dict[str, Array]:
    """Answer with the candidate's programs alone, blended as it says."""
    total = sum(weight * run(program, {"x": x})["margin"] for program, weight in candidate.members)
    assert candidate.finish is not None
    (name,) = [one.name for one in onnxruntime.InferenceSession(candidate.finish.files["graph.onnx"]).get_inputs()]
    return run(candidate.finish, {name: np.asarray(total)})


def asked(dataset: Dataset, candidate: Candidate) -> Batch:
    """Encode the queries of the witness."""
    encoder = encoder_of(dataset.contract)
    queries = candidate.witness.queries
    return join([encoder.encode(encoder.request(query.rows, query.options)) for query in queries])


@pytest.fixture(scope="module", params=PROBLEMS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Candidate, Path]:
    """Train one candidate for each problem."""
    folder = tmp_path_factory.mktemp(request.param)
    dataset = data(request.param, rows=300)
    return dataset, trained(folder, dataset, settings(trials=4)), folder


def test_the_candidate_on_disk_is_the_one_returned(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, folder = made
    stored = candidates.load(folder)
    assert stored.digest == candidate.digest
    assert stored.scores == candidate.scores
    assert np.array_equal(stored.oof.truth, candidate.oof.truth)  # type: ignore[arg-type]


def test_programs_repeat_the_witness(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    x = asked(dataset, candidate).x
    assert len(x) >= 300
    for name, found in exported(candidate, x).items():
        expected = candidate.witness.answers[name]
        assert np.abs(found - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max()), name


def test_programs_repeat_every_held_out_row(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    assert np.array_equal(candidate.witness.real, dataset.split.test)
    x = everything(dataset, dataset.split.test).batch.x
    for name, found in exported(candidate, x).items():
        expected = candidate.witness.real_answers[name]
        assert np.abs(found - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max()), name
        assert np.array_equal(expected, candidate.test.answer[name])


def test_one_composed_program_passes_the_gate(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    program = compose(candidate.members, candidate.finish)
    runner = OnnxEngine().load(program, dataset.contract)
    batch = asked(dataset, candidate)
    difference = parity.compare(candidate.witness.answers, runner.run(batch), dataset.contract, 1e-12)
    assert difference.cases >= 300
    assert difference.beyond == difference.decisions == 0
    reasons = runner.reasons(batch)
    assert isinstance(reasons, Reasons)
    assert np.abs(reasons.base + reasons.attributions.sum(axis=1) - candidate.witness.answers["margin"]).max() < 1e-9


def test_answers_are_those_the_contract_promises(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    for outcomes in (candidate.oof, candidate.test):
        for output in dataset.contract.outputs:
            shape = (len(outcomes), len(output.labels)) if output.axes else (len(outcomes),)
            assert outcomes.answer[output.name].shape == shape
            assert outcomes.answer[output.name].dtype == (np.int64 if output.kind == "code" else np.float64)


def test_weights_are_shares(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    weights = [weight for _, weight in candidate.members]
    assert sum(weights) == pytest.approx(1)
    assert min(weights) > 0
    by_trial = [trial["weight"] for trial in candidate.trials]
    assert sorted(weight for weight in by_trial if weight) == sorted(weights)


def test_out_of_fold_rows_are_the_training_rows_once_each(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    assert np.array_equal(candidate.oof.case, np.sort(dataset.split.train))
    assert np.array_equal(candidate.test.case, dataset.split.test)


def test_it_beats_the_baseline_and_scores_have_intervals(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, _ = made
    name = candidate.figures["metric"]
    score = candidate.scores[f"oof.{name}"]
    assert score.low < score.value < score.high
    base = next(trial["scores"][name] for trial in candidate.trials if trial["is_baseline"])
    assert score.low > base if name == "roc_auc" else score.high < base
    assert {key.partition(".")[2] for key in candidate.scores if key.startswith("test.")} >= {name}


def test_trials_are_what_was_asked_for(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, folder = made
    names = [trial["model"] for trial in candidate.trials]
    assert names[:3] == ["baseline", "linear", "lightgbm"]
    assert len(names) == 1 + 4
    assert candidate.figures["stopped"] == "4 trials are done"
    assert len((folder / "journal.jsonl").read_text().splitlines()) == 1 + 5


def test_lineage_holds_what_a_replay_needs_and_no_time_host_or_path(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, folder = made
    lineage = candidate.lineage
    assert lineage.fingerprint == dataset.fingerprint
    assert lineage.settings["train"]["trials"] == 4
    assert {"seaway", "numpy", "lightgbm"} <= set(lineage.packages)
    assert all("seconds" not in trial for trial in lineage.trials)
    assert str(folder) not in repr(lineage)


def test_the_profile_is_of_training_rows_with_honest_answers(made: tuple[Dataset, Candidate, Path]) -> None:
    dataset, candidate, _ = made
    profile = decode(candidate.profile)
    assert profile.rows == len(dataset.split.train)
    assert set(profile.columns) == {"amount", "age", "place", "y"}
    assert profile.outputs


def test_the_report_is_beside_it(made: tuple[Dataset, Candidate, Path]) -> None:
    _, candidate, folder = made
    text = (folder / "run.html").read_text()
    for word in ("Leaderboard", "Checks", "Ensemble", "Made from", candidate.digest, "lightgbm", "baseline"):
        assert word in text
    assert not re.search(r"(src|href)=[\"']https?://", text)


# ------------------------------------------------------------------------------------------------- repeatable


def test_the_same_work_gives_the_same_digest(tmp_path: Path) -> None:
    dataset = data()
    digests = {trained(tmp_path / name, dataset, settings(trials=4)).digest for name in ("a", "b")}
    assert len(digests) == 1
    assert trained(tmp_path / "c", dataset, settings(trials=4, seed=1)).digest not in digests


def test_with_trials_the_clock_has_no_say(tmp_path: Path) -> None:
    dataset = data()
    long_ago = monotonic() - 10_000
    chosen = settings(trials=3, budget_s=1)
    late = train(dataset, Tabular(), chosen, tmp_path / "late", progress=Recorder(), started=long_ago)
    assert late.digest == trained(tmp_path / "now", dataset, settings(trials=3)).digest


class Recorder:
    """Remembers what it was told; raises KeyboardInterrupt at a given step, as Ctrl-C does."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.steps: list[tuple[float, float, str, float]] = []
        self.stop_at = stop_at

    def step(self, done: float, total: float, message: str, left_s: float) -> None:
        self.steps.append((done, total, message, left_s))
        if len(self.steps) == self.stop_at:
            raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Stopped before any trial, in the middle, or while refitting: the digest is that of a run without a break."""
    dataset, chosen = data(), settings(trials=4)
    whole = trained(tmp_path / "whole", dataset, chosen)
    for stop_at in (1, 4, 8):
        folder = tmp_path / str(stop_at)
        with pytest.raises(KeyboardInterrupt):
            trained(folder, dataset, chosen, Recorder(stop_at))
        assert not (folder / "candidate.json").exists()
        rest = Recorder()
        assert trained(folder, dataset, chosen, rest).digest == whole.digest
        assert sum("trial" in message for _, _, message, _ in rest.steps) == max(0, 5 - (stop_at - 1))


def test_a_finished_run_is_read_back(tmp_path: Path) -> None:
    dataset, chosen = data(), settings(trials=2)
    first = trained(tmp_path, dataset, chosen)
    again = Recorder()
    assert trained(tmp_path, dataset, chosen, again).digest == first.digest
    assert again.steps == []


def test_a_folder_with_other_work_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, data(), settings(trials=1))
    with pytest.raises(Conflict, match="holds another run"):
        trained(tmp_path, data(), settings(trials=2))


def test_progress_never_goes_back_and_ends_full(tmp_path: Path) -> None:
    seen = Recorder()
    trained(tmp_path, data(), settings(trials=3), seen)
    shares = [done / total for done, total, _, _ in seen.steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "best roc_auc 0." in " ".join(message for _, _, message, _ in seen.steps)


# ------------------------------------------------------------------------------------------------------ time


def test_a_budget_ends_in_time_with_every_model_tried(tmp_path: Path) -> None:
    dataset = data(rows=1500)
    begun = monotonic()
    candidate = trained(tmp_path, dataset, settings(trials=0, budget_s=4))
    assert monotonic() - begun <= 1.1 * 4 + 2
    assert {trial["model"] for trial in candidate.trials} == {"baseline", "linear", "lightgbm"}
    assert (tmp_path / "run.html").exists()


def test_a_budget_that_is_over_before_it_began_still_gives_a_model(tmp_path: Path) -> None:
    dataset = data(rows=600)
    long_ago = monotonic() - 100
    candidate = train(
        dataset, Tabular(), settings(trials=0, budget_s=10), tmp_path, progress=Recorder(), started=long_ago
    )
    assert {trial["model"] for trial in candidate.trials} == {"baseline", "linear", "lightgbm"}
    assert candidate.figures["stopped"] == "the time is up"


def test_patience_ends_a_search_without_gains(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = pl.DataFrame({"x": rng.normal(size=200).round(3), "y": rng.choice(["a", "b"], 200)})
    candidate = trained(tmp_path, data(table=noise), settings(trials=0, budget_s=60, preset="fast"))
    assert "brought nothing better" in candidate.figures["stopped"]


# -------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("search", ["random", "grid"])
def test_other_searches(search: str, tmp_path: Path) -> None:
    candidate = trained(tmp_path, data(), settings(trials=4, search=search))
    assert len(candidate.trials) == 5


def test_the_metric_that_decides_can_be_named(tmp_path: Path) -> None:
    candidate = trained(tmp_path, data(), settings(trials=2, metric="log_loss"))
    assert candidate.figures["metric"] == "log_loss"
    with pytest.raises(BadInput, match=r"'rmse' cannot judge this problem(.|\n)*roc_auc"):
        trained(tmp_path / "b", data(), settings(trials=2, metric="rmse"))
    with pytest.raises(NotFound, match="no metric 'best'"):
        trained(tmp_path / "c", data(), settings(trials=2, metric="best"))


def test_without_calibration_the_plain_link_answers(tmp_path: Path) -> None:
    candidate = trained(tmp_path, data(), settings(trials=2, calibrate=False))
    assert candidate.figures["finish"] == "identity"


def test_the_preset_limits_the_members(tmp_path: Path) -> None:
    candidate = trained(tmp_path, data(), settings(trials=8, preset="fast"))
    assert len(candidate.members) <= 2


def test_more_rows_than_the_preset_searches_on_are_said(tmp_path: Path) -> None:
    dataset = data(table=frame(rows=29_000))
    candidate = trained(tmp_path, dataset, settings(trials=1, preset="fast"))
    assert len(candidate.oof) == 20_000 < len(dataset.split.train)
    assert candidate.figures["limited_rows"] is True
    assert "looked at 20000 of" in (tmp_path / "run.html").read_text()


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    dataset = data()
    columns = tuple(
        column.__class__(name=column.name, kind=column.kind, role="ignore" if column.role == "feature" else column.role)
        for column in dataset.contract.columns
    )
    blind = Contract(
        task="tabular", per="row", columns=columns, truth=dataset.contract.truth, outputs=dataset.contract.outputs
    )
    hollow = Dataset(rows=dataset.rows, contract=blind, fingerprint=dataset.fingerprint, split=dataset.split)
    with pytest.raises(BadInput, match=r"No model can learn(.|\n)*at least one feature"):
        trained(tmp_path, hollow, settings(trials=2))


def test_a_run_that_time_had_ended_is_made_again_to_the_bit(tmp_path: Path) -> None:
    """Early stops and rows searched depend on the clock; the journal keeps them, so a replay needs no clock."""
    dataset = data("binary", rows=300)
    first = train(
        dataset, Tabular(), settings(trials=0, budget_s=2.0), tmp_path / "one", progress=Silent(), started=monotonic()
    )
    again = train(
        dataset,
        Tabular(),
        settings(trials=0),
        tmp_path / "two",
        progress=Silent(),
        started=monotonic(),
        recipe=recipe(tmp_path / "one"),
    )
    assert any(trial["model"] == "lightgbm" for trial in first.trials)
    assert again.digest == first.digest


def test_a_run_without_a_journal_cannot_be_made_again(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no journal"):
        recipe(tmp_path)
