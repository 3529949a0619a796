"""Drift where raw values would cry wolf: series in comparable form, and answers without a truth. Quiet windows keep the budget."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core.batch import Array
from seaway.core.chance import rng
from seaway.core.contract import Column, Contract, Output
from seaway.core.event import Prediction
from seaway.core.settings import MonitorSettings
from seaway.core.verdict import Verdict
from seaway.data import profile, read
from seaway.data.validate import validate
from seaway.monitor import checks, comparables, decode, reference
from seaway.monitor.look import Look, Release
from seaway.monitor.window import Case, Window
from tests.unit.monitor import panel

SHOPS, TRAINED, WINDOWS = 60, 120, 40


@pytest.fixture(scope="module")
def values() -> dict[int, Array]:
    return {shop: panel.sales(shop, TRAINED + panel.HISTORY + WINDOWS * 7, "quiet") for shop in range(SHOPS)}


@pytest.fixture(scope="module")
def shops(values: dict[int, Array]) -> Release:
    return panel.promised(values, TRAINED)


def moved(of: Release, window: Window) -> list[Verdict]:
    """Return what is reported about columns and answers."""
    look = Look(release=of, settings=MonitorSettings(), window=window)
    return [one for one in checks.run(look, "window", "open") if one.outcome in ("warn", "fail")]


def test_a_window_tells_one_thing_for_each_series_and_stretch(values: dict[int, Array], shops: Release) -> None:
    origins = range(TRAINED, TRAINED + 10)
    seen = comparables.shown(panel.window({shop: values[shop] for shop in range(20)}, origins), panel.CONTRACT)
    assert seen.count == 20 * 2  # ten days in stretches of a week
    assert {len(column.values) for column in (*seen.columns.values(), *seen.moving.values())} == {40}
    assert (set(seen.columns), set(seen.moving)) == ({"promotion"}, {"sales"})
    assert {len(column) for column in seen.answers.values()} == {40}
    assert set(seen.answers) == {"mean", *(f"quantiles.{label}" for label in panel.QUANTILES)}
    y, last = values[3], TRAINED + 9
    scale = np.abs(np.diff(np.stack([y[last - 27 : last - 6], y[last - 20 : last + 1]]), axis=0)).mean()
    told = (y[last] - y[last - panel.SEASON]) / scale
    assert np.isclose(seen.moving["sales"].values, told).sum() == 1


def test_asking_again_about_the_same_moment_shows_nothing_new(values: dict[int, Array], shops: Release) -> None:
    few = {shop: values[shop] for shop in range(30)}
    again = panel.window(few, range(TRAINED, TRAINED + 1))
    twice = msgspec.structs.replace
    replies = (*again.replies, *(twice(reply, request_id=f"again {reply.request_id}") for reply in again.replies))
    seen = comparables.shown(Window(release="r1", replies=replies), panel.CONTRACT)
    assert seen.count == 30
    (verdict,) = [
        one
        for one in checks.run(Look(release=shops, settings=MonitorSettings(), window=again), "window")
        if one.code == "M001"
    ]
    assert (verdict.outcome, verdict.evidence["needed"]) == ("not-applicable", 20)
    assert "one for each series and 7 moments" in verdict.message


def test_forty_quiet_windows_of_series_keep_the_budget(values: dict[int, Array], shops: Release) -> None:
    alarms = []
    for number in range(WINDOWS):
        first = TRAINED + panel.HISTORY + number * 7
        alarms += moved(shops, panel.window(values, range(first, first + 2), number))
    assert len(alarms) <= 1, [one.message for one in alarms]


def test_a_market_that_breaks_down_is_found_in_the_series_and_in_the_answers(
    values: dict[int, Array], shops: Release
) -> None:
    origin = TRAINED + 40
    broken = {shop: held.copy() for shop, held in values.items()}
    for held in broken.values():
        held[origin - 3 :] *= 0.6
    found = moved(shops, panel.window(broken, range(origin, origin + 1)))
    assert {("M001", "sales"), ("M005", "mean")} <= {(one.code, one.subject) for one in found}


def test_truths_of_series_are_compared_by_their_seasonal_change(values: dict[int, Array], shops: Release) -> None:
    def cases(change: float) -> list[Case]:
        origin = TRAINED + 20
        made = panel.window(values, range(origin, origin + 1))
        return [
            Case(
                request_id=f"q{shop}",
                place=0,
                release="r1",
                asked=1,
                told=2,
                number=shop * 10 + step,
                value=float(values[shop][origin + step]) * change,
                principal="till",
                rows=entry.rows,
                prediction=entry.prediction,
                step=step,
                at=panel.day(origin + step),
                ids=entry.ids,
            )
            for shop, entry in zip(values, made.entries, strict=True)
            for step in range(1, panel.HORIZON + 1)
        ]

    def verdict(change: float) -> Verdict:
        look = Look(release=shops, settings=MonitorSettings(), window=Window(release="r1"), cases=cases(change))
        return next(one for one in checks.run(look, "labels") if one.code == "M009")

    assert len(comparables.truths(cases(1.0), panel.CONTRACT)) == SHOPS
    assert verdict(1.0).outcome == "pass", verdict(1.0).message
    assert verdict(2.0).outcome == "fail"


# ------------------------------------------------------------------------------------------------- without a truth
def groups(labels: tuple[str, ...]) -> Contract:
    """Return a contract of customers that nobody labels."""
    return Contract(
        task="segment",
        per="row",
        columns=(Column(name="spent", kind="number"), Column(name="visits", kind="integer")),
        outputs=(
            Output(name="segment", kind="code", labels=labels),
            Output(name="distances", kind="number", axes=("class",), labels=labels),
            Output(name="outlier", kind="number"),
        ),
    )


def customers(
    contract: Contract, count: int, shares: tuple[float, ...], *seed: int | str
) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Return (rows, answers) of customers who fall into as many groups as the contract names."""
    generator, centres = rng("customers", *seed), 10.0 * np.arange(len(shares))
    group = generator.choice(len(shares), count, p=shares)
    spent, visits = centres[group] + generator.normal(0, 1, count), generator.poisson(4, count)
    distances = np.abs(spent[:, None] - centres)
    rows = [{"spent": float(s), "visits": int(v)} for s, v in zip(spent, visits, strict=True)]
    return rows, {"segment": distances.argmin(axis=1), "distances": distances, "outlier": distances.min(axis=1) / 2}


def answered(contract: Contract, rows: list[dict[str, Any]], answers: dict[str, Array]) -> Window:
    labels = contract.outputs[0].labels
    given = [
        {
            "segment": labels[answers["segment"][i]],
            "outlier": float(answers["outlier"][i]),
            "distances": dict(zip(labels, answers["distances"][i].tolist(), strict=True)),
        }
        for i in range(len(rows))
    ]
    reply = Prediction(
        sequence=1,
        request_id="q",
        model="customers",
        release="r1",
        arm="champion",
        principal="client",
        rows=msgspec.json.encode(rows),
        options=b"{}",
        ids=(),
        answers=msgspec.json.encode(given),
        seen=0,
        took_us=400,
        kept=1.0,
    )
    return Window(release="r1", number=1, is_full=True, first=1, last=1, replies=(reply,))


def grouped(contract: Contract, shares: tuple[float, ...]) -> Release:
    rows, answers = customers(contract, 3000, shares, "train")
    table = validate(read.table(rows), contract).whole
    data = profile.profile(table, contract, answers).encode()
    return Release(digest="r1", contract=contract, reference=reference.read(data, contract), metric=None, score=None)


@pytest.mark.parametrize(("labels", "shares"), [(("1", "2"), (0.7, 0.3)), (("1", "2", "3"), (0.5, 0.3, 0.2))])
def test_shares_of_groups_are_watched_without_labels(labels: tuple[str, ...], shares: tuple[float, ...]) -> None:
    contract = groups(labels)
    release = grouped(contract, shares)
    assert {"segment", "outlier", *(f"distances.{label}" for label in labels)} <= set(release.reference.answers)
    quiet = [
        one
        for number in range(WINDOWS)
        for one in moved(release, answered(contract, *customers(contract, 300, shares, number)))
    ]
    assert len(quiet) <= 1, [one.message for one in quiet]
    turned = moved(release, answered(contract, *customers(contract, 300, shares[::-1], "turned")))
    assert ("M005", "segment") in {(one.code, one.subject) for one in turned}


def test_where_no_truth_arrives_the_checks_of_labels_say_so() -> None:
    contract = groups(("1", "2"))
    release = grouped(contract, (0.7, 0.3))
    look = Look(release=release, settings=MonitorSettings(), window=Window(release="r1"))
    told = checks.run(look, "labels")
    assert {one.code for one in told} == {"M009", "M010", "M011"}
    assert {one.outcome for one in told} == {"not-applicable"}
    assert all("No truth arrives" in one.message for one in told)


def test_a_tables_answers_are_compared_as_before() -> None:
    from tests.unit.monitor import world

    answers = {"probabilities": np.array([[0.2, 0.8]]), "label": np.array([1])}
    assert set(decode.answer_columns(answers, world.CONTRACT)) == {"probabilities.bad"}
