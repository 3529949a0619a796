"""PostgreSQL: a real server, asked in one read-only transaction."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from seaway.core.errors import BadInput, NotFound, Unavailable
from seaway.data import read
from seaway.data.sources import address, door
from tests.postgres import PASSWORD, USER, Server


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the password where libpq looks for it."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


def test_columns_keep_their_types_and_values_to_the_last_digit(database: Server) -> None:
    frame = read.table(database.address("books.loans")).frame
    assert frame.schema == {
        "amount": pl.Float64,
        "months": pl.Int64,
        "purpose": pl.String,
        "paid": pl.Boolean,
        "day": pl.Date,
        "at": pl.Datetime("us", "UTC"),
        "local": pl.Datetime("us"),
        "cents": pl.Int64,
        "rate": pl.Float64,
        "code": pl.String,
        "ref": pl.String,
        "note": pl.String,
    }
    first, second, third = frame.rows()
    assert first[:5] == (0.1 + 0.2, 12, "car", True, date(2024, 1, 2))
    assert first[5:7] == (datetime(2024, 1, 2, 1, 4, 5, 250_000, tzinfo=UTC), datetime(2024, 1, 2, 3, 4, 5))
    assert first[7:] == (123_456_789_012, 1.25, "ab  ", "1" * 8 + "-1111-1111-1111-" + "1" * 12, '{"a": 1}')
    assert second == (None,) * 12
    assert third[0] == 1e-300
    assert third[2] == "100%"


def test_many_rows_come_in_pieces_of_one_schema(database: Server) -> None:
    pieces = list(door.pieces(address.of(database.address("SELECT * FROM many ORDER BY n")), 20_000))
    assert [(piece.first, len(piece)) for piece in pieces] == [(0, 20_000), (20_000, 20_000), (40_000, 10_000)]
    assert pl.concat([piece.rows.frame for piece in pieces])["n"].to_list() == list(range(1, 50_001))


def test_a_query_may_hold_any_sign(database: Server) -> None:
    query = "SELECT n AS \"a%s\", '%(x)s; #' AS \"b\" FROM kept WHERE n::text LIKE '%2%';"
    assert read.table(database.address(query)).frame.rows(named=True) == [{"a%s": 2, "b": "%(x)s; #"}]
    assert read.table(database.address('odd; "name')).frame.rows() == [(7,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a; DROP TABLE kept",
        "SELECT 1 AS a; COMMIT; DROP TABLE kept",
        "WITH gone AS (DELETE FROM kept RETURNING n) SELECT * FROM gone",
        "SELECT nextval('pg_catalog.nothing') FROM kept; DELETE FROM kept",
        "SELECT n INTO other FROM kept",
        "(DROP TABLE kept)",
        "/* */ DROP TABLE kept",
        "SELECT set_config('transaction_read_only', 'off', false), lo_create(0) FROM kept",
    ],
)
def test_what_would_write_is_refused_and_changes_nothing(database: Server, query: str) -> None:
    with pytest.raises(BadInput) as caught:
        read.table(database.address(query))
    assert caught.value.code in ("only-reading", "bad-query")
    assert read.table(database.address("kept")).frame["n"].to_list() == [1, 2]


def test_a_word_that_is_no_query_is_a_table_that_is_not_there(database: Server) -> None:
    with pytest.raises(NotFound, match="no table 'kep'") as caught:
        read.table(database.address("kep"))
    assert "Did you mean 'kept'?" in caught.value.fix
    with pytest.raises(NotFound, match="no table 'DROP TABLE kept'"):
        read.table(database.address("DROP TABLE kept"))


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("lists", "Column 'tags' holds lists"),
        ("bytes", "Column 'blob' holds bytes"),
        ("ages", "Column 'd' holds '0044-03-15 BC'"),
        ("empty", "header but no rows"),
        ("SELECT n, n FROM kept", "column name 'n' stands 2 times"),
        ("SELECT m FROM kept", 'PostgreSQL refuses the query: column "m" does not exist'),
        ("SELECT 1/0 AS a", "division by zero"),
        ("SELECT FROM kept", "no columns"),
    ],
)
def test_what_is_no_table_is_said(database: Server, part: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        read.table(database.address(part))
    assert caught.value.fix


def test_a_statement_ends_at_its_deadline(database: Server) -> None:
    with pytest.raises(Unavailable, match="gave no rows for 1 seconds") as caught:
        read.table(database.address("SELECT pg_sleep(30)::text AS t", "?deadline=1"))
    assert caught.value.code == "too-slow"
    with pytest.raises(BadInput, match="deadline is no number"):
        read.table(database.address("kept", "?deadline=soon"))


def test_a_wrong_password_or_port_is_said_without_showing_a_secret(
    database: Server, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong-secret-1234")
    with pytest.raises(Unavailable, match="password authentication failed") as caught:
        read.table(database.address("kept"))
    assert "wrong-secret" not in str(caught.value)
    with pytest.raises(Unavailable, match="does not answer"):
        read.table(f"postgresql://127.0.0.1:{free_port}/nowhere#kept")


def test_the_password_stands_in_no_file_of_a_project_and_in_nothing_that_is_printed(
    database: Server, tmp_path: Path
) -> None:
    database.run(
        "CREATE TABLE IF NOT EXISTS taught AS SELECT n % 7 AS a, (n * 37) % 11 AS b, "
        "CASE WHEN n % 7 > 3 THEN 'good' ELSE 'bad' END AS y FROM generate_series(1, 200) AS n"
    )
    folder = tmp_path / "project"
    source = database.address("SELECT * FROM taught ORDER BY a, b, y")
    said = [_seaway("new", str(folder), "--data", source, "--target", "y"), _seaway("check", "-C", str(folder))]
    assert source in (folder / "seaway.toml").read_text().replace('\\"', '"')
    for path in folder.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()
    shown = "".join(said) + (folder / ".seaway" / "reports" / "data.html").read_text()
    assert PASSWORD not in shown
    assert f"{USER}@" not in shown


def _seaway(*given: str) -> str:
    done = subprocess.run([sys.executable, "-m", "seaway.cli", *given], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_secret_that_a_message_repeats_is_masked(monkeypatch: pytest.MonkeyPatch, database: Server) -> None:
    with pytest.raises(BadInput, match="invalid input syntax") as caught:
        read.table(database.address(f"SELECT '{PASSWORD}'::int AS a"))
    assert PASSWORD not in caught.value.what
