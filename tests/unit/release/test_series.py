"""A release whose case is a series: proved from raw histories to every step ahead, in process and over HTTP."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from seaway.core import bundle, extend, parity
from seaway.core.answer import Answerer
from seaway.core.errors import Refused
from tests import sales
from tests.releases import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / ".seaway")


def test_a_forecast_is_released_and_answers_over_http_as_it_was_made(shop: Workshop) -> None:
    built = shop.build(
        sales.candidate(), name="sales-1", model="sales", real=sales.held_out(), replay=extend.load("replay", "http")
    )
    outcomes = {verdict.code: verdict.outcome for verdict in built.verdicts}
    assert outcomes == {
        **dict.fromkeys(("R011", "R012", "R001", "R002", "R003", "R004", "R005", "R020", "R022"), "pass"),
        "R021": "not-applicable",
        "R023": "not-applicable",
    }
    by_code = {verdict.code: verdict for verdict in built.verdicts}
    assert by_code["R020"].evidence["cases"] == len(sales.witness())
    assert by_code["R022"].evidence["cases"] == len(sales.SHOPS)
    assert "more than one row of plain values" in by_code["R021"].message
    assert all((verdict.value or 0.0) <= 1e-9 for verdict in built.verdicts if verdict.code.startswith("R02"))


def test_steps_that_were_not_asked_for_ship_as_null_and_hold(shop: Workshop) -> None:
    folder = shop.build(sales.candidate(), name="sales-1", model="sales", real=sales.held_out()).folder
    vectors = list(parity.read_vectors((folder / bundle.PARITY).read_bytes()))
    lengths = [sum(value is not None for value in vector.answers["mean"]) for vector in vectors]
    assert set(lengths) == {1, 3, sales.HORIZON}
    assert Answerer(folder, shop.verifier).parity().verdict.outcome == "pass"


def test_one_step_of_one_series_that_differs_is_enough(shop: Workshop) -> None:
    made = sales.candidate()
    answers = {name: values.copy() for name, values in made.witness.answers.items()}
    answers["quantiles"][2, 0, 4] += 2e-6 * max(1.0, abs(answers["quantiles"][2, 0, 4]))
    other = dataclasses.replace(made, witness=dataclasses.replace(made.witness, answers=answers))
    with pytest.raises(Refused, match=r"R011 \d+ cases, .*, 1 beyond"):
        shop.build(other, name="sales-1", model="sales", real=sales.held_out())


def test_a_step_more_than_was_asked_for_is_a_difference(shop: Workshop) -> None:
    made = sales.candidate()
    answers = {name: values.copy() for name, values in made.witness.answers.items()}
    place = int(np.flatnonzero(np.isnan(answers["mean"]).any(axis=1))[0])
    answers["mean"][place, -1] = 1.0
    other = dataclasses.replace(made, witness=dataclasses.replace(made.witness, answers=answers))
    with pytest.raises(Refused, match="1 beyond"):
        shop.build(other, name="sales-1", model="sales", real=sales.held_out())


def test_another_forecast_over_http_refuses_the_release(shop: Workshop) -> None:
    pairs = sales.held_out()
    query, prediction = pairs[1]
    pairs[1] = query, {**prediction, "mean": [value + 1.0 for value in prediction["mean"]]}
    with pytest.raises(Refused, match="R022 real cases over /v1/predict"):
        shop.build(sales.candidate(), name="sales-1", model="sales", real=pairs, replay=extend.load("replay", "http"))


def test_the_card_is_of_the_forecast(shop: Workshop) -> None:
    folder = shop.build(sales.candidate(), name="sales-1", model="sales", real=sales.held_out()).folder
    text = (folder / bundle.CARD_TEXT).read_text()
    assert "For each series up to 5 values ahead of **sales** in EUR, one every `1d`" in text
    assert "Can its intervals be believed?" in text
