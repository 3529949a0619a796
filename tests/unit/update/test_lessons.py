"""What the log teaches, for tables and for series, with labels and without: the newest only judges, and the source stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core.project import Project
from seaway.core.settings import ProjectSettings, Settings
from seaway.data import files
from seaway.monitor.window import Windows
from seaway.update import compare, lessons, rebuild
from seaway.update.rebuild import Cut
from tests.unit.monitor import panel, world
from tests.unit.monitor.panel import Shops, day
from tests.unit.monitor.simulator import MODEL, Server, chance_of
from tests.unit.update import loans

SETTINGS = Settings(project=ProjectSettings(name="credit", task="forecast", data="sales.csv"))


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "log")


@pytest.fixture
def windows(tmp_path: Path, server: Server) -> Iterator[Windows]:
    with Windows(tmp_path / "log", MODEL, state=tmp_path / "windows") as opened:
        yield opened


def project(folder: Path, shops: Shops, days: int) -> Project:
    """Write a project whose file holds the first `days` days, the last of shop 0 not yet known."""
    made = Project(folder / "project")
    made.folder.mkdir()
    made.make()
    made.settings.write_text('[project]\nname = "credit"\ndata = "sales.csv"\n')
    loans.write_csv(
        made.folder / "sales.csv",
        [
            {
                "shop": f"s{shop}",
                "day": day(at),
                "sales": "" if (shop, at) == (0, days - 1) else values[at],
                "promotion": at % 10 == 0,
            }
            for shop, values in shops.values.items()
            for at in range(days)
        ],
    )
    files.write(made, panel.CONTRACT)
    return made


def by_moment(found: list[lessons.Lesson]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one.record["shop"], one.record["day"]): one.record for one in found}


def test_series_grow_by_histories_and_by_labels(windows: Windows, server: Server) -> None:
    shops = Shops(server, 2)
    shops.ask(40)
    shops.ask(42)
    shops.tell(43)
    server.label(999.0, id="s0", at=day(42))  # a correction of what the history said
    windows.refresh()
    found = lessons.gather(windows, panel.CONTRACT)
    told = by_moment(found)
    assert len(found) == len(told) == 2 * (43 - (40 - panel.HISTORY))
    assert told["s0", day(42)]["sales"] == 999.0
    assert told["s1", day(42)]["sales"] == shops.values[1][42]
    assert told["s1", day(43)] == {"shop": "s1", "day": day(43), "promotion": None, "sales": shops.values[1][43]}
    assert told["s1", day(30)]["promotion"] is True
    assert [one.asked for one in found] == sorted(one.asked for one in found)
    first = found[0].asked
    assert sum(one.asked == first for one in found) == 2 * panel.HISTORY  # seen first with the first request
    assert {one.record["day"] for one in lessons.gather(windows, panel.CONTRACT, after=first)} == {
        day(41),
        day(42),
        day(43),
    }
    assert all(one.told <= first for one in lessons.gather(windows, panel.CONTRACT, upto=first))


def test_the_source_stays_and_the_newest_rows_judge(windows: Windows, server: Server, tmp_path: Path) -> None:
    shops = Shops(server, 3, 80)
    made = project(tmp_path, shops, 50)
    for origin in (49, 52, 55):
        shops.ask(origin)
    server.label(77.0, id="s1", at=day(20))  # known to the source: it stays
    for at in range(50, 58):
        shops.tell(at)
    windows.refresh()
    found = lessons.gather(windows, panel.CONTRACT)
    data = rebuild.dataset(made, SETTINGS, found, Cut(told=server.clock, asked=server.clock))
    held = {(record["shop"], record["day"]): record["sales"] for record in data.rows.records()}
    assert len(held) == len(data.rows) == 3 * 58
    assert held["s1", day(20)] == shops.values[1][20]
    assert held["s0", day(49)] == shops.values[0][49]  # unknown to the source, told by a history
    assert held["s2", day(57)] == shops.values[2][57]
    judging = {record["day"] for record in data.rows.records(data.split.test)}
    assert judging == {day(at) for at in range(58 - panel.HORIZON, 58)}
    assert rebuild.newest(data) == np.datetime64(day(50), "ns").astype(np.int64)
    assert "moments that came true" in data.source
    again = rebuild.dataset(made, SETTINGS, found, Cut(told=server.clock, asked=server.clock))
    assert again.fingerprint == data.fingerprint


def test_no_moment_that_was_learnt_judges(windows: Windows, server: Server) -> None:
    shops = Shops(server, 2, 80)
    for origin in (40, 44):
        shops.ask(origin)
    for at in range(41, 50):
        shops.tell(at)
    windows.refresh()
    learnt = int(np.datetime64(day(45), "ns").astype(np.int64))
    kept = lessons.unlearnt(windows.labelled(), panel.CONTRACT, learnt)
    assert {case.at for case in kept} == {day(at) for at in range(46, 50)}
    assert {case.step for case in kept} == {2, 3, 4, 5, 6, 7}
    table = loans.cases(5)
    assert lessons.unlearnt(table, world.CONTRACT, 0) == table


def test_the_newest_moments_of_series_judge_and_all_before_teach(windows: Windows, server: Server) -> None:
    shops = Shops(server, 2, 80)
    for origin in range(40, 60):
        shops.ask(origin)
        shops.tell(origin + 1)
    windows.refresh()
    found = lessons.gather(windows, panel.CONTRACT)
    known = rebuild.cut_of_series(found, panel.HORIZON, 0)
    late = {one.record["day"] for one in found if known.judges(one)}
    assert late == {day(at) for at in range(54, 61)}
    assert {case.at for case in windows.labelled(asked=known.asked)} == {day(at) for at in range(55, 61)}
    assert rebuild.cut_of_series(found, panel.HORIZON, known.asked + 1).asked == known.asked + 1
    assert rebuild.cut_of_series(found[:4], panel.HORIZON, 7).asked == 7


def test_a_table_without_a_truth_learns_from_what_was_answered(windows: Windows, server: Server) -> None:
    contract = msgspec.structs.replace(
        world.CONTRACT,
        truth=None,
        columns=tuple(column for column in world.CONTRACT.columns if column.role != "target"),
    )
    rows, _, _ = world.draw(6, "unlabelled")
    server.predict(rows[:4], [chance_of(0.1)] * 4)
    server.predict(rows[4:5], [chance_of(0.2)], kept=0.0)
    server.predict(rows[5:], [{"error": {"code": "x"}}, chance_of(0.2)])
    server.predict(rows[:1], [chance_of(0.2)], arm="shadow")
    windows.refresh()
    found = lessons.gather(windows, contract)
    assert [one.record["amount"] for one in found] == [row["amount"] for row in (*rows[:4], rows[5])]
    assert "outcome" not in found[0].record
    assert [one.told for one in found] == [one.asked for one in found]
    assert windows.answered_after(found[0].asked) == 3
    assert len(windows.unlabelled(newest=2)) == 2


@pytest.mark.parametrize("role", ["target", "time"])
def test_what_series_are_made_of_may_not_be_masked(role: str) -> None:
    columns = tuple(
        msgspec.structs.replace(column, log="digest") if column.role == role else column
        for column in panel.CONTRACT.columns
    )
    hidden = compare.masked(msgspec.structs.replace(panel.CONTRACT, columns=columns))
    assert len(hidden) == 1
    assert compare.masked(panel.CONTRACT) == compare.masked(world.CONTRACT) == []
