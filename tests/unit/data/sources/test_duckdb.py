"""DuckDB: read and never written, with the door to files, extensions and the network shut."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from seaway.core.errors import BadInput, Malformed, NotFound, Unavailable
from seaway.data import read
from seaway.data.sources import address, door


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file with typed columns."""
    path = tmp_path_factory.mktemp("duck") / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """CREATE TABLE loans AS SELECT * FROM (VALUES
                (0.1::DOUBLE + 0.2::DOUBLE, 7, 'x', true, DATE '2024-01-02', 1.25::DECIMAL(5, 2), 'a'::ENUM('a', 'b')),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(f, i, t, b, d, m, e)"""
        )
        connection.execute('CREATE SCHEMA books; CREATE TABLE books."odd; ""name" AS SELECT 7 AS n')
        connection.execute("CREATE TABLE empty (n int); CREATE TABLE lists AS SELECT [1, 2] AS l")
    return path


def table(file: Path, part: str) -> pl.DataFrame:
    return read.table(f"duckdb:///{file}#{part}").frame


def test_columns_keep_their_types(file: Path) -> None:
    rows = table(file, "loans").rows()
    assert rows == [(0.1 + 0.2, 7, "x", True, date(2024, 1, 2), Decimal("1.25"), "a"), (None,) * 7]
    assert table(file, 'books.odd; "name').rows() == [(7,)]


def test_many_rows_come_in_pieces(file: Path) -> None:
    found = address.of(f"duckdb:///{file}#SELECT range AS n, sum(1) OVER () AS s FROM range(100000)")
    pieces = list(door.pieces(found, 30_000))  # type: ignore[arg-type]
    assert sum(map(len, pieces)) == 100_000
    assert len(pieces) > 2
    assert [piece.first for piece in pieces[:2]] == [0, len(pieces[0])]
    assert len({str(piece.rows.frame.schema) for piece in pieces}) == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a; DROP TABLE loans",
        "WITH x AS (SELECT 1 AS n) INSERT INTO empty SELECT n FROM x",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "(COPY loans TO 'copy.csv')",
        "/* */ ATTACH 'other.duckdb'",
        "-- \nSET enable_external_access = true",
        "-- \nINSTALL httpfs",
        "-- \nCREATE TABLE more (a int)",
        "-- \nPRAGMA version",
    ],
)
def test_what_would_do_more_than_read_the_file_is_refused(file: Path, query: str) -> None:
    before = file.read_bytes()
    with pytest.raises(BadInput) as caught:
        table(file, query)
    assert caught.value.code in ("only-reading", "bad-query")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("loan", "no table 'loan'"),
        ("empty", "header but no rows"),
        ("lists", r"Column 'l' holds List"),
        ("SELECT m2 FROM loans", "DuckDB refuses the query"),
        ("SELECT 1 AS a, 2 AS a", "column name 'a' stands 2 times"),
    ],
)
def test_what_is_no_table_is_said(file: Path, part: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        table(file, part)
    assert caught.value.fix
    assert caught.value.exit == 2


def test_a_table_that_is_not_there_names_those_near(file: Path) -> None:
    with pytest.raises(NotFound) as caught:
        table(file, "loan")
    assert "Did you mean 'loans'?" in caught.value.fix


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(Malformed, match="DuckDB file cannot be read"):
        table(path, "t")


def test_a_file_in_use_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    held = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Unavailable, match="Another process writes"):
            table(path, "t")
        holder.communicate()


def test_a_query_ends_at_its_deadline(file: Path) -> None:
    query = "SELECT count(*) AS n FROM range(10000000) AS a, range(10000000) AS b WHERE (a.range * b.range) % 7 = 3"
    with pytest.raises(Unavailable, match="gave no rows for 1 seconds") as caught:
        read.table(f"duckdb:///{file}?deadline=1#{query}")
    assert caught.value.code == "too-slow"
