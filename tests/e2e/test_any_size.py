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

SHORT, LONG = 1_000_000_000, 10_000_000_000
"""Bytes of the file in `make test` and in `make soak`."""
LIMIT = 2 << 30
"""Memory that a command may ask for: one byte more and the system refuses it."""
MINUTES = 45
"""Of two cores for `check` and for `score` of the largest file."""
LAUNCH = """
import json, resource, subprocess, sys
limit, out = int(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
with open(out, "wb") as file:
    code = subprocess.run(sys.argv[3:], stdout=file).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024]))
"""
"""Runs a command under a limit of memory. In a process of its own: a child is said to hold at least what its parent held."""


@dataclass(frozen=True)
class Ran:
    """A command that ended: what it printed as JSON, its exit code, seconds, and the most memory it held."""

    said: Mapping[str, Any]
    code: int
    seconds: float
    memory: int


def ran(folder: Path, *words: str) -> Ran:
    began = time.monotonic()
    said = folder / "said.json"
    command = [sys.executable, "-m", "seaway.cli", *words, "--json"]
    launched = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, str(LIMIT), str(said), *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    code, memory = json.loads(launched.stdout)
    return Ran(json.loads(said.read_bytes()), code, time.monotonic() - began, memory)


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


def large(project: Path, folder: Path, size: int) -> None:
    """Make a project of a large file, check it with three torn lines, score another one of its size."""
    source, narrow, answers = folder / "large.csv", folder / "narrow.csv", folder / "out.parquet"
    try:
        rows = bulk.write(source, size)
        with source.open("a") as file:
            file.write("one,too,few\n" * 3)
        made = ran(folder, "new", "large", "--data", str(source), "--target", "outcome")
        found = ran(folder / "large", "check")
        source.unlink()
        asked = written(narrow, size)
        done = ran(project, "score", str(narrow), "-o", str(answers))
    finally:
        for path in (source, narrow, answers):
            path.unlink(missing_ok=True)
    assert made.code == 0
    assert (found.said["rows"], found.said["broken"], found.code) == (rows, 0, 1)
    (torn,) = [one for one in found.said["verdicts"] if one["code"] == "D021"]
    assert (torn["outcome"], torn["value"]) == ("fail", 3.0)
    assert torn["evidence"]["lines"][0]["column"] == f"line {rows + 2}"
    assert (done.said["rows"], done.said["refused"], done.code) == (asked, 0, 0)
    for verb, one in (("new", made), ("check", found), ("score", done)):
        print(f"\n{verb} of {size / 1e9:.0f} GB: {one.seconds:.0f} s, {one.memory / 2**20:.0f} MiB")
        assert one.memory < LIMIT
        assert one.seconds < MINUTES * 60


def written(path: Path, size: int) -> int:
    """Write about `size` bytes of loans to be answered; return how many rows."""
    text = loans(200_000).write_csv(include_header=False).encode()
    times = size // len(text) + 1
    with path.open("wb") as file:
        file.write(b"amount,months,purpose,owner,outcome\n")
        for _ in range(times):
            file.write(text)
    return times * 200_000


@pytest.mark.slow
def test_a_file_of_1_gb_in_two_gibibytes(project: Path, tmp_path: Path) -> None:
    large(project, tmp_path, SHORT)


@pytest.mark.soak
def test_a_file_of_10_gb_in_two_gibibytes(project: Path, tmp_path: Path) -> None:
    large(project, tmp_path, LONG)
