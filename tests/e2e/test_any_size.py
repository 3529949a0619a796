"""Files of any size: `new`, `check` and `score` in memory that does not grow with them, and every broken row told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seaway.core.project import Project
from seaway.core.verdict import Verdict
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.workflow import check as checking
from seaway.workflow.new import new
from seaway.workflow.workspace import open_project
from tests import bulk, credit
from tests.releases import Workshop

SHORT, LIMIT_SHORT = 96 << 20, 1 << 30
"""Bytes of the file in `make test`, above what is looked at in memory, and of memory it may take."""
SOAK = (1_000_000_000, 10_000_000_000)
LIMIT = 2 << 30
"""Memory for a file of 10 GB."""
MINUTES = 45
"""Of two cores for `check` and for `score` of the largest file."""


@dataclass(frozen=True)
class Ran:
    """A command that ended: what it printed as JSON, its exit code, seconds, and the most memory it held."""

    said: Mapping[str, Any]
    code: int
    seconds: float
    memory: int


def ran(folder: Path, *words: str) -> Ran:
    began = time.monotonic()
    command = [sys.executable, "-m", "seaway.cli", *words, "--json"]
    said = folder / "said.json"
    with said.open("wb") as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, env={**os.environ, "OMP_NUM_THREADS": "1"})
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Ran(json.loads(said.read_bytes()), child.returncode, time.monotonic() - began, usage.ru_maxrss * 1024)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a small released credit model, of which only the release is used to score."""
    small = tmp_path / "small.csv"
    pl.DataFrame(loans(300)).write_csv(small)
    new(tmp_path / "credit", small, target="outcome", name=credit.MODEL)
    state = Project(tmp_path / "credit").make().state
    registry, digest = Registry(state), Workshop(state).register()
    promote(registry, credit.MODEL, digest, reason="first", principal="test")
    return tmp_path / "credit"


def loans(count: int) -> pl.DataFrame:
    """Return loans of the contract of `tests.credit`, made column by column."""
    made = bulk.frame(count)
    return made.select(
        "amount",
        "months",
        pl.col("purpose").replace_strict(dict.fromkeys(bulk.PURPOSES.tolist(), "car") | {"study": "study"}),
        (pl.col("age") > 40).alias("owner"),
        "outcome",
    )


@pytest.mark.slow
def test_a_file_is_checked_in_bounded_memory_with_exact_counts(tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    rows = bulk.write(source, SHORT)
    with source.open("a") as file:
        file.write("one,too,few\n" * 3)
    made = ran(tmp_path, "new", "project", "--data", str(source), "--target", "outcome")
    assert made.code == 0
    found = ran(tmp_path / "project", "check")
    assert (found.said["rows"], found.said["broken"], found.code) == (rows, 0, 1)
    (torn,) = [one for one in found.said["verdicts"] if one["code"] == "D021"]
    assert (torn["outcome"], torn["value"]) == ("fail", 3.0)
    assert torn["evidence"]["lines"][0]["column"] == f"line {rows + 2}"
    assert found.memory < LIMIT_SHORT
    print(f"\ncheck of {SHORT / 1e6:.0f} MB: {found.seconds:.1f} s, {found.memory / 2**20:.0f} MiB")


def test_every_row_is_answered_or_refused_in_its_place(project: Path) -> None:
    frame = loans(30_000)
    lines = frame.write_csv().splitlines()
    lines[5] = "many,12,car,true,good"
    lines[9] = "1,2,3"
    lines[20_007] = '"open,12,car,true,good'
    source = project / "loans.csv"
    source.write_text("\n".join(lines) + "\n")
    done = ran(project, "score", str(source), "-o", "out.csv")
    assert done.code == 0, done.said
    answers = pl.read_csv(project / "out.csv", infer_schema_length=None)
    assert (done.said["rows"], done.said["refused"], answers.height) == (29_997, 3, 30_000)
    refused = answers.with_row_index().filter(pl.col("error").is_not_null() & (pl.col("error") != ""))
    assert refused["index"].to_list() == [4, 8, 20_006]
    assert refused["label"].null_count() == 3
    assert refused["error"].to_list() == [
        'amount="many" (type)',
        "line 10 has 3 cells, the header has 5.",
        "line 20008 opens a quotation mark that nothing closes.",
    ]
    assert [cell["row"] for cell in done.said["cells"]] == [4, 8, 20_006]


def test_a_file_that_is_cut_is_found_to_be_what_it_is_at_once(tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    bulk.frame(20_000).write_csv(source)
    new(tmp_path / "project", source, target="outcome")
    workspace = open_project(tmp_path / "project")
    at_once, by_piece = checking.check(workspace, source), checking.check(workspace, source, whole=0)
    assert (at_once.rows, at_once.broken, at_once.cells) == (by_piece.rows, by_piece.broken, by_piece.cells)
    assert told(at_once.verdicts) == [one for one in told(by_piece.verdicts) if one[0] != "D021"]


def told(verdicts: tuple[Verdict, ...]) -> list[tuple[str, str, str, str]]:
    return sorted((one.code, one.outcome, one.subject, one.message) for one in verdicts if one.code != "D006")


@pytest.mark.soak
@pytest.mark.parametrize("size", SOAK)
def test_a_large_file_in_two_gibibytes(project: Path, tmp_path: Path, size: int) -> None:
    source = tmp_path / "large.csv"
    rows = bulk.write(source, size)
    try:
        made = ran(tmp_path, "new", "large", "--data", str(source), "--target", "outcome")
        found = ran(tmp_path / "large", "check")
        assert (made.code, found.said["rows"]) == (0, rows)
        narrow = tmp_path / "narrow.csv"
        pieces = size // len(text := loans(200_000).write_csv(include_header=False).encode()) + 1
        with narrow.open("wb") as file:
            file.write(b"amount,months,purpose,owner,outcome\n")
            for _ in range(pieces):
                file.write(text)
        source.unlink()
        done = ran(project, "score", str(narrow), "-o", str(tmp_path / "out.parquet"))
        assert (done.said["rows"], done.said["refused"]) == (pieces * 200_000, 0)
    finally:
        for name in ("large.csv", "narrow.csv", "out.parquet"):
            (tmp_path / name).unlink(missing_ok=True)
    for verb, one in (("new", made), ("check", found), ("score", done)):
        print(f"\n{verb} of {size / 1e9:.0f} GB: {one.seconds:.0f} s, {one.memory / 2**20:.0f} MiB")
        assert one.memory < LIMIT
        assert one.seconds < MINUTES * 60
