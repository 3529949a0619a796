from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from seaway.core import chance
from seaway.core.candidate import Candidate
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.settings import Settings, TrainSettings
from seaway.data import build, infer
from seaway.data.rows import of_columns
from seaway.lab.train import train
from seaway.tasks.segment.task import ASKED, Segment
from tests.unit.tasks.segment.groups import CONTRACT, kinds

SETTINGS = Settings(train=TrainSettings(trials=8, budget_s=0.0, preset="fast", threads=2))


class Quiet:
    def step(self, done: float, total: float, message: str, left: float) -> None: ...


def data(rows: int = 400) -> Dataset:
    x, kind = kinds(rows, 4)
    table = of_columns(
        {
            "height": x[:, 0].astype(float),
            "spent": x[:, 1].astype(float).round(2),
            "country": np.array(["France", "Spain", "Italy"], dtype=object)[kind],
        }
    )
    contract = Segment().shape(msgspec.structs.replace(infer.draft(table)[0], task="segment"), table, {})
    return build.dataset(table, contract, SETTINGS)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """A run of eight trials on rows of three kinds."""
    folder = Path(tmp_path_factory.mktemp("run"))
    return train(data(), Segment(), SETTINGS, folder, progress=Quiet(), started=chance.monotonic())


def test_folds_ask_the_same_rows_of_different_learners() -> None:
    made = Segment().folds(data(), 5, 3)
    asked = made[0][1]
    assert all((one[1] == asked).all() for one in made)
    assert len({tuple(known.tolist()) for known, _ in made}) == 5
    train_rows = data().split.train
    assert all(len(known) == round(0.8 * len(train_rows)) for known, _ in made)
    assert len(Segment().folds(data(4000), 2, 3)[0][1]) == ASKED
    with pytest.raises(BadInput, match="1 folds cannot tell whether segments are found again"):
        Segment().folds(data(), 1, 3)


def test_the_number_of_segments_is_that_of_the_kinds(candidate: Candidate) -> None:
    output = candidate.contract.output("segment")
    assert output.labels == ("1", "2", "3")
    assert candidate.contract.output("distances").labels == ("1", "2", "3")
    assert len(output.notes) == 3
    assert any("country" in note for note in output.notes)
    assert candidate.scores["oof.stability"].value > 0.95
    assert candidate.scores["oof.silhouette"].value > 0.5


def test_one_trial_is_the_model(candidate: Candidate) -> None:
    assert len(candidate.members) == 1
    assert {check.code: check(candidate)[0].outcome for check in Segment().checks("lab")} == {
        "T301": "pass",
        "T302": "pass",
        "T303": "pass",
    }


def test_a_person_sees_profile_sizes_and_quality_by_number(candidate: Candidate) -> None:
    drawn = Segment().figures(candidate)
    assert [one.title for one in drawn] == [
        "What sets each segment apart",
        "Sizes",
        "Quality by number of segments",
        "Importance",
    ]
    assert all(one.svg.startswith("<svg") or "<svg" in one.svg for one in drawn)
    assert "country" in drawn[0].svg


def test_segments_are_settled_by_models_of_this_task_only() -> None:
    with pytest.raises(TypeError, match="settled by a model of this task"):
        Segment().settle(CONTRACT, [])
