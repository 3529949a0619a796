"""The memory of an update: what was written is there, a line cut short is not, and only one process writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seaway.core.errors import Conflict
from seaway.update import journal
from seaway.update.journal import Journal


def test_the_newest_line_of_a_step_counts(tmp_path: Path) -> None:
    made = journal.following(tmp_path)
    made.write("look", cases=100, sequence=4)
    made.write("look", cases=200)
    for one in (made, Journal(made.folder)):
        assert one.facts("look") == {"cases": 200}
        assert [facts["cases"] for facts in one.all("look")] == [100, 200]
        assert one.facts("gate") is None
        assert (one.newest_of("sequence"), one.newest_of("nothing"), one.last) == (4, None, "look")


def test_updates_are_numbered_and_found_again(tmp_path: Path) -> None:
    assert journal.newest(tmp_path) is None
    first = journal.following(tmp_path)
    first.write("decide")
    second = journal.following(tmp_path)
    assert (first.name, second.name) == ("0001", "0002")
    second.write("decide")
    assert [one.name for one in journal.every(tmp_path)] == ["0002", "0001"]
    newest = journal.newest(tmp_path)
    assert newest is not None
    assert newest.name == "0002"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_cut_short_is_done_again_and_swallows_nothing(tmp_path: Path, cut: int) -> None:
    made = journal.following(tmp_path)
    made.write("decide", sequence=1)
    made.write("publish", digest="d" * 64)
    path = made.folder / journal.NAME
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(made.folder)
    assert again.facts("publish") is None
    assert again.facts("decide") == {"sequence": 1}
    again.write("publish", digest="e" * 64)
    assert Journal(made.folder).facts("publish") == {"digest": "e" * 64}


def test_only_one_process_updates_a_model(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from seaway.update import journal\n"
        "with journal.locked(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(Conflict, match="Another update of this model is running"), journal.locked(tmp_path):
            pass
        other.kill()
    with journal.locked(tmp_path):
        pass
