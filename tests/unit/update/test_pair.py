"""Real releases asked again about what was logged: rows, series, and answers that no truth is known of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seaway.core.answer import Answerer
from seaway.core.batch import Query
from seaway.core.metrics import metric
from seaway.core.settings import UpdateSettings
from seaway.monitor import judged
from seaway.monitor.window import Windows
from seaway.registry.store import Registry
from seaway.update import compare, live
from tests import credit, sales, shoppers
from tests.releases import Workshop
from tests.unit.monitor.simulator import Server

SETTINGS = UpdateSettings(labels=30, canary_cases=20, margin=0.02)
Released = Callable[[ModuleType, int], Answerer]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Return a maker of releases: of a source of candidates and a seed."""
    workshop = Workshop(tmp_path_factory.mktemp("released"))
    made: dict[tuple[str, int], Answerer] = {}

    def answerer(source: ModuleType, seed: int) -> Answerer:
        key = source.MODEL, seed
        if key not in made:
            digest = workshop.register(seed, source)
            made[key] = Answerer(Registry(workshop.state).store.get(digest), workshop.verifier)
        return made[key]

    return answerer


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "log")


@pytest.fixture
def windows(tmp_path: Path, server: Server) -> Iterator[Windows]:
    with Windows(tmp_path / "log", server.model, state=tmp_path / "windows") as opened:
        yield opened


def log(server: Server, by: Answerer, query: Query, **more: Any) -> str:
    """Log what a release answers, as its server would."""
    request = by.encoder.request(query.rows, query.options)
    (answered,) = by.answer([request])
    name = more.pop("release", by.digest)
    return server.predict(
        query.rows, answered.predictions, release=name, ids=request.ids, options=dict(request.options), **more
    )


def asked(shop: str, origin: int, horizon: int = sales.HORIZON) -> Query:
    """Return what a client would ask on day `origin`: all before it, and the promotions known ahead."""
    days = sales.rows(shop, sales.DAYS)
    ahead = [{name: row[name] for name in ("shop", "day", "promo")} for row in days[origin + 1 : origin + 1 + horizon]]
    return Query(rows=[*days[max(0, origin - 27) : origin + 1], *ahead], options={"horizon": horizon})


def told(server: Server, *origins: int) -> None:
    """Send what the shops sold in the days that were asked about."""
    for shop in sales.SHOPS:
        days = sales.rows(shop, sales.DAYS)
        for at in range(min(origins) + 1, max(origins) + 1 + sales.HORIZON):
            server.label(days[at]["sales"], id=shop, at=days[at]["day"])


def test_forecasts_are_asked_again_and_judged_step_by_step(
    released: Released, windows: Windows, server: Server
) -> None:
    naive, line = released(sales, 0), released(sales, 1)
    origins = (30, 35, 40, 45)
    for origin in origins:
        for shop in sales.SHOPS:
            log(server, naive, asked(shop, origin, 3 if origin == 45 else 5))
    told(server, *origins)
    windows.refresh()
    cases = windows.labelled()
    both = compare.pair(line, naive, cases)
    assert (both.cases, both.refused) == (3 * (15 + 3), 0)
    assert len(both.champion) == len(both.challenger) == 3 * (15 + 3)
    assert both.challenger.step.max() == 5
    again = judged.outcomes(cases, naive.contract)
    assert np.array_equal(np.sort(both.challenger.answer["mean"]), np.sort(again.answer["mean"]))
    assert both.challenger.scale is not None
    assert (both.challenger.scale > 0).all()
    mase = metric("mase")
    found = compare.gain(both.champion, both.challenger, mase, 0.025, cases=both.cases)
    assert found.challenger == pytest.approx(mase(again))
    verdict = compare.performance(found, mase, SETTINGS)
    assert (verdict.outcome, verdict.evidence["cases"]) == ("pass", 54)
    assert verdict.limit == pytest.approx(-0.02 * found.champion)
    worse = compare.pair(naive, line, cases)
    assert (
        compare.performance(
            compare.gain(worse.champion, worse.challenger, mase, 0.025, cases=worse.cases), mase, SETTINGS
        ).outcome
        == "fail"
    )


def test_few_labels_that_settle_many_forecasts_are_few(released: Released, windows: Windows, server: Server) -> None:
    naive = released(sales, 0)
    for origin in range(30, 41):
        log(server, naive, asked("north", origin))
    for at in range(35, 41):
        server.label(sales.rows("north")[at]["sales"], id="north", at=sales.day(at))
    windows.refresh()
    both = compare.pair(naive, naive, windows.labelled())
    assert (both.cases, len(both.champion)) == (6, 30)
    verdict = compare.performance(
        compare.gain(both.champion, both.challenger, metric("mase"), 0.025, cases=both.cases, rounds=200),
        metric("mase"),
        SETTINGS,
    )
    assert (verdict.outcome, verdict.evidence["needed"]) == ("warn", 24)


def test_live_forecasts_are_those_that_were_tested(released: Released, windows: Windows, server: Server) -> None:
    naive, line = released(sales, 0), released(sales, 1)
    for origin in range(20, 50):
        made = log(server, naive, asked("south", origin), release="champion")
        log(server, line, asked("south", origin), release="shadow", arm="shadow", request_id=made)
    windows.refresh()
    ours, theirs = (live.traffic(windows, *one, 0) for one in (("champion", "champion"), ("shadow", "shadow")))
    assert live.differences(ours, naive, SETTINGS).outcome == "pass"
    assert live.differences(ours, line, SETTINGS).outcome == "fail"
    verdict = live.changed(ours, theirs, sales.CONTRACT)
    assert "mean is" in verdict.message
    assert (verdict.value or 0) > 0


def test_arms_of_forecasts_are_compared_by_their_labels(released: Released, windows: Windows, server: Server) -> None:
    naive, line = released(sales, 0), released(sales, 1)
    for origin in range(30, 50):
        for shop in sales.SHOPS:
            release = line if (origin + len(shop)) % 2 else naive
            log(server, release, asked(shop, origin), arm="canary" if release is line else "champion")
    told(server, *range(30, 50))
    windows.refresh()
    arms = [
        live.Arm(cases=[case for case in windows.labelled() if case.release == one.digest], contract=one.contract)
        for one in (naive, line)
    ]
    verdict = live.arms(arms[0], arms[1], metric("mase"), SETTINGS)
    assert verdict.outcome == "fail", verdict.message
    few = live.arms(live.Arm(cases=arms[0].cases[:10], contract=sales.CONTRACT), arms[1], metric("mase"), SETTINGS)
    assert few.outcome == "not-applicable"
    assert "labelled cases" in few.message


def test_groups_are_judged_without_a_truth_whatever_they_are_called(
    released: Released, windows: Windows, server: Server
) -> None:
    champion, challenger = released(shoppers, 0), released(shoppers, 1)
    for row in shoppers.rows(120, seed=5):
        made = log(server, champion, Query(rows=[row]), release="champion")
        log(server, challenger, Query(rows=[row]), release="shadow", arm="shadow", request_id=made)
    windows.refresh()
    cases = windows.unlabelled()
    both = compare.pair(champion, challenger, cases)
    assert (both.cases, both.champion.truth, both.refused) == (120, None, 0)
    silhouette = metric("silhouette")
    found = compare.gain(both.champion, both.challenger, silhouette, 0.025, cases=both.cases, rounds=200)
    assert found.champion == pytest.approx(silhouette(judged.outcomes(cases, champion.contract)))
    verdict = compare.performance(found, silhouette, UpdateSettings(labels=100, margin=0.05))
    assert verdict.outcome == "pass", verdict.message
    assert "on 120 cases that neither" in verdict.message
    lacking = compare.performance(found, silhouette, UpdateSettings(labels=200))
    assert "80 more cases are needed" in lacking.message
    ours, theirs = (live.traffic(windows, *one, 0) for one in (("champion", "champion"), ("shadow", "shadow")))
    assert live.differences(ours, champion, SETTINGS).outcome == "pass"
    assert live.changed(ours, theirs, champion.contract).outcome == "not-applicable"
    arm = live.Arm(cases=cases, contract=champion.contract)
    assert live.arms(arm, arm, silhouette, SETTINGS).outcome == "pass"
    assert compare.latency(champion, challenger, judged.queries(cases)[:20], 50.0).outcome == "pass"


def test_rows_of_a_table_are_asked_again_in_one_run(released: Released, windows: Windows, server: Server) -> None:
    champion = released(credit, 0)
    row = credit.held_out()[0][0].rows[0]
    found = compare.answers(champion, [Query(rows=[row]), Query(rows=[{**row, "amount": "much"}]), Query(rows=[row])])
    assert [one is None for one in found] == [False, True, False]
