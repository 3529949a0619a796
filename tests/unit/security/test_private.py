"""Files for their owner's eyes alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seaway.core.errors import Refused
from seaway.security import private


def placed(folder: Path, data: bytes = b"secret", mode: int = 0o600) -> Path:
    path = folder / "a.secret"
    private.place(path, data, mode)
    return path


def test_a_file_is_placed_whole_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = placed(tmp_path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert private.read(path, "secret") == b"secret"


def test_the_first_of_several_writers_wins(tmp_path: Path) -> None:
    path = placed(tmp_path, b"first")
    private.place(path, b"second", 0o600)
    assert private.read(path, "secret") == b"first"


def test_what_a_dead_writer_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".a.secret.123.tmp"
    left.write_bytes(b"half")
    placed(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_what_others_may_open_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = placed(tmp_path)
    path.chmod(mode)
    with pytest.raises(Refused, match=f"Others may read or change the access secret \\(mode {mode:04o}\\)") as raised:
        private.read(path, "access secret")
    assert raised.value.code == "shared-key"
    assert raised.value.fix == f"Run: chmod 600 {path}"


def test_links_and_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    path = placed(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(Refused, match="cannot be opened"):
        private.read(link, "secret")
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    with pytest.raises(Refused, match="no plain file"):
        private.read(folder, "secret")
    os.mkfifo(tmp_path / "pipe", 0o600)  # to be opened without waiting for a writer who never comes
    with pytest.raises(Refused, match="no plain file"):
        private.read(tmp_path / "pipe", "secret")
    with pytest.raises(Refused, match="cannot be opened"):
        private.read(tmp_path / "nothing", "secret")


def test_no_more_than_a_key_is_ever_read(tmp_path: Path) -> None:
    path = placed(tmp_path, b"a" * (private.MAX_BYTES + 1))
    assert len(private.read(path, "secret")) == private.MAX_BYTES
