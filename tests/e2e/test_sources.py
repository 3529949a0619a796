"""Every kind of source through `check` and `score`: its rows are read, and a broken one is told with its place."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest

from seaway.core.project import Project
from seaway.registry.promote import promote
from seaway.registry.store import Registry
from seaway.workflow import check as checking
from seaway.workflow.new import new
from seaway.workflow.score import score
from seaway.workflow.workspace import Workspace, open_project
from tests import credit
from tests.e2e.test_any_size import loans
from tests.releases import Workshop

COUNT, BROKEN = 300, 7
"""Rows of a source, and the one whose amount is no number."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project made from JSON lines, with a released credit model."""
    folder = tmp_path_factory.mktemp("sources")
    loans(COUNT).write_ndjson(folder / "loans.jsonl")
    new(folder / "credit", folder / "loans.jsonl", target="outcome", name=credit.MODEL)
    state = Project(folder / "credit").make().state
    digest = Workshop(state).register()
    promote(Registry(state), credit.MODEL, digest, reason="first", principal="test")
    return open_project(folder / "credit")


def broken() -> list[dict[str, object]]:
    rows = loans(COUNT).to_dicts()
    rows[BROKEN]["amount"] = "many"
    return rows


def workbook(folder: Path) -> str:
    book = openpyxl.Workbook()
    book.create_sheet("Loans")
    sheet = book["Loans"]
    sheet.append(list(broken()[0]))
    for row in broken():
        sheet.append(list(row.values()))
    book.save(folder / "a.xlsx")
    return f"{folder / 'a.xlsx'}#Loans"


def lines(folder: Path) -> str:
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in broken()))
    return str(folder / "a.jsonl")


def sqlite(folder: Path) -> str:
    with contextlib.closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE loans (amount, months, purpose, owner, outcome)")
        rows = [
            tuple(str(cell).lower() if isinstance(cell, bool) else cell for cell in row.values()) for row in broken()
        ]
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", rows)
    return f"sqlite:///{folder / 'a.db'}#SELECT * FROM loans ORDER BY rowid"


def duck(folder: Path) -> str:
    rows = pl.DataFrame(broken(), schema_overrides={"amount": pl.String}, strict=False)  # noqa: F841 - DuckDB finds it
    with contextlib.closing(duckdb.connect(str(folder / "a.duckdb"))) as connection:
        connection.execute("CREATE TABLE loans AS SELECT * FROM rows")
    return f"duckdb:///{folder / 'a.duckdb'}#loans"


@pytest.mark.parametrize("write", [workbook, lines, sqlite, duck])
def test_a_broken_row_is_told_with_its_place(
    workspace: Workspace, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    source = write(tmp_path)
    found = checking.check(workspace, source)
    assert (found.rows, found.broken) == (COUNT, 1)
    assert [(cell.row, cell.column) for cell in found.cells] == [(BROKEN, "amount")]
    done = score(workspace, source, tmp_path / "out.csv")
    assert (done.rows, done.refused) == (COUNT - 1, 1)
    answers = pl.read_csv(tmp_path / "out.csv", infer_schema_length=None)
    assert answers.with_row_index().filter(pl.col("error").is_not_null() & (pl.col("error") != ""))[
        "index"
    ].to_list() == [BROKEN]
    assert answers["label"].null_count() == 1
