"""Labels about moments: one settles every prediction about it, by whichever way it names what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seaway.core.metrics import metric
from seaway.monitor import judged
from seaway.monitor.window import Windows
from tests.unit.monitor import panel
from tests.unit.monitor.panel import HORIZON, Shops, day
from tests.unit.monitor.simulator import MODEL, Server, chance_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def windows(tmp_path: Path, log: Path) -> Iterator[Windows]:
    with Windows(log, MODEL, state=tmp_path / "windows", window=10) as opened:
        yield opened


def test_one_label_settles_every_prediction_about_its_moment(windows: Windows, log: Path) -> None:
    shops = Shops(Server(log), 3)
    for origin in (40, 41, 42):
        shops.ask(origin)
    shops.tell(44)
    windows.refresh()
    found = windows.labelled()
    assert sorted((case.subject, case.step) for case in found) == [
        (f"s{shop}", step) for shop in range(3) for step in (2, 3, 4)
    ]
    assert {case.at for case in found} == {day(44)}
    assert len({case.number for case in found}) == windows.labelled_count() == windows.labelled_count("r1") == 3
    joins = windows.joins()
    assert (joins.labels, joins.joined, joins.corrected, joins.unknown, joins.early) == (3, 3, 0, 0, 0)


def test_a_case_is_its_series_rows_in_whatever_order_they_were_sent(windows: Windows, log: Path) -> None:
    server = Server(log)
    values = {shop: panel.sales(shop, 60) for shop in (1, 2)}
    mixed = [
        row for pair in zip(panel.rows(2, values[2], 40), panel.rows(1, values[1], 40), strict=True) for row in pair
    ]
    given = [panel.prediction(shop, 40, np.full(HORIZON, 1.0), 1.0) for shop in (2, 1)]
    server.predict(mixed, given, ids=[{"shop": "s2"}, {"shop": "s1"}])
    server.label(1.0, id="s1", at=day(41))
    windows.refresh()
    (case,) = windows.labelled()
    assert {row["shop"] for row in case.rows} == {"s1"}
    assert (len(case.rows), case.place, case.step) == (panel.HISTORY, 1, 1)
    assert windows.read("r1", 0).cases == 2
    assert len(windows.read("r1", 0).rows) == 2 * panel.HISTORY


def test_a_request_and_row_name_a_moment_with_at(windows: Windows, log: Path) -> None:
    server = Server(log)
    made = Shops(server, 2).ask(40)
    server.label(1.5, request_id=made, row=1, at=day(43))
    server.label(1.0, request_id=made, row=1)  # of which step?
    server.label(1.0, request_id=made, row=1, at=day(99))
    server.label(2.5, id="s1", at=day(43))
    windows.refresh()
    assert [(case.subject, case.step, case.value) for case in windows.labelled()] == [("s1", 3, 2.5)]
    assert (windows.joins().unknown, windows.joins().corrected) == (2, 1)


def test_a_moment_asked_about_later_is_settled_by_the_label_that_came_before(windows: Windows, log: Path) -> None:
    server = Server(log)
    shops = Shops(server, 1)
    shops.ask(40)
    shops.tell(50)
    windows.refresh()
    assert (windows.labelled(), windows.joins().early, windows.joins().unknown) == ([], 1, 0)
    server.label(1.0, id="nobody", at=day(41))
    shops.ask(45)
    windows.refresh()
    assert [(case.at, case.step) for case in windows.labelled()] == [(day(50), 5)]
    assert (windows.joins().early, windows.joins().unknown) == (0, 1)


def test_series_without_ids_and_tables_with_a_moment(windows: Windows, log: Path) -> None:
    server = Server(log)
    one = {name: value for name, value in panel.prediction(0, 40, np.full(HORIZON, 1.0), 1.0).items() if name != "id"}
    server.predict([{"day": day(at), "sales": 1.0} for at in range(40)], [one])
    server.label(3.0, at=day(42))
    server.predict([{"n": 1}], [chance_of(0.1)], ids=[{"customer": "ann", "at": "2026-02"}])
    server.predict([{"n": 2}], [chance_of(0.1)], ids=[{"customer": "ann", "at": "2026-03"}])
    server.label("bad", id="ann", at="2026-02")
    windows.refresh()
    found = [(case.value, case.at, case.step, len(case.rows)) for case in windows.labelled()]
    assert found == [(3.0, day(42), 2, 40), ("bad", "2026-02", 0, 1)]


def test_the_moments_of_a_request_are_found_in_each_releases_own_answer(windows: Windows, log: Path) -> None:
    server = Server(log)
    shops = Shops(server, 1)
    made = shops.ask(40)
    shorter = panel.prediction(0, 40, np.full(3, 9.0), 1.0)
    server.predict(
        panel.rows(0, shops.values[0], 40), [shorter], ids=[{"shop": "s0"}], release="r2", arm="shadow", request_id=made
    )
    for at in (42, 45):
        shops.tell(at)
    windows.refresh()
    assert [case.step for case in windows.labelled("r1")] == [2, 5]
    assert [case.step for case in windows.labelled("r2")] == [2]


def test_truths_can_be_cut_and_counted_after_a_sequence(windows: Windows, log: Path) -> None:
    server = Server(log)
    shops = Shops(server, 1)
    shops.ask(40)
    shops.tell(41)
    cut = server.clock
    shops.ask(42)
    for at in (43, 44):
        shops.tell(at)
    windows.refresh()
    assert [(case.at, case.step) for case in windows.labelled(skip=1, count=1)] == [(day(43), 3), (day(43), 1)]
    assert {case.at for case in windows.labelled(newest=1)} == {day(44)}
    assert [(case.at, case.step) for case in windows.labelled(asked=cut)] == [(day(43), 1), (day(44), 2)]
    assert windows.labelled_after(cut) == 2
    assert [(fact.subject, fact.at, fact.value) for fact in windows.facts(cut)] == [
        ("s0", day(41), float(shops.values[0][41]))
    ]


def test_outcomes_are_laid_by_step_and_scaled_by_the_history_that_was_sent(windows: Windows, log: Path) -> None:
    shops = Shops(Server(log), 2)
    shops.ask(40)
    for at in (41, 43):
        shops.tell(at)
    windows.refresh()
    cases = windows.labelled()
    found = judged.outcomes(cases, panel.CONTRACT)
    assert found.step.tolist() == [1, 1, 3, 3]
    expected = [case.prediction["mean"][case.step - 1] for case in cases]
    assert found.answer["mean"].tolist() == expected
    assert found.answer["quantiles"].shape == (4, 5)
    assert found.answer["quantiles"][:, 2].tolist() == expected
    assert found.truth is not None
    assert found.scale is not None
    for line, case in enumerate(cases):
        y = shops.values[int(case.subject[1:])][: 40 + 1][-panel.HISTORY :]
        assert found.scale[line] == pytest.approx(np.abs(y[panel.SEASON :] - y[: -panel.SEASON]).mean())
    assert metric("mase")(found) == pytest.approx(
        np.mean(np.abs(found.answer["mean"] - found.truth) / found.scale), rel=1e-12
    )


def test_a_moment_is_judged_once_from_each_distance_however_often_it_was_asked_about(
    windows: Windows, log: Path
) -> None:
    shops = Shops(Server(log), 2)
    for _ in range(3):
        newest = shops.ask(40)
    shops.tell(41)
    windows.refresh()
    assert len(windows.labelled()) == 6
    kept = judged.judged(windows.labelled(), panel.CONTRACT)
    assert {(case.subject, case.request_id) for case in kept} == {("s0", newest), ("s1", newest)}


def test_many_series_hang_together_by_series_and_few_by_stretches(windows: Windows, log: Path) -> None:
    server = Server(log)
    shops = Shops(server, 25)
    few = Shops(server, 2, release="r2")
    few.values = {100 + shop: values for shop, values in few.values.items()}
    for origin in range(40, 60):
        few.ask(origin)
    shops.ask(40)
    for at in range(41, 61):
        few.tell(at)
    shops.tell(42)
    windows.refresh()
    by_series = judged.outcomes(windows.labelled("r1"), panel.CONTRACT)
    assert len(np.unique(by_series.case)) == 25
    by_stretch = judged.outcomes(windows.labelled("r2"), panel.CONTRACT)
    assert len(np.unique(by_stretch.case)) == 2 * 3  # 20 moments in stretches of 7
    of_table = judged.outcomes([], panel.CONTRACT)
    assert len(of_table) == 0
