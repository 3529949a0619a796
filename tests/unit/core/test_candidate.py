"""A candidate on disk: whole or not at all, and what was saved is what is read."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core import candidate as papers
from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate, Score
from seaway.core.errors import Malformed, NotFound
from tests import credit


def assert_same(one: Candidate, two: Candidate) -> None:
    assert one.digest == two.digest
    assert one.contract == two.contract
    assert [(dict(program.files), weight) for program, weight in one.members] == [
        (dict(program.files), weight) for program, weight in two.members
    ]
    assert one.witness.queries == two.witness.queries
    for first, second in (
        (one.witness.answers, two.witness.answers),
        (one.witness.real_answers, two.witness.real_answers),
        (one.oof.answer, two.oof.answer),
        (one.test.answer, two.test.answer),
        ({"real": one.witness.real, "truth": one.test.truth}, {"real": two.witness.real, "truth": two.test.truth}),
    ):
        assert set(first) == set(second)
        for name, values in first.items():
            np.testing.assert_array_equal(values, second[name])
            assert values is None or values.dtype == second[name].dtype
    assert (one.scores, one.lineage, one.profile) == (two.scores, two.lineage, two.profile)
    assert list(one.trials) == list(two.trials)


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    papers.save(credit.candidate(), tmp_path / "run")
    assert_same(papers.load(tmp_path / "run"), credit.candidate())


def test_saving_twice_is_saving_once(tmp_path: Path) -> None:
    papers.save(credit.candidate(1), tmp_path)
    papers.save(credit.candidate(0), tmp_path)
    assert_same(papers.load(tmp_path), credit.candidate(0))


def test_without_a_finish_and_with_weights(tmp_path: Path) -> None:
    weighted = dataclasses.replace(
        credit.candidate(),
        finish=None,
        test=dataclasses.replace(credit.candidate().test, weight=np.arange(150.0), scale=np.ones(150)),
        oof=Outcomes.of_rows({"file": np.ones(3), "value": np.zeros((3, 2))}, None),
    )
    papers.save(weighted, tmp_path)
    found = papers.load(tmp_path)
    assert found.finish is None
    assert found.oof.truth is None
    assert set(found.oof.answer) == {"file", "value"}
    assert found.test.weight is not None
    assert found.test.scale is not None
    np.testing.assert_array_equal(found.test.weight, np.arange(150.0))


def test_a_score_that_nobody_knows_comes_back_unknown(tmp_path: Path) -> None:
    nan = float("nan")
    scores = {
        "test.roc_auc": Score(value=nan, low=nan, high=nan, n=0),
        "test.brier": Score(value=1, low=0, high=1, n=2),
    }
    papers.save(dataclasses.replace(credit.candidate(), scores=scores), tmp_path)
    found = papers.load(tmp_path).scores
    assert all(math.isnan(number) for number in (found["test.roc_auc"].value, found["test.roc_auc"].low))
    assert found["test.brier"] == scores["test.brier"]


def test_a_run_that_is_not_finished_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No finished candidate here") as raised:
        papers.load(tmp_path)
    assert "seaway train" in raised.value.fix


def test_no_time_host_or_path_is_in_the_digest(tmp_path: Path) -> None:
    papers.save(credit.candidate(), tmp_path / "here")
    papers.save(credit.candidate(), tmp_path / "there")
    assert papers.load(tmp_path / "here").digest == papers.load(tmp_path / "there").digest
    assert credit.candidate.__wrapped__().digest == credit.candidate().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"blend": "output"},
        {"finish": None},
        {"members": [(credit.candidate().members[0][0], 0.5)]},
        {"members": credit.candidate(1).members},
        {"lineage": msgspec.structs.replace(credit.candidate().lineage, seed=1)},
        {"lineage": msgspec.structs.replace(credit.candidate().lineage, fingerprint="f")},
        {"contract": msgspec.structs.replace(credit.CONTRACT, extra="ignore")},
    ],
    ids=["blend", "finish", "weight", "program", "seed", "data", "contract"],
)
def test_another_model_has_another_digest(changes: dict[str, Any]) -> None:
    assert dataclasses.replace(credit.candidate(), **changes).digest != credit.candidate().digest


@pytest.mark.parametrize(
    "name",
    ["witness.npz", "real.npz", "oof.npz", "test.npz", "profile.json", "programs/0/graph.onnx", "candidate.json"],
)
@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_a_damaged_run_is_an_error_in_words(tmp_path: Path, name: str, damage: str) -> None:
    papers.save(credit.candidate(), tmp_path)
    path = tmp_path / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    if name == "profile.json" and damage != "gone":
        return  # any bytes are a profile; the release signs them
    with pytest.raises((Malformed, NotFound), match=r"The candidate cannot be read|No finished candidate"):
        papers.load(tmp_path)


def test_a_program_other_than_the_one_saved_is_found(tmp_path: Path) -> None:
    papers.save(credit.candidate(), tmp_path)
    (tmp_path / "programs" / "0" / "graph.onnx").write_bytes(credit.candidate(1).members[0][0].files["graph.onnx"])
    with pytest.raises(Malformed, match="its parts are not those that were saved"):
        papers.load(tmp_path)


def test_an_array_of_objects_is_neither_written_nor_read(tmp_path: Path) -> None:
    """Objects in a numpy file are pickles, and reading a pickle runs what is in it."""
    odd = dataclasses.replace(credit.candidate(), oof=Outcomes.of_rows({"value": np.array([{}, None])}, None))
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        papers.save(odd, tmp_path)
    papers.save(credit.candidate(), tmp_path)
    np.savez(tmp_path / "witness.npz", **{"a.label": np.array([{}], dtype=object)})
    with pytest.raises(Malformed, match="Object arrays cannot be loaded"):
        papers.load(tmp_path)
