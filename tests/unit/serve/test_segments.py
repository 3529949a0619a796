from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import segment
from seaway.core.errors import Unavailable
from seaway.serve.segments import OpenSegment, free_worker, held, mend, next_number, of_folder


def write(folder: Path, bodies: list[bytes], worker: int = 3, number: int = 7) -> Path:
    opened = OpenSegment(folder, worker, number, os.fdatasync)
    for body in bodies:
        opened.write(segment.frame(body))
    opened.abandon()
    return opened.path


def bodies(path: Path) -> list[bytes]:
    return [body for _, body in segment.read(path)]


def test_a_sealed_segment_has_its_final_name_and_all_records(tmp_path: Path) -> None:
    opened = OpenSegment(tmp_path, 3, 7, os.fdatasync)
    opened.write(segment.frame(b"one") + segment.frame(b"two"))
    opened.seal()
    assert [path.name for path in tmp_path.iterdir()] == ["00003-0000000007.seg"]
    assert bodies(tmp_path / "00003-0000000007.seg") == [b"one", b"two"]


def test_a_segment_without_records_leaves_no_file(tmp_path: Path) -> None:
    OpenSegment(tmp_path, 3, 7, os.fdatasync).seal()
    assert list(tmp_path.iterdir()) == []


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6), cut=st.integers(1, 400))
def test_a_torn_tail_costs_no_whole_record(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], cut: int
) -> None:
    """Cut a segment anywhere: mending keeps exactly the records that were whole, and seals them."""
    folder = tmp_path_factory.mktemp("torn")
    written = [bytes([number]) * length for number, length in enumerate(lengths)]
    path = write(folder, written)
    size = max(path.stat().st_size - cut, 0)
    os.truncate(path, size)
    whole, end = [], segment.HEADER.size
    for body in written:
        end += segment.FRAME.size + len(body)
        whole += [body] if end <= size else []
    sealed = mend(folder, 3)
    assert [bodies(part) for part in sealed] == ([whole] if whole else [])
    assert len(list(folder.iterdir())) == bool(whole)


def test_mending_leaves_other_workers_and_sealed_files_alone(tmp_path: Path) -> None:
    ours, theirs = write(tmp_path, [b"a"], worker=1), write(tmp_path, [b"b"], worker=2)
    assert mend(tmp_path, 1) == [ours.with_suffix(".seg")]
    assert theirs.exists()
    assert mend(tmp_path, 1) == []
    assert mend(tmp_path) == [theirs.with_suffix(".seg")]


def test_a_damaged_segment_is_left_for_a_person(tmp_path: Path) -> None:
    path = write(tmp_path, [b"one", b"two"])
    data = bytearray(path.read_bytes())
    data[segment.HEADER.size + segment.FRAME.size] ^= 1
    path.write_bytes(data)
    assert mend(tmp_path, 3) == []
    assert path.read_bytes() == bytes(data)


def test_numbers_never_come_back_after_compaction(tmp_path: Path) -> None:
    first = next_number(tmp_path, 3)
    assert next_number(tmp_path, 3, after=first) > first
    write(tmp_path, [b"x"], number=first + 5)
    assert next_number(tmp_path, 3) == first + 6
    for _, _, path in of_folder(tmp_path):
        path.unlink()
    assert next_number(tmp_path, 3) >= first


def test_a_worker_number_is_held_by_one_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from seaway.serve.segments import held\n"
        "with held(Path(sys.argv[1]), 4): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    try:
        with pytest.raises(Unavailable, match="worker 4 of this state folder"), held(tmp_path, 4, wait_s=0.0):
            pass
        with free_worker(tmp_path, 4, 2) as worker:
            assert worker == 5
    finally:
        other.kill()
        other.communicate()
    with held(tmp_path, 4, wait_s=0.0):
        pass


def test_when_all_numbers_are_held_it_says_so(tmp_path: Path) -> None:
    with (
        held(tmp_path, 9),
        pytest.raises(Unavailable, match="1 processes write labels already"),
        free_worker(tmp_path, 9, 1),
    ):
        pass
