"""The journal loses no finished trial and believes nothing that is not whole."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.errors import Conflict
from seaway.lab.journal import FILE, Journal, Record, unfinished


def record(number: int) -> Record:
    """Make a trial's record."""
    return Record(
        number=number,
        model="linear",
        params={"strength": 0.1 + number / 3},
        scores={"roc_auc": 0.7},
        by_fold=(0.6, 0.8),
        learnt=({}, {}),
        seconds=(0.1, 0.2),
        took_s=0.3,
        digest="",
    )


def margin(number: int) -> np.ndarray:
    """Make a trial's margins."""
    return np.random.default_rng(number).normal(size=(20, 1))


def filled(folder: Path, trials: int = 3) -> None:
    """Write a journal."""
    with Journal(folder, "work") as journal:
        journal.begin(100)
        for number in range(trials):
            journal.add(record(number), margin(number))


def read(folder: Path) -> tuple[int, list[int]]:
    """Return (rows, trial numbers), and check that what was read is what was written."""
    with Journal(folder, "work") as journal:
        for trial in journal.trials:
            assert msgspec.structs.replace(trial.record, digest="") == record(trial.number)
            assert np.array_equal(trial.margin, margin(trial.number))
        return journal.header.rows if journal.header else 0, [trial.number for trial in journal.trials]


def test_it_reads_back_what_was_written(tmp_path: Path) -> None:
    filled(tmp_path)
    assert read(tmp_path) == (100, [0, 1, 2])


def test_beginning_again_keeps_the_first_header(tmp_path: Path) -> None:
    filled(tmp_path)
    with Journal(tmp_path, "work") as journal:
        journal.begin(7)
    assert read(tmp_path) == (100, [0, 1, 2])


@given(cut=st.integers(0, 2000))
@settings(max_examples=25)
def test_a_journal_cut_anywhere_keeps_the_whole_lines_and_goes_on(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    filled(folder)
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole[:cut])
    lines = whole[:cut].count(b"\n")
    _, numbers = read(folder)
    # A line whose end alone is missing is whole already.
    assert len(numbers) in (max(0, lines - 1), lines)
    with Journal(folder, "work") as journal:
        journal.begin(100)
        for number in range(len(journal.trials), 3):
            journal.add(record(number), margin(number))
    assert read(folder)[1] == [0, 1, 2]


def test_a_trial_whose_margins_are_damaged_has_not_happened(tmp_path: Path) -> None:
    filled(tmp_path)
    path = tmp_path / "oof" / "1.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert read(tmp_path) == (100, [0])
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 2


def test_a_trial_whose_margins_are_gone_has_not_happened(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "oof" / "0.npz").unlink()
    assert read(tmp_path) == (100, [])


def test_margins_without_a_line_are_written_over(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    (tmp_path / "oof" / "1.npz").write_bytes(b"half")
    filled_more = Journal(tmp_path, "work")
    with filled_more as journal:
        journal.add(record(1), margin(1))
    assert read(tmp_path) == (100, [0, 1])


def test_other_work_is_refused_and_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(Conflict, match=r"holds another run(.|\n)*folder of its own"), Journal(tmp_path, "other"):
        pass
    assert (tmp_path / FILE).read_bytes() == before


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        Journal(tmp_path, "work"),
        pytest.raises(Conflict, match="Another process is training"),
        Journal(tmp_path, "work"),
    ):
        pass
    filled(tmp_path)  # once let go of, it can be held again


def test_a_file_that_is_no_journal_starts_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\x00\xffnonsense\n")
    filled(tmp_path)
    assert read(tmp_path) == (100, [0, 1, 2])


def test_unfinished_finds_the_newest_run_of_the_same_work(tmp_path: Path) -> None:
    for name, done in (("a1", False), ("a2", False), ("a3", True)):
        filled(tmp_path / name)
        if done:
            (tmp_path / name / "candidate.json").write_bytes(b"{}")
    (tmp_path / "a4").mkdir()
    (tmp_path / "a4" / FILE).write_bytes(b"")
    assert unfinished(tmp_path, "work") == tmp_path / "a2"
    assert unfinished(tmp_path, "other") is None
    assert unfinished(tmp_path / "nowhere", "work") is None
