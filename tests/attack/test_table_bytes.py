"""Damaged files of every kind that can be read: each is read or refused with a reason, and no process dies (A42)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from seaway.core.errors import Malformed
from seaway.data import blocks, read
from tests.attack.table_child import DEADLINE_S, KINDS

MANY, FEW, SEED = 1000, 40, 20261124
MEMORY = 600 << 10
"""KiB that the reading process may hold, libraries included."""


def told(kinds: Iterable[str], count: int, folder: Path) -> list[dict[str, Any]]:
    """Read damaged files in another process, which must come to its end; return what came of each."""
    child = Path(__file__).with_name("table_child.py")
    command = [sys.executable, str(child), str(folder), str(count), str(SEED), *kinds]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 + count * DEADLINE_S)
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, f"{lines[-1]} of seed {SEED} ended the process: {ended.stderr[-2000:]}"
    assert not ended.stderr, ended.stderr
    files = [json.loads(line) for line in lines[1::2]]
    assert {answer for file in files for answer in file["told"]} == {"read", "refused"}
    assert max(file["peak_kib"] for file in files) < MEMORY
    return files


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    files = told(KINDS, FEW, tmp_path)
    assert len(files) == FEW * len(KINDS)
    assert {file["kind"] for file in files if "refused" in file["told"]} == set(KINDS), "some damage was none"


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damaged_files(tmp_path: Path, kind: str) -> None:
    files = told([kind], MANY, tmp_path)
    tables = sum("read" in file["told"] for file in files)
    slowest, peak = max(file["seconds"] for file in files), max(file["peak_kib"] for file in files)
    assert len(files) == MANY
    print(
        f"\n{kind}: {MANY} damaged files, {tables} still a table, {MANY - tables} refused, 0 deaths; "
        f"{slowest * 1000:.0f} ms and {peak >> 10} MiB at most"
    )


def test_a_large_parquet_file_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    """Read in pieces it is opened by another call than a small one, whose errors were once shown as they are."""
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-100])
    for door in (lambda: list(blocks.pieces(path)), lambda: blocks.about(path), lambda: read.table(path)):
        with pytest.raises(Malformed, match="Parquet file is damaged"):
            door()
