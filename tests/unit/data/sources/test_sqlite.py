"""SQLite: read and never written, whatever the file or the query holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from seaway.core.errors import BadInput, Malformed, NotFound, Unavailable
from seaway.data import read
from seaway.data.sources import address, door


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a file with a table of mixed cells, a view, and a name that has to be quoted."""
    path = tmp_path / "a b.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE "odd; ""name" (a int, b real, c text)')
        connection.executemany(
            'INSERT INTO "odd; ""name" VALUES (?, ?, ?)',
            [(1, 0.1 + 0.2, "x"), (None, 5.0, ""), ("q", 1e300, "007"), (2**62, -0.5, "ü\n,")],
        )
        connection.execute('CREATE VIEW seen AS SELECT a FROM "odd; ""name"')
        connection.execute("CREATE TABLE odd_cells (bytes blob)")
        connection.execute("INSERT INTO odd_cells VALUES (x'ff00')")
        connection.execute("CREATE TABLE zero (t text)")
        connection.execute("INSERT INTO zero VALUES ('a' || char(0) || 'b')")
        connection.execute("CREATE TABLE empty (t text)")
        connection.commit()
    return path


def table(file: Path, part: str) -> list[tuple[object, ...]]:
    return read.table(f"sqlite:///{file}#{part}").frame.rows()


def test_cells_are_the_texts_that_a_csv_file_would_hold(file: Path) -> None:
    assert table(file, 'odd; "name') == [
        ("1", "0.30000000000000004", "x"),
        (None, "5.0", ""),
        ("q", "1e+300", "007"),
        (str(2**62), "-0.5", "ü\n,"),
    ]
    assert table(file, "seen") == [("1",), (None,), ("q",), (str(2**62),)]


def test_a_query_computes(file: Path) -> None:
    query = (
        'WITH x AS (SELECT * FROM "odd; ""name" WHERE c LIKE \'%0%\') SELECT upper(a) AS big, b / 1e300 AS small FROM x'
    )
    assert table(file, query) == [("Q", "1.0")]


def test_many_rows_come_in_pieces(file: Path) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n"
    pieces = list(door.pieces(address.of(f"sqlite:///{file}#{query}"), 1000))  # type: ignore[arg-type]
    assert [(piece.first, len(piece)) for piece in pieces] == [(0, 1000), (1000, 1000), (2000, 500)]
    assert [cell for piece in pieces for (cell,) in piece.rows.frame.rows()] == [str(i) for i in range(1, 2501)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a; DROP TABLE empty",
        "WITH x AS (SELECT 1) DELETE FROM empty",
        "WITH x AS (SELECT 1) INSERT INTO empty SELECT * FROM x",
        "SELECT load_extension('/tmp/x') AS a",
        "SELECT * FROM pragma_database_list",
        "(SELECT 1",
        "/* */ ATTACH 'other.db' AS other",
        "-- \nPRAGMA journal_mode = DELETE",
        "/* */ VACUUM INTO 'copy.db'",
        "-- \nCREATE TABLE more (a int)",
    ],
)
def test_what_would_do_more_than_read_is_refused_and_changes_nothing(file: Path, query: str) -> None:
    before = file.read_bytes()
    with pytest.raises(BadInput) as caught:
        table(file, query)
    assert caught.value.code in ("only-reading", "bad-query")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("part", "kind", "what"),
    [
        ("nothing", NotFound, "no table 'nothing'"),
        ("DROP TABLE empty", NotFound, "no table 'DROP TABLE empty'"),
        ("empty", BadInput, "header but no rows"),
        ("odd_cells", Malformed, "bytes that are no text"),
        ("zero", Malformed, "zero byte"),
        ("SELECT b FROM empty", BadInput, "SQLite refuses the query: no such column: b"),
        ("SELECT 1 AS a, 2 AS a", BadInput, "column name 'a' stands 2 times"),
        ("SELECT zeroblob(100000000) AS a", Malformed, "more than"),
    ],
)
def test_what_is_no_table_is_said(file: Path, part: str, kind: type[BadInput], what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        table(file, part)
    assert caught.value.fix
    assert caught.value.exit == 2


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(Malformed, match="SQLite file is damaged"):
        table(path, "t")


def test_a_view_of_the_file_runs_no_function_that_reaches_beyond_it(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE VIEW trap AS SELECT load_extension('/tmp/x') AS a")
        connection.commit()
    with pytest.raises(BadInput) as caught:
        table(file, "trap")
    assert caught.value.code in ("only-reading", "bad-query")


def test_a_query_ends_at_its_deadline(file: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS many FROM n"
    with pytest.raises(Unavailable, match="gave no rows for 1 seconds") as caught:
        read.table(f"sqlite:///{file}?deadline=1#{endless}")
    assert caught.value.code == "too-slow"
