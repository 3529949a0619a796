"""Reading: every kind of file and frame people hand over, and what is said of those that are no table."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from seaway.core.errors import BadInput, Malformed, NotFound
from seaway.data import read
from seaway.data.rows import Table

TEXT = "a,b\n1,x\n2,\n"


def written(folder: Path, data: bytes | str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def cells(rows: Table) -> list[tuple[object, ...]]:
    return rows.frame.rows()


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", "|"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.rstrip("\n"),
        TEXT + "\n\n",
        "\ufeff" + TEXT,
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode(), mtime=0),
        '"a","b"\n"1","x"\n"2",""\n',
        " a , b\n1,x\n2,\n",
    ],
)
def test_a_delimited_file_in_any_dress_is_the_same_table(tmp_path: Path, data: bytes | str) -> None:
    rows = read.table(written(tmp_path, data))
    assert list(rows.names) == ["a", "b"]
    assert cells(rows) == [("1", "x"), ("2", "")]


def test_single_byte_encodings_are_guessed(tmp_path: Path) -> None:
    rows = read.table(written(tmp_path, "name;preis\nMüller;5 €\n".encode("cp1252")))
    assert cells(rows) == [("Müller", "5 €")]


def test_separators_inside_quotation_marks_do_not_count(tmp_path: Path) -> None:
    rows = read.table(written(tmp_path, 'a;b\n"1,2,3,4";"x\ny"\n"5,6,7,8";"z ""q"""\n'))
    assert cells(rows) == [("1,2,3,4", "x\ny"), ("5,6,7,8", 'z "q"')]


def test_one_column_needs_no_separator(tmp_path: Path) -> None:
    assert cells(read.table(written(tmp_path, "a\n1\n2\n"))) == [("1",), ("2",)]


def test_the_nameless_first_column_of_pandas_is_the_index(tmp_path: Path) -> None:
    assert list(read.table(written(tmp_path, ",a\n0,5\n")).names) == ["index", "a"]
    assert list(read.table(written(tmp_path, ",index\n0,5\n")).names) == ["index_0", "index"]


@pytest.mark.parametrize(
    ("data", "kind", "what"),
    [
        (b"", BadInput, "The file is empty"),
        (b" \n\n", BadInput, "The file is empty"),
        (b"a,b\n", BadInput, "header but no rows"),
        (b"a,b", BadInput, "header but no rows"),
        (b"a,b,a\n1,2,3\n", BadInput, "column name 'a' stands 2 times"),
        (b"a,,b\n1,2,3\n", BadInput, "Column 2 has no name"),
        (b"a,b\n1,2\n1,2,3\n", Malformed, "Line 3 has 3 cells, the header has 2"),
        (b"a,b,c\n1,2,3\n1,2\n", Malformed, "Line 3 has 2 cells, the header has 3"),
        (b'a,b\n1,"2\n3,4\n', Malformed, "Line 4 has|no proper CSV|Line 2"),
        (b"PK\x03\x04rest of a workbook", Malformed, "Excel workbook or a ZIP"),
        (b"\x89PNG\r\n", Malformed, "an image"),
        (b"PAR1 but not really", Malformed, "Parquet file is damaged"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], Malformed, "gzip file is damaged"),
        (b"\x80\x81\x8d\x8f\x90\x9d" * 50, Malformed, "neither UTF-8 nor"),
        (b"a,b\n1,\x00\n", Malformed, "zero bytes"),
        (b"\xff\xfea", Malformed, "begins like utf-16"),
    ],
)
def test_what_is_no_table_is_said_with_the_remedy(tmp_path: Path, data: bytes, kind: type[BadInput], what: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(kind, match=what) as caught:
        read.table(path)
    assert str(path) in caught.value.where
    assert caught.value.fix
    assert caught.value.exit == 2


def test_a_file_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, TEXT, "loans.csv")
    with pytest.raises(NotFound, match=r"no file 'loan\.csv'") as caught:
        read.table(tmp_path / "loan.csv")
    assert "loans.csv" in caught.value.fix


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": [0.5, 1.0], "c": [True, None], "d": ["x", None]})
    frame.write_parquet(tmp_path / "t.parquet")
    rows = read.table(str(tmp_path / "t.parquet"))
    assert rows.frame.equals(frame)


FRAME = pl.DataFrame({"n": [1.5, None], "s": ["x", None], "i": [1, 2]})


@pytest.mark.parametrize(
    "source",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_pandas(),
        FRAME.to_arrow(),
        FRAME.to_dicts(),
        FRAME.with_columns(pl.col("s").cast(pl.Categorical)),
        pd.DataFrame({"n": [1.5, None], "s": pd.Categorical(["x", None]), "i": [1, 2]}),
        Table(FRAME),
    ],
    ids=["polars", "lazy", "pandas", "arrow", "records", "categorical", "pandas categorical", "rows"],
)
def test_frames_of_any_make_are_the_same_table(source: object) -> None:
    rows = read.table(source)
    assert cells(rows) == [(1.5, "x", 1), (None, None, 2)]


def test_pandas_names_become_texts_and_doubles_are_refused() -> None:
    assert list(read.table(pd.DataFrame({0: [1], 1: [2]})).names) == ["0", "1"]
    with pytest.raises(BadInput, match="column name 'a' stands 2 times"):
        read.table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_times_with_a_zone_are_taken_to_utc() -> None:
    zoned = pd.DataFrame({"t": pd.to_datetime(["2024-06-01T12:00:00+02:00"])})
    values, _ = read.table(zoned).column("t")
    assert values[0] == np.datetime64("2024-06-01T10:00:00")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (5, "A int is no table"),
        ([1, 2], "A list is no table"),
        (pl.DataFrame({"a": []}), "header but no rows"),
        (pl.DataFrame(), "no columns"),
        (pl.DataFrame({"a": [[1]]}), "Column 'a' holds List"),
        (pa.table({"a": pa.array([b"x"], pa.binary())}), "Column 'a' holds Binary"),
        (pd.DataFrame({"a": [1, "x", object()]}), "values of several types|holds Object"),
    ],
)
def test_what_is_no_frame_is_refused(source: object, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        read.table(source)
