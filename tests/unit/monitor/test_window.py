"""Windows: exactly once, in order, whatever the log looks like; labels at their cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seaway.core.errors import Unavailable
from seaway.monitor.window import Windows
from tests.unit.monitor.simulator import MODEL, Server, chance_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def windows(tmp_path: Path, log: Path) -> Iterator[Windows]:
    with Windows(log, MODEL, state=tmp_path / "windows", window=10) as opened:
        yield opened


def ask(server: Server, count: int, start: int = 0, **more: object) -> list[str]:
    return [server.predict([{"n": start + i}], [chance_of(0.1)], **more) for i in range(count)]  # type: ignore[arg-type]


def test_windows_have_their_number_of_cases_and_never_overlap(windows: Windows, log: Path) -> None:
    server = Server(log)
    ask(server, 25)
    windows.refresh()
    assert windows.releases() == {"r1": 2}
    read = [windows.read("r1", number) for number in range(3)]
    assert [[row["n"] for row in window.rows] for window in read] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
    ]
    assert [window.is_full for window in read] == [True, True, False]
    assert read[0].last < read[1].first <= read[1].last < read[2].first


def test_reading_goes_on_where_it_ended_through_sealing_and_torn_tails(windows: Windows, log: Path) -> None:
    server = Server(log)
    ask(server, 3)
    assert windows.refresh() == 3
    ask(server, 2, start=3)
    server.seal()
    ask(server, 2, start=5)
    server.append(b"\x40\x00\x00\x00torn")
    assert windows.refresh() == 4
    assert windows.refresh() == 0
    assert [row["n"] for row in windows.read("r1", 0).rows] == list(range(7))
    assert windows.damage() == {}


def test_a_damaged_segment_is_named_and_the_others_are_read(windows: Windows, log: Path) -> None:
    broken, whole = Server(log, worker=0), Server(log, worker=1)
    ask(broken, 3)
    path = broken.seal()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    ask(whole, 4, start=10)
    windows.refresh()
    assert list(windows.damage()) == ["00000-0000000000"]
    assert "damaged" in windows.damage()["00000-0000000000"]
    assert [row["n"] for row in windows.read("r1", 0).rows] == [0, 10, 1, 11, 12, 13]


def test_every_request_counts_once(windows: Windows, log: Path) -> None:
    first, second = Server(log, worker=0), Server(log, worker=1)
    made = first.predict([{"n": 0}], [chance_of(0.1)])
    first.predict([{"n": 0}], [chance_of(0.1)], request_id=made)
    first.predict([{"n": 1}], [chance_of(0.2)], client_id="mine")
    second.predict([{"n": 1}], [chance_of(0.2)], client_id="mine")
    second.predict([{"n": 1}], [chance_of(0.2)], client_id="mine", principal="someone else")
    windows.refresh()
    assert [row["n"] for row in windows.read("r1", 0).rows] == [0, 1, 1]
    assert windows.joins().repeats == 2


def test_a_request_is_never_cut(windows: Windows, log: Path) -> None:
    server = Server(log)
    for size in (7, 7, 3):
        server.predict([{"n": i} for i in range(size)], [chance_of(0.1)] * size)
    windows.refresh()
    assert [windows.read("r1", number).cases for number in (0, 1)] == [14, 3]


def test_shadows_and_refusals_are_kept_apart(windows: Windows, log: Path) -> None:
    server = Server(log)
    made = server.predict([{"n": 0}], [chance_of(0.1)])
    server.predict([{"n": 0}], [chance_of(0.3)], release="r2", arm="shadow", request_id=made)
    server.refuse(column="amount")
    server.refuse(status=500, code="failed", release="r2", arm="canary")
    windows.refresh()
    window = windows.read("r1", 0)
    assert (window.cases, [refusal.columns for refusal in window.refusals]) == (1, [("amount",)])
    assert windows.since(0, "r2", arms=("shadow",)).predictions == [chance_of(0.3)]
    assert windows.since(0, "r2").cases == 0
    assert [refusal.status for refusal in windows.since(0, "r2").refusals] == [500]


def test_rows_that_were_not_kept_are_none(windows: Windows, log: Path) -> None:
    server = Server(log)
    server.predict([{"n": 0}], [chance_of(0.1)], kept=0.0)
    made = server.predict([{"n": 1}, {"n": 3}], [chance_of(0.1), {"error": {"code": "x"}}, chance_of(0.3)])
    server.label("bad", request_id=made, row=2)
    server.label("bad", request_id=made, row=1)
    windows.refresh()
    window = windows.read("r1", 0)
    assert (window.cases, window.rows) == (3, [{"n": 1}, {"n": 3}])
    assert [case.rows for case in windows.labelled()] == [({"n": 3},)]


def test_labels_join_by_request_and_row_and_the_highest_sequence_wins(windows: Windows, log: Path) -> None:
    server = Server(log)
    made = server.predict([{"n": 0}, {"n": 1}], [chance_of(0.1), chance_of(0.9)], client_id="mine")
    late, early = server.tick(), server.clock - 500
    server.label("good", request_id=made, row=1, sequence=late)
    server.label("bad", request_id=made, row=1, sequence=early)
    server.label("bad", request_id="mine", row=0)
    server.label("bad", request_id=made, row=2)
    server.label("bad", request_id="nobody", row=0)
    windows.refresh()
    assert {(case.place, case.value) for case in windows.labelled()} == {(1, "good"), (0, "bad")}
    joins = windows.joins()
    assert (joins.labels, joins.joined, joins.corrected, joins.unknown) == (5, 3, 1, 2)


def test_a_label_by_id_is_about_the_newest_case_asked_before_it(windows: Windows, log: Path) -> None:
    server = Server(log)
    server.label("bad", id="ann")
    march = server.predict([{"n": 3}], [chance_of(0.1)], ids=[{"customer": "ann"}])
    server.label("good", id="ann")
    april = server.predict([{"n": 4}], [chance_of(0.1)], ids=[{"customer": "ann"}])
    server.label("bad", id="ann")
    windows.refresh()
    assert [(case.request_id, case.value) for case in windows.labelled()] == [(march, "good"), (april, "bad")]
    assert (windows.joins().early, windows.joins().unknown) == (1, 0)


def test_labels_wait_for_answers_that_are_read_later(windows: Windows, log: Path) -> None:
    slow, quick = Server(log, worker=0), Server(log, worker=1)
    early = slow.predict([{"n": 0}], [chance_of(0.1)], ids=[{"customer": "ann"}])
    at = slow.tick()
    quick.clock = slow.clock
    quick.label("bad", request_id="later", row=0)
    quick.label("good", id="ann")
    windows.refresh()
    assert [(case.request_id, case.value) for case in windows.labelled()] == [(early, "good")]
    slow.predict([{"n": 1}], [chance_of(0.1)], request_id="later", ids=[{"customer": "ann"}], sequence=at)
    windows.refresh()
    assert [(case.request_id, case.value) for case in windows.labelled()] == [("later", "good")]


def test_labelled_cases_of_a_shadow_are_its_own_answers(windows: Windows, log: Path) -> None:
    server = Server(log)
    made = server.predict([{"n": 0}], [chance_of(0.1)])
    server.predict([{"n": 0}], [chance_of(0.3)], release="r2", arm="shadow", request_id=made)
    server.label("bad", request_id=made)
    windows.refresh()
    assert [case.prediction for case in windows.labelled("r2")] == [chance_of(0.3)]
    assert [case.prediction for case in windows.labelled()] == [chance_of(0.1)]
    assert (windows.labelled_count("r2"), windows.labelled_count("r3")) == (1, 0)


def test_labelled_cases_can_be_cut(windows: Windows, log: Path) -> None:
    server = Server(log)
    made = ask(server, 6)
    for one in (made[3], made[0], made[5], made[1]):
        server.label("bad", request_id=one)
    server.label("good", request_id=made[3])
    windows.refresh()
    assert [case.request_id for case in windows.labelled(newest=2)] == [made[5], made[1]]
    assert [case.request_id for case in windows.labelled(skip=1, count=2)] == [made[0], made[5]]
    assert windows.labelled(count=1)[0].value == "good"


def test_the_index_may_be_removed_at_any_time(tmp_path: Path, log: Path) -> None:
    server = Server(log)
    made = ask(server, 12)
    server.label("bad", request_id=made[4])
    seen = []
    for state in ("one", "two"):
        with Windows(log, MODEL, state=tmp_path / state, window=5) as windows:
            windows.refresh()
            seen.append((windows.releases(), windows.labelled(), windows.read("r1", 1).rows))
    assert seen[0] == seen[1]


def test_an_index_of_another_version_is_made_anew(tmp_path: Path, log: Path) -> None:
    import sqlite3

    ask(Server(log), 3)
    with Windows(log, MODEL, state=tmp_path, window=5) as windows:
        windows.refresh()
    other = sqlite3.connect(tmp_path / MODEL / "index.db")
    other.execute("PRAGMA user_version = 1")
    other.close()
    with Windows(log, MODEL, state=tmp_path, window=5) as windows:
        assert windows.refresh() == 3


def test_a_damaged_index_is_made_anew(tmp_path: Path, log: Path) -> None:
    ask(Server(log), 3)
    (tmp_path / MODEL).mkdir()
    (tmp_path / MODEL / "index.db").write_bytes(b"no database at all" * 500)
    with Windows(log, MODEL, state=tmp_path, window=5) as windows:
        assert windows.refresh() == 3


def test_an_index_that_cannot_be_written_says_so(tmp_path: Path, log: Path) -> None:
    (tmp_path / MODEL / "index.db").mkdir(parents=True)
    with pytest.raises(Unavailable, match="index of the event log cannot be used"):
        Windows(log, MODEL, state=tmp_path)


def test_a_model_without_a_log_has_no_windows(windows: Windows) -> None:
    assert windows.refresh() == 0
    assert (windows.releases(), windows.labelled(), windows.joins().labels) == ({}, [], 0)


def test_the_newest_cases(windows: Windows, log: Path) -> None:
    server = Server(log)
    ask(server, 25)
    windows.refresh()
    assert [row["n"] for row in windows.newest(4, "r1").rows] == [21, 22, 23, 24]
