"""A verified bundle that answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from seaway.core import bundle, parity
from seaway.core.answer import Answerer, encoder_of, finite
from seaway.core.errors import BrokenContract, NotFound, Untrusted
from seaway.core.protocols import Reasons
from tests import credit
from tests.releases import Workshop, resign


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    made.build()
    return made


@pytest.fixture
def folder(shop: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop.state / "staging" / "credit-1", tmp_path / "bundle"))


def test_requests_are_answered_together_as_each_alone(shop: Workshop, folder: Path) -> None:
    answerer = Answerer(folder, shop.verifier)
    parts = [credit.rows(count, seed=count) for count in (3, 1, 5)]
    together = answerer.answer([answerer.encoder.request(part) for part in parts])
    for part, answered in zip(parts, together, strict=True):
        (alone,) = answerer.answer([answerer.encoder.request(part)])
        assert answered.predictions == alone.predictions
        assert len(answered.predictions) == len(part)
        for name, values in alone.answers.items():
            np.testing.assert_array_equal(answered.answers[name], values)


def test_no_request_has_no_answer(shop: Workshop, folder: Path) -> None:
    assert Answerer(folder, shop.verifier).answer([]) == []


def test_predictions_name_the_classes(shop: Workshop, folder: Path) -> None:
    answerer = Answerer(folder, shop.verifier)
    (answered,) = answerer.answer([answerer.encoder.request(credit.rows(1))])
    (prediction,) = answered.predictions
    assert set(prediction["probabilities"]) == {"good", "bad"}
    assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert sum(prediction["probabilities"].values()) == pytest.approx(1.0, abs=1e-15)


def test_explanations_add_up_to_the_margin(shop: Workshop, folder: Path) -> None:
    answerer = Answerer(folder, shop.verifier)
    batch, reasons = answerer.explain(answerer.encoder.request(credit.rows(20, seed=4)))
    assert isinstance(reasons, Reasons)
    assert reasons.attributions.shape == (20, 4, 1)
    np.testing.assert_allclose(reasons.base + reasons.attributions.sum(axis=1), reasons.margin, rtol=0, atol=1e-9)
    assert batch.cases == 20


def test_rows_that_break_the_contract_are_not_answered(shop: Workshop, folder: Path) -> None:
    answerer = Answerer(folder, shop.verifier)
    with pytest.raises(BrokenContract, match=r"."):
        answerer.encoder.request([{"amount": "much", "months": 12, "purpose": "car", "owner": True}])


def test_the_digest_is_that_of_the_manifest(shop: Workshop, folder: Path) -> None:
    answerer = Answerer(folder, shop.verifier)
    assert answerer.digest == bundle.open_bundle(folder, shop.verifier).digest
    assert answerer.parity().verdict.outcome == "pass"
    assert answerer.parity().verdict.subject == answerer.digest


def test_a_program_that_does_not_repeat_its_vectors_does_not_open(shop: Workshop, folder: Path) -> None:
    vectors = list(parity.read_vectors((folder / bundle.PARITY).read_bytes()))
    answers = parity.expected_of(vectors, credit.CONTRACT)
    answers["probabilities"][7] += (1e-5, -1e-5)
    resign(folder, shop.signer, {bundle.PARITY: parity.write_vectors([vector.query for vector in vectors], answers)})
    with pytest.raises(Untrusted, match=r"does not repeat the trained model.s answers: .* 1 beyond") as raised:
        Answerer(folder, shop.verifier)
    assert raised.value.code == "parity"
    Answerer(folder, shop.verifier, replay=False)


def test_another_model_s_program_does_not_open(shop: Workshop, folder: Path, tmp_path: Path) -> None:
    """Signed by us, allowed by the walk, of the same contract: only the vectors can tell."""
    other = Workshop(tmp_path / ".seaway").build(credit.candidate(1), real=credit.held_out(1))
    program = {
        f"program/{name}": (other.folder / "program" / name).read_bytes() for name in ("graph.onnx", "explain.json")
    }
    resign(folder, shop.signer, program)
    with pytest.raises(Untrusted, match="does not repeat the trained model's answers"):
        Answerer(folder, shop.verifier)


def test_without_vectors_nothing_is_proven(shop: Workshop, folder: Path) -> None:
    resign(folder, shop.signer, {bundle.PARITY: b""})
    with pytest.raises(Untrusted, match="carries no parity vectors"):
        Answerer(folder, shop.verifier)


def test_the_encoder_must_be_the_one_that_made_the_numbers(shop: Workshop, folder: Path) -> None:
    resign(folder, shop.signer, encoder=99)
    with pytest.raises(Untrusted, match="made with encoder 99, this is 1"):
        Answerer(folder, shop.verifier)


def test_an_engine_that_is_not_there_is_said_by_name(shop: Workshop, folder: Path) -> None:
    with pytest.raises(NotFound, match="no rung called 'steam'"):
        Answerer(folder, shop.verifier, engine="steam")


def test_encoders_are_found_by_what_a_prediction_is_about() -> None:
    assert encoder_of(credit.CONTRACT).version == 1


def test_nan_is_not_finite() -> None:
    assert finite({"value": np.ones(2), "label": np.array([1, 2])})
    assert not finite({"value": np.array([1.0, float("nan")])})
    assert not finite({"value": np.array([1.0, float("inf")])})
