"""Files that are whole or not there, and locks that die with their holder."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from seaway.core import durable
from seaway.core.errors import Unavailable
from tests.crash.rig import fork, killed_at, tracer


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write(path, b"one")
    durable.write(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_mode_is_the_one_asked_for(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"", mode=0o600)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()  # a folder cannot be replaced by a file
    (tmp_path / "file" / "inside").write_bytes(b"old")
    with pytest.raises(OSError, match="directory"):
        durable.write(tmp_path / "file", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file" / "inside").read_bytes() == b"old"


def test_threads_that_write_the_same_file_write_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 200_000 for letter in range(6)]

    def write(content: bytes) -> None:
        for _ in range(5):
            durable.write(path, content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            assert path.read_bytes() in contents
    for thread in threads:
        thread.join()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("calls", ["write", "fsync", "rename", "openat"])
def test_killed_at_any_call_the_file_is_the_old_or_the_new_one(tmp_path: Path, calls: str) -> None:
    strace = tracer()
    for k in range(1, 20):
        path = tmp_path / f"at-{k}" / "file"
        path.parent.mkdir()
        path.write_bytes(b"old")
        was_killed = killed_at(strace, calls, k, lambda path=path: durable.write(path, b"new"))  # type: ignore[misc]
        assert path.read_bytes() in ((b"old", b"new") if was_killed else (b"new",))
        if not was_killed:
            return
    pytest.fail("the write never came to its end")


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    (staging / "inner").mkdir(parents=True)
    (staging / "inner" / "file").write_bytes(b"x")
    durable.publish_folder(staging, tmp_path / "final")
    assert (tmp_path / "final" / "inner" / "file").read_bytes() == b"x"
    assert not staging.exists()


def test_a_folder_never_replaces_another(tmp_path: Path) -> None:
    for name in ("staging", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(name.encode())
    with pytest.raises(OSError, match="not empty"):
        durable.publish_folder(tmp_path / "staging", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_bytes() == b"final"


# ----------------------------------------------------------------------------------------------------------- locks


def test_one_at_a_time(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        with durable.locked(tmp_path / "folder" / ".lock", wait_s=30, what="testing"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_lock_that_is_held_too_long_says_what_its_holder_does(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        durable.locked(tmp_path / ".lock", wait_s=1, what="x"),
        pytest.raises(Unavailable, match="Another process is building a release, for longer than 0 s") as raised,
        durable.locked(tmp_path / ".lock", wait_s=0.1, what="building a release"),
    ):
        pass
    assert raised.value.code == "busy"
    assert time.monotonic() - began < 1.0


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    def hold(pipe: int) -> None:
        with durable.locked(tmp_path / ".lock", wait_s=1, what="x"):
            os.write(pipe, b"held")
            time.sleep(60)

    pid, said = fork(hold)
    assert os.read(said, 4) == b"held"
    os.close(said)
    with (
        pytest.raises(Unavailable, match="Another process is x"),
        durable.locked(tmp_path / ".lock", wait_s=0.05, what="x"),
    ):
        pass
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    with durable.locked(tmp_path / ".lock", wait_s=0.05, what="x"):
        pass


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), durable.locked(tmp_path / ".lock", wait_s=0.1, what="x"):
        raise KeyError
    with durable.locked(tmp_path / ".lock", wait_s=0.05, what="x"):
        pass
