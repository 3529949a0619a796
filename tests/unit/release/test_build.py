"""Building a release: all of it or nothing."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core import bundle, canonical
from seaway.core.answer import Answerer
from seaway.core.batch import Query
from seaway.core.candidate import Candidate, Program, Score, Witness
from seaway.core.errors import BadInput, InexactExport, Refused, SeawayError, Unavailable
from seaway.core.settings import MonitorSettings, ReleaseSettings, Settings, UpdateSettings
from seaway.core.verdict import Verdict, worst
from seaway.engines.export import finish_program
from seaway.engines.finish import Binary
from seaway.release.build import LIVE_CASES, expires
from tests import credit
from tests.releases import CREATED, Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / ".seaway")


def changed(witness: Witness, **changes: Any) -> Candidate:
    return dataclasses.replace(credit.candidate(), witness=dataclasses.replace(witness, **changes))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_release_answers_as_the_trained_model_does(shop: Workshop) -> None:
    built = shop.build()
    assert worst(built.verdicts) == "pass"
    assert [verdict.code for verdict in built.verdicts] == ["R011", "R012", "R001", "R002", "R003", "R004", "R005"]
    answerer = Answerer(built.folder, shop.verifier)
    assert answerer.digest == built.digest
    pairs = credit.held_out()
    (answered,) = answerer.answer([answerer.encoder.request([query.rows[0] for query, _ in pairs])])
    native = credit.candidate().witness.real_answers
    np.testing.assert_allclose(answered.answers["probabilities"], native["probabilities"], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(answered.answers["label"], native["label"])


def test_it_holds_what_a_bundle_must_and_nothing_else(shop: Workshop) -> None:
    built = shop.build()
    assert sorted(contents(built.folder)) == [
        "card.json",
        "card.md",
        "contract.json",
        "manifest.json",
        "manifest.sig",
        "parity.ndjson",
        "policy.json",
        "profile.json",
        "program/explain.json",
        "program/graph.onnx",
    ]
    manifest = built.manifest
    assert (manifest.model, manifest.version, manifest.sequence, manifest.parent) == ("credit", 1, 1, "")
    assert (manifest.created, manifest.expires) == (CREATED, expires(CREATED, 730))
    assert manifest.contract == credit.CONTRACT.digest
    assert manifest.lineage["candidate"] == credit.candidate().digest
    assert set(manifest.scores) == set(credit.candidate().scores)


def test_the_same_candidate_and_reservation_give_the_same_bytes(shop: Workshop) -> None:
    first = shop.build()
    before = contents(first.folder)
    shutil.rmtree(first.folder)
    second = shop.build(credit.candidate.__wrapped__())
    assert contents(second.folder) == before
    assert second.digest == first.digest


def test_another_moment_or_version_is_another_release(shop: Workshop) -> None:
    first = shop.build()
    assert shop.build(version=2).digest != first.digest
    assert shop.build(created="2026-11-23T17:24:07.000000Z").digest != first.digest


def test_policy_is_a_signed_copy_of_the_settings(shop: Workshop) -> None:
    settings = Settings(monitor=MonitorSettings(window=250), update=UpdateSettings(canary=(0.1,)))
    folder = shop.build(settings=settings).folder
    policy = msgspec.json.decode((folder / bundle.POLICY).read_bytes())
    assert msgspec.convert(policy["monitor"], MonitorSettings) == settings.monitor
    assert msgspec.convert(policy["update"], UpdateSettings) == settings.update


def test_the_days_until_it_expires_are_a_setting(shop: Workshop) -> None:
    built = shop.build(settings=Settings(release=ReleaseSettings(days=31)))
    assert built.manifest.expires == expires(CREATED, 31)
    assert expires("2026-11-23T17:24:06.000000Z", 31) == "2026-12-24T17:24:06.000000Z"


# -------------------------------------------------------------------------------------------------------- refusals


def test_a_program_that_differs_is_refused(shop: Workshop) -> None:
    other = dataclasses.replace(credit.candidate(), finish=finish_program(Binary(slope=1.1, shift=-0.0499)))
    with pytest.raises(Refused, match=r"R011 121 cases, largest difference .* beyond") as raised:
        shop.build(other)
    assert raised.value.exit == 1
    assert not (shop.state / "staging" / "credit-1").exists()


def test_one_held_out_row_that_differs_is_enough(shop: Workshop) -> None:
    witness = credit.candidate().witness
    answers = {name: values.copy() for name, values in witness.real_answers.items()}
    answers["probabilities"][17] += 2e-6
    with pytest.raises(Refused, match=r"R012 150 cases, .*, 1 beyond"):
        shop.build(changed(witness, real_answers=answers))


def test_one_changed_decision_is_enough(shop: Workshop) -> None:
    witness = credit.candidate().witness
    answers = {name: values.copy() for name, values in witness.answers.items()}
    answers["label"][3] = 1 - answers["label"][3]
    with pytest.raises(Refused, match="1 decisions changed"):
        shop.build(changed(witness, answers=answers))


def test_all_held_out_rows_must_be_given(shop: Workshop) -> None:
    with pytest.raises(Refused, match="R012 150 cases were held out, but 149 were given"):
        shop.build(real=credit.held_out()[:-1])


def test_without_held_out_rows_nothing_is_proven(shop: Workshop) -> None:
    witness = credit.candidate().witness
    none = changed(witness, real=np.zeros(0, dtype=np.int64), real_answers={})
    with pytest.raises(Refused, match="R012 The candidate has no held-out cases"):
        shop.build(none, real=[])
    with pytest.raises(Refused, match="R011 The candidate has no witness"):
        shop.build(changed(witness, queries=[], answers={}))


@pytest.mark.parametrize("tolerance", [0.0, -1e-6, 1.1e-6, 1.0, float("nan")])
def test_a_tolerance_that_lets_models_differ_is_refused(shop: Workshop, tolerance: float) -> None:
    with pytest.raises(BadInput, match="is not above 0 and at most 1e-06"):
        shop.build(settings=Settings(release=ReleaseSettings(tolerance=tolerance)))


def test_the_stricter_tolerance_holds(shop: Workshop) -> None:
    assert shop.build(settings=Settings(release=ReleaseSettings(tolerance=1e-9))).manifest.tolerance == 1e-9
    assert shop.build(changed(credit.candidate().witness, tolerance=1e-10)).manifest.tolerance == 1e-10


def test_a_blend_that_is_no_graph_is_refused_before_anything_is_written(shop: Workshop) -> None:
    odd = dataclasses.replace(credit.candidate(), members=[(Program(engine="route", files={}), 1.0)])
    with pytest.raises(InexactExport, match="make no one program"):
        shop.build(odd)
    assert not (shop.state / "staging" / "credit-1").exists()


def test_a_score_that_nobody_knows_is_left_out_of_the_manifest(shop: Workshop) -> None:
    nan = float("nan")
    scores = {**credit.candidate().scores, "test.f1": Score(value=nan, low=nan, high=nan, n=0)}
    built = shop.build(dataclasses.replace(credit.candidate(), scores=scores))
    assert "test.f1" not in built.manifest.scores
    card = msgspec.json.decode((built.folder / bundle.CARD).read_bytes())
    (f1,) = [score for score in card["scores"] if score["metric"] == "f1"]
    assert f1["test"]["value"] is None


def test_a_long_difference_of_the_working_tree_stands_as_a_digest(shop: Workshop) -> None:
    lineage = msgspec.structs.replace(credit.candidate().lineage, git={"commit": "abc", "diff": "password = 1\n" * 99})
    manifest = shop.build(dataclasses.replace(credit.candidate(), lineage=lineage)).manifest
    assert manifest.lineage["git"]["commit"] == "abc"
    assert (
        manifest.lineage["git"]["diff"]
        == f"sha256:{canonical.digest(b'password = 1' * 0 + ('password = 1' + chr(10)).encode() * 99)}"
    )


# ---------------------------------------------------------------------------------------------------------- replay


class Line:
    """A replay that keeps what it was asked and says what it was told to."""

    def __init__(self, *outcomes: str, error: SeawayError | None = None) -> None:
        self.outcomes = outcomes
        self.error = error
        self.asked: list[tuple[Path, int, Path | None]] = []

    def __call__(
        self, folder: Path, real: Sequence[tuple[Query, Mapping[str, Any]]], *, keys: Path | None = None
    ) -> list[Verdict]:
        assert (folder / bundle.SIGNATURE).exists(), "only a signed bundle is asked"
        self.asked.append((folder, len(real), keys))
        if self.error:
            raise self.error
        return [
            Verdict(code="R020", outcome=outcome, subject="live", message=f"said {outcome}")  # type: ignore[arg-type]
            for outcome in self.outcomes
        ]


def test_the_signed_bundle_is_asked_over_the_live_path(shop: Workshop) -> None:
    line = Line("pass")
    built = shop.build(replay=line)
    assert line.asked == [(built.folder, min(credit.TEST, LIVE_CASES), shop.keys)]
    assert built.verdicts[-1].code == "R020"


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        (Line("pass", "fail"), Refused, "R020 said fail"),
        (Line(), Refused, "R013 The replay over HTTP said nothing"),
        (Line(error=Unavailable("No port is free", where="here", fix="Wait.")), Unavailable, "No port is free"),
    ],
    ids=["fails", "says nothing", "cannot run"],
)
def test_a_replay_that_does_not_pass_leaves_nothing(
    shop: Workshop, line: Line, error: type[SeawayError], text: str
) -> None:
    with pytest.raises(error, match=text):
        shop.build(replay=line)
    assert [path.name for path in (shop.state / "staging").iterdir()] == [".lock"]


def test_what_a_killed_build_left_is_replaced(shop: Workshop) -> None:
    left = shop.state / "staging" / "credit-1" / "program"
    left.mkdir(parents=True)
    (left / "graph.onnx").write_bytes(b"half")
    (left / "other.json").write_bytes(b"{}")
    assert worst(shop.build().verdicts) == "pass"


def test_registered_it_is_the_same_release(shop: Workshop) -> None:
    digest = shop.register()
    assert shop.register() == digest
