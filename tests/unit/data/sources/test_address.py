"""Addresses: what a text names, what it is from elsewhere, and what of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from seaway.core.errors import BadInput, NotFound
from seaway.data.sources import address
from seaway.data.sources.address import Address


@pytest.mark.parametrize(
    ("text", "kind", "path", "part"),
    [
        ("a/b.xlsx", "excel", "a/b.xlsx", ""),
        ("a/b.xlsx#My Sheet", "excel", "a/b.xlsx", "My Sheet"),
        ("B.XLSX", "excel", "B.XLSX", ""),
        ("a.xlsm#x#y", "excel", "a.xlsm", "x#y"),
        ("a.jsonl", "lines", "a.jsonl", ""),
        ("a.ndjson.gz", "lines", "a.ndjson.gz", ""),
        ("sqlite:///a/b.db#loans", "sqlite", "a/b.db", "loans"),
        ("sqlite:////srv/b%20c.db#SELECT 1 AS a -- 100%", "sqlite", "/srv/b c.db", "SELECT 1 AS a -- 100%"),
        ("duckdb:///../b.duckdb# WITH x AS (SELECT 1 AS a) SELECT * FROM x ; ", "duckdb", "../b.duckdb", None),
    ],
)
def test_files_that_are_no_plain_tables(text: str, kind: str, path: str, part: str | None) -> None:
    found = address.of(text)
    assert isinstance(found, Address)
    assert (found.kind, found.path) == (kind, Path(path))
    assert found.part == ("WITH x AS (SELECT 1 AS a) SELECT * FROM x" if part is None else part)
    assert address.of(found.text) == found


@pytest.mark.parametrize("text", ["a.csv", "a#b.csv", "a.xlsx.csv", "with space.parquet", "C:/x.csv", "a.json"])
def test_any_other_text_is_a_path(text: str) -> None:
    assert address.of(text) == Path(text)
    assert address.of(Path(text)) == Path(text)


def test_a_file_whose_name_holds_the_sign_is_that_file(tmp_path: Path) -> None:
    odd = tmp_path / "a.xlsx#b"
    odd.write_text("a\n1\n")
    assert address.of(odd) == odd


def test_a_server_is_shown_without_its_user_and_options() -> None:
    text = "postgresql://an%40na@db.example:5433/my%2Fshop?sslmode=require&deadline=60#SELECT a FROM t WHERE b = 'x'"
    found = address.of(text)
    assert isinstance(found, Address)
    assert (found.host, found.port, found.user, found.database) == ("db.example", 5433, "an@na", "my/shop")
    assert found.options == {"sslmode": "require", "deadline": "60"}
    assert found.text == text
    assert str(found) == "postgresql://db.example:5433/my%2Fshop#SELECT a FROM t WHERE b = 'x'"
    assert found.name == "my/shop"
    assert address.of("postgres://h/d#t") == address.of("postgresql://h/d#t")
    assert str(address.of("postgresql://[::1]:5433/d#t")) == "postgresql://[::1]:5433/d#t"


def test_a_name_is_short() -> None:
    assert [
        address.of(text).name for text in ("x/a.xlsx#S", "x/a.csv", "postgresql://h/d#s.t", "sqlite:///x/a.db#SELECT 1")
    ] == [
        "a.xlsx#S",
        "a.csv",
        "d#s.t",
        "a.db",
    ]


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("mysql://h/d#t", "unknown-source", "reads nothing from mysql://"),
        ("https://example.org/a.csv", "unknown-source", "reads nothing from https://"),
        ("s3://bucket/a.csv", "unknown-source", "reads nothing from s3://"),
        ("postgresql://anna:hidden-word@h/d#t", "password-in-address", "password does not belong"),
        ("postgresql://anna:@h/d#t", "password-in-address", "password does not belong"),
        ("postgresql://h/d?password=hidden-word#t", "password-in-address", "password does not belong"),
        ("postgresql://h/d?passfile=hidden-word#t", "password-in-address", "password does not belong"),
        ("postgresql://h/d?options=-c%20x#t", "bad-input", "option that Seaway does not know: 'options'"),
        ("postgresql://h/d?sslkey=hidden-word#t", "bad-input", "option that Seaway does not know: 'sslkey'"),
        ("postgresql://h/d", "no-query", "does not say which rows"),
        ("sqlite:///a.db# ;", "no-query", "does not say which rows"),
        ("postgresql://h:port/d#t", "bad-input", "malformed"),
        ("postgresql://[h/d#t", "bad-input", "malformed"),
        ("sqlite://a.db#t", "bad-input", "written sqlite:///FILE"),
        ("sqlite:///a.db?mode=rwc#t", "bad-input", "written sqlite:///FILE"),
        ("duckdb:///#t", "bad-input", "written duckdb:///FILE"),
    ],
)
def test_what_means_nothing_is_refused_without_repeating_it(text: str, code: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        address.of(text)
    assert caught.value.code == code
    assert caught.value.fix
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["data/a.csv", "data/a.xlsx#S", "sqlite:///data/a.db#SELECT 1 AS a", "postgresql://u@h/d#t"]
)
def test_what_a_project_names_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "deep" / "project"
    kept = address.relative(text, folder)
    found, meant = address.within(kept, folder), address.of(text)
    if isinstance(meant, Path):
        assert isinstance(found, Path)
        assert found.resolve() == meant.resolve()
    elif meant.path is None:
        assert found == meant
    else:
        assert isinstance(found, Address)
        assert found.path is not None
        assert found.path.resolve() == meant.path.resolve()
        assert found.part == meant.part


def test_a_file_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "loans.db").touch()
    with pytest.raises(NotFound, match=r"no file 'loan\.db'") as caught:
        address.refuse_absent(address.of(f"sqlite:///{tmp_path}/loan.db#t"))
    assert "loans.db" in caught.value.fix
    address.refuse_absent(address.of("postgresql://h/d#t"))


@pytest.mark.parametrize(
    ("part", "is_query"),
    [("loans", False), ("my loans", False), ("selected", False), ("select", False), ("drop table x", False)]
    + [
        (text, True)
        for text in ("select 1", "SELECT\n1", "with a as (select 1) select 1", "(select 1)", "-- a\nselect 1")
    ],
)
def test_a_query_is_told_from_a_name(part: str, is_query: bool) -> None:
    assert address.is_query(part) is is_query
