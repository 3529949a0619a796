"""The model card: made of facts, readable, and safe to show."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core import canonical, metrics
from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate, Score
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.core.settings import ReleaseSettings, Settings
from seaway.core.verdict import Verdict
from seaway.release.card import Facts, baseline, card
from tests import credit

FACTS = Facts(
    model="credit",
    version=3,
    created="2026-11-23T17:24:06.000000Z",
    expires="2028-11-22T17:24:06.000000Z",
    parent="a" * 64,
    tolerance=1e-6,
    proofs=[Verdict(code="R011", outcome="pass", subject="c", message="121 cases, largest difference 1.1e-16")],
)


def regression() -> Candidate:
    """Return the credit candidate as one that predicts a number: what a card reads of it, that is."""
    rng = np.random.default_rng(0)
    truth = rng.normal(10, 2, 150)
    contract = Contract(
        task="tabular",
        per="row",
        columns=(
            Column(name="x", kind="number"),
            Column(name="price", kind="number", role="target", unit="EUR"),
        ),
        truth=Column(name="price", kind="number", role="target", unit="EUR"),
        outputs=(Output(name="value", kind="number", unit="EUR"),),
    )
    test = Outcomes.of_rows({"value": truth + rng.normal(0, 0.5, 150)}, truth)
    return dataclasses.replace(
        credit.candidate(),
        contract=contract,
        test=test,
        oof=test,
        scores={"test.rmse": metrics.score(metrics.metric("rmse"), test, rounds=50)},
    )


def made(candidate: Candidate | None = None, **release: str) -> tuple[str, dict[str, Any]]:
    return card(candidate or credit.candidate(), Settings(release=ReleaseSettings(**release)), FACTS)  # type: ignore[arg-type]


def test_every_section_has_its_facts() -> None:
    text, document = made(use="Ranking applications for review.", limits="No refusal by the score alone.")
    assert text.startswith("# Model card: credit, version 3\n\nMade 2026-11-23, to be used until 2028-11-22.")
    for part in (
        "Ranking applications for review.",
        "- No refusal by the score alone.",
        "one of 2 classes of **outcome**",
        "On 150 cases that it never learnt from",
        "| amount | number (EUR) | 250 to 40,000 |  |",
        "| owner | boolean |  | personal, protected |",
        "- Requests made from the contract: 121 cases, largest difference 1.1e-16.",
        "Champion when it was made: `aaaaaaaaaaaa`",
        "Learnt from 600 cases, judged on 150 others",
        "Reads protected attributes: owner.",
        "Judged on 150 cases only",
    ):
        assert part in text
    assert (document["model"], document["version"], document["use"]) == (
        "credit",
        3,
        "Ranking applications for review.",
    )


def test_the_figures_are_the_recorded_ones_beside_a_model_that_knows_nothing() -> None:
    _, document = made()
    by_name = {score["metric"]: score for score in document["scores"]}
    recorded = credit.candidate().scores["test.roc_auc"]
    assert by_name["roc_auc"]["test"]["value"] == recorded.value
    assert by_name["roc_auc"]["test"]["low"] == recorded.low
    assert by_name["roc_auc"]["baseline"]["value"] == 0.5
    known, test = credit.candidate().oof.truth, credit.candidate().test.truth
    assert known is not None
    assert test is not None
    common = float(known.mean() >= 0.5)
    assert by_name["accuracy"]["baseline"]["value"] == pytest.approx(float((test == common).mean()))


def test_the_baseline_of_a_number_is_the_mean() -> None:
    guess = baseline(regression())
    assert guess is not None
    assert np.unique(guess.answer["value"]).tolist() == [pytest.approx(float(np.mean(regression().oof.truth)))]  # type: ignore[arg-type]


def test_a_number_has_no_classes_and_no_calibration() -> None:
    text, document = made(regression())
    assert "For each row the number **price** in EUR." in text
    assert document["calibration"] is None
    assert "Can its probabilities be believed?" not in text
    assert "`rmse` (lower is better)" in text


def test_a_candidate_without_known_truth_has_a_card_too() -> None:
    bare = credit.candidate()
    unknown = Outcomes.of_rows(bare.test.answer, None)
    text, document = made(dataclasses.replace(bare, test=unknown, oof=unknown, scores={}))
    assert document["scores"] == []
    assert "No test scores were recorded." in text


def test_rare_classes_are_pointed_out() -> None:
    rare = credit.candidate()
    truth = np.zeros(credit.ROWS)
    truth[:6] = 1
    text, _ = made(dataclasses.replace(rare, oof=Outcomes.of_rows(rare.oof.answer, truth)))
    assert "Rare in training, so answers about it are less certain: bad (1.0%)." in text


def test_a_model_that_is_no_better_than_a_guess_says_so() -> None:
    worse = credit.candidate()
    scores = {
        "test.roc_auc": Score(value=0.55, low=0.48, high=0.61, n=150),
        "test.log_loss": Score(value=0.5, low=0.45, high=0.55, n=150),
    }
    text, _ = made(dataclasses.replace(worse, scores=scores))
    assert "Not clearly better than a guess that ignores the row, by: roc\\_auc." in text
    assert "Not clearly better" not in made()[0]


def test_names_from_the_data_format_nothing() -> None:
    name = "a|b\n# <script>alert(1)</script> [x](http://x) `c` *d* _e_"
    columns = (Column(name=name, kind="category", categories=("`", "|")), *credit.CONTRACT.columns[-1:])
    contract = msgspec.structs.replace(credit.CONTRACT, columns=columns)
    text, _ = made(dataclasses.replace(credit.candidate(), contract=contract), use="<b>*all*</b>")
    assert "<script>" not in re.sub(r"\\.", "", text)
    assert re.sub(r"\\.", "", text).count("](") == 0
    (line,) = [line for line in text.splitlines() if "script" in line]
    assert len(re.findall(r"(?<!\\)\|", line)) == 5, "the table keeps its four columns"
    assert "\\<b\\>\\*all\\*\\</b\\>" in text


def test_the_document_is_plain_json() -> None:
    _, document = made()
    written = canonical.encode(document)
    assert canonical.encode(msgspec.json.decode(written)) == written
    assert document == made()[1], "the same facts give the same card"


# ------------------------------------------------------------------------------------------------ series, and no truth


def forecast() -> Candidate:
    """Return the credit candidate as one that looks ahead over three series: what a card reads of it, that is."""
    rng = np.random.default_rng(0)
    names = tuple(f"{level:g}" for level in LEVELS)
    contract = Contract(
        task="any",
        per="series",
        columns=(
            Column(name="shop", kind="category", role="id", encode="none"),
            Column(name="day", kind="time", role="time", encode="none"),
            Column(name="promo", kind="boolean", ahead=True),
            Column(name="sales", kind="number", role="target", encode="array", unit="EUR"),
        ),
        options=(Column(name="horizon", kind="integer", range=(1, 4), hard=True),),
        truth=Column(name="sales", kind="number", role="target", unit="EUR"),
        outputs=(
            Output(name="mean", kind="number", axes=("step",), unit="EUR"),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=names, unit="EUR"),
        ),
        series=Series(frequency="1d", zone="Europe/Oslo", season=7, history=56, horizon=4),
    )
    truth = rng.normal(10, 2, 12)
    test = Outcomes(
        answer={"mean": truth + 0.1, "quantiles": truth[:, None] + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])},
        truth=truth,
        case=np.repeat(np.arange(3), 4),
        step=np.tile(np.arange(1, 5), 3),
        scale=np.ones(12),
    )
    test.answer["quantiles"][3] += 100.0
    score = metrics.score(metrics.metric("mase"), test, rounds=20)
    scores = {f"test.mase{part}": score for part in ("", "@1-2", "@3-4")}
    return dataclasses.replace(credit.candidate(), contract=contract, test=test, oof=test, scores=scores)


def test_a_card_of_series_says_what_is_asked_and_how_good_it_is_by_step() -> None:
    text, document = made(forecast())
    for part in (
        "For each series up to 4 values ahead of **sales** in EUR, one every `1d`",
        "the newest 56 rows count. A season has 7 rows.",
        "as in Europe/Oslo.",
        "On the newest rows of 3 series, which it never learnt from",
        "| `mase` | 3-4 | 0.100",
        "Its 90% intervals held 91.7% of the 12 values that came true",
        "| 4 | 66.7% | 3 |",
        "Judged on 12 values of 3 series only",
        "judged on the newest rows of 3 series",
        "| promo | boolean |  | known ahead |",
    ):
        assert part in text
    assert "without looking at the row" not in text, "the mean of all series is no forecast to compare with"
    assert [score["metric"] for score in document["scores"]] == ["mase"]
    assert [(part["metric"], part["steps"]) for part in document["ahead"]] == [("mase", "1-2"), ("mase", "3-4")]
    assert document["coverage"]["came_true"] == pytest.approx(11 / 12)
    assert document["calibration"] is None
    assert canonical.encode(msgspec.json.decode(canonical.encode(document))) == canonical.encode(document)


def groups() -> Candidate:
    contract = Contract(
        task="any",
        per="row",
        columns=(Column(name="spend", kind="number"),),
        outputs=(
            Output(name="segment", kind="code", labels=("1", "2"), notes=("much *spend*", "little spend")),
            Output(name="distances", kind="number", axes=("class",), labels=("1", "2")),
        ),
    )
    distances = np.tile([[0.1, 2.0], [2.0, 0.2]], (20, 1))
    test = Outcomes.of_rows({"distances": distances, "segment": distances.argmin(axis=1)}, None)
    scores = {"test.silhouette": metrics.score(metrics.metric("silhouette"), test, rounds=20)}
    return dataclasses.replace(credit.candidate(), contract=contract, test=test, oof=test, scores=scores)


def test_a_card_without_truth_claims_no_rightness_and_says_what_the_answers_mean() -> None:
    text, document = made(groups())
    for part in (
        "For each row one of 2 groups that training found by itself (`1`, `2`), told as `segment`, `distances`.",
        "## What the answers mean\n\n- `1`: much \\*spend\\*\n- `2`: little spend",
        "since nobody knows the right ones: on 40 cases",
        "Nobody knows the right answers",
    ):
        assert part in text
    for claim in ("Judged on", "never learnt from", "the number **", "came true", "without looking at the row"):
        assert claim not in text
    assert document["predicts"]["truth"] is False
    assert document["coverage"] is None
