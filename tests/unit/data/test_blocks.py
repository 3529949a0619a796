from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput, Malformed, NotFound
from seaway.data import read
from seaway.data.blocks import about, blocks
from seaway.data.stream import CHUNK

CELL = st.text(st.sampled_from('ab1 ,;"\n\r\té€ü|'), max_size=6)


def _together(path: Path, rows: int = 3, whole: int = 0) -> polars.DataFrame:
    return polars.concat([block.frame for block in blocks(path, rows=rows, whole=whole)])


@given(
    table=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=30),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
def test_blocks_put_together_are_the_table(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str, str]],
    separator: str,
    encoding: str,
    ends: str,
    packed: bool,
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "table.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second", "third"), *table])
    data = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    expected = read.table(path).frame
    found = _together(path)
    assert found.equals(expected)


def test_a_late_sign_that_is_no_utf8_changes_the_reading_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"name,n\n" + b"plain,1\n" * 300_000 + "Bür€,2\n".encode("cp1252"))
    found = _together(path, rows=50_000)
    assert found.row(-1) == ("Bür€", "2")
    assert found.height == 300_001


def test_parquet_comes_in_blocks(tmp_path: Path) -> None:
    frame = polars.DataFrame({"n": range(1000), "t": [f"t{n}" for n in range(1000)]})
    frame.write_parquet(tmp_path / "table.parquet")
    pieces = [block.frame for block in blocks(tmp_path / "table.parquet", rows=300, whole=0)]
    assert max(piece.height for piece in pieces) <= 300
    assert polars.concat(pieces).equals(frame)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 10 + "1,2,3\n")
    with pytest.raises(Malformed, match=r"Line 12 has 3 cells, the header has 2"):
        _together(path)


@pytest.mark.parametrize(("data", "said"), [(b"", "empty"), (b"a,b\n", "no rows"), (b"a,b\n\n\n", "no rows")])
@pytest.mark.parametrize("whole", [0, 1 << 20])
def test_a_file_without_rows_says_so(tmp_path: Path, data: bytes, said: str, whole: int) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=said):
        _together(path, whole=whole)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        _together(tmp_path / "nowhere.csv")


def test_memory_holds_one_block(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "some text,another text\n" * 3_000_000)
    tracemalloc.start()
    count = sum(len(block) for block in blocks(path, rows=2000, whole=0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 3_000_000
    assert peak < 6 * CHUNK < path.stat().st_size


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet"])
def test_the_number_of_rows_is_known_roughly_beforehand(tmp_path: Path, name: str) -> None:
    frame = polars.DataFrame({"n": range(300_000)})
    text = frame.write_csv().encode()
    if name.endswith("parquet"):
        frame.write_parquet(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert about(tmp_path / name) == pytest.approx(300_000, rel=0.3)
