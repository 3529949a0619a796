from __future__ import annotations

import os
from pathlib import Path

import msgspec

from seaway.core import chance, event, segment
from seaway.core.event import Prediction
from seaway.serve.repeats import Repeats
from seaway.serve.segments import OpenSegment


def prediction(client_id: str, number: int = 1, principal: str = "p", status: int = 200) -> Prediction:
    return Prediction(
        sequence=number, request_id=f"r{number}", model="m", release="d", arm="champion", principal=principal,
        rows=b"[{}]", options=b"{}", ids=(), answers=b"[1]", seen=0, took_us=1, kept=1.0, client_id=client_id, status=status,
    )  # fmt: skip


def write(folder: Path, worker: int, number: int, *events: Prediction, sealed: bool = False) -> OpenSegment:
    opened = OpenSegment(folder, worker, number, os.fdatasync)
    opened.write(b"".join(segment.frame(event.encode(one)) for one in events))
    opened.seal() if sealed else None
    return opened


def test_the_first_answer_stays_and_callers_do_not_meet(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path, 0)
    repeats.note(prediction("a", 1))
    repeats.note(prediction("a", 2))
    repeats.note(prediction("a", 3, principal="q"))
    assert (found := repeats.find("p", "a"))
    assert found.request_id == "r1"
    assert found.rows == b""
    assert (other := repeats.find("q", "a"))
    assert other.request_id == "r3"
    assert repeats.find("p", "b") is None


def test_refusals_shadows_and_nameless_requests_are_not_kept(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path, 0)
    repeats.note(prediction("a", status=422))
    repeats.note(prediction(""))
    assert repeats.find("p", "a") is None
    assert repeats.find("p", "") is None


def test_answers_are_known_again_after_a_restart(tmp_path: Path) -> None:
    write(tmp_path, 0, 5, prediction("a", 1), sealed=True)
    write(tmp_path, 1, 6, prediction("b", 2))
    repeats = Repeats(tmp_path, 0)
    assert repeats.find("p", "a")
    assert repeats.find("p", "b")


def test_what_lies_before_the_newest_bytes_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 0, 5, prediction("old", 1), sealed=True)
    write(tmp_path, 0, 6, prediction("new", 2), sealed=True)
    repeats = Repeats(tmp_path, 0, size=10)
    assert repeats.find("p", "new")
    assert repeats.find("p", "old") is None


def test_the_oldest_are_dropped_first(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path, 0, count=2)
    for number, name in enumerate("abc"):
        repeats.note(prediction(name, number))
    assert repeats.find("p", "a") is None
    assert repeats.find("p", "c")


def test_another_workers_answer_is_seen_while_it_is_written_and_after_it_is_sealed(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path, 0)
    other = write(tmp_path, 1, 9, prediction("a", 1))
    assert repeats.find("p", "a")
    other.write(segment.frame(event.encode(prediction("b", 2))))
    assert repeats.find("p", "b")
    other.write(segment.frame(event.encode(prediction("c", 3))))
    other.seal()
    assert repeats.find("p", "c")


def test_large_answers_are_bounded_by_their_bytes(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path, 0, size=1000)
    for number in range(10):
        repeats.note(msgspec.structs.replace(prediction(f"n{number}", number), answers=b"x" * 400))
    assert [number for number in range(10) if repeats.find("p", f"n{number}")] == [8, 9]


def test_the_highest_sequence_is_known_after_a_restart(tmp_path: Path) -> None:
    """A clock that was set back must not give a label a lower sequence than the prediction it is about."""
    write(tmp_path, 0, 5, prediction("", 7), prediction("", 9_000_000_000_000_000), sealed=True)
    clock = chance.Clock()
    clock.seen(Repeats(tmp_path, 0).highest)
    assert clock.next() > 9_000_000_000_000_000


def test_segments_that_come_after_the_folder_was_listed_are_seen_at_once(tmp_path: Path) -> None:
    """Also where the folder's time cannot tell two changes apart, and long after the last change."""
    repeats = Repeats(tmp_path, 0)
    for number in range(40):
        assert repeats.find("p", f"a{number}") is None
        opened = write(tmp_path, 1, number, prediction(f"a{number}", number))
        assert repeats.find("p", f"a{number}"), number
        assert repeats.find("p", "none") is None
        opened.write(segment.frame(event.encode(prediction(f"b{number}", 100 + number))))
        opened.seal()
        assert repeats.find("p", f"b{number}"), number
        if number in (10, 20):
            chance.sleep(0.15)
