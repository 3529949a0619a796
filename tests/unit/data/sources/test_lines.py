"""JSON lines: strict line by line, columns from all lines, what is no row told with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput, Malformed, TooLarge
from seaway.data import read
from seaway.data.pieces import Piece
from seaway.data.sources import address, door


def written(folder: Path, text: str | bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def pieces(path: Path, rows: int = 1000) -> list[Piece]:
    found = address.of(path)
    assert isinstance(found, address.Address)
    return list(door.pieces(found, rows))


def test_cells_are_the_texts_that_a_csv_file_would_hold(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '{"a": 1, "b": {"c": 0.30000000000000004, "d": "x"}, "e": true}\n'
        "\n"
        '{"f": "ü\\n,", "a": null, "b": {}, "e": false}\r\n'
        '{"a": 5.0, "b": {"d": ""}}',
    )
    frame = read.table(path).frame
    assert frame.columns == ["a", "b.c", "b.d", "e", "f"]
    assert frame.rows() == [
        ("1", "0.30000000000000004", "x", "true", None),
        (None, None, None, "false", "ü\n,"),
        ("5.0", None, "", None, None),
    ]


def test_packed_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n'
    for path in (
        written(tmp_path, text, "a.ndjson"),
        written(tmp_path, gzip.compress(text, mtime=0), "a.jsonl.gz"),
    ):
        assert read.table(path).frame.rows() == [("1",), ("2",)]


TORN = {
    '{"a": 1, "a": 2}': r"has the key 'a' twice in one object",
    '{"b": {"c": 1, "c": 2}}': r"has the key 'c' twice in one object",
    '{"b.c": 1, "b": {"c": 2}}': r"has two values for the column 'b.c'",
    '{"a": NaN}': "is no JSON",
    '{"a": -Infinity}': "is no JSON",
    '{"a": 1e400}': "is no JSON",
    '{"a": ' + "1" * 100_000 + "}": "is no JSON",
    '{"a": "\\ud800"}': "is no JSON",
    '{"a": 1': "is no JSON",
    '{"a": 1} {"a": 2}': "is no JSON",
    "a,b": "is no JSON",
    "[1, 2]": "is no JSON object",
    "7": "is no JSON object",
    '{"a": [1]}': r"holds a list at $.a, where a cell should be",
    '{"a": {"b": {"c": 1}}}': r"holds an object inside an object at $.a.b",
    '{"": 1}': "has a key without a name",
    '{"a":' * 100_000: "nested too deep",
}


@pytest.mark.parametrize(("line", "reason"), TORN.items(), ids=[line[:24] for line in TORN])
def test_a_line_that_is_no_row_is_told_with_its_number_and_the_others_are_rows(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = written(tmp_path, f'{{"a": 0}}\n\n{line}\n{{"a": 3}}\n')
    (piece,) = pieces(path)
    (torn,) = piece.torn
    assert (torn.row, torn.line) == (1, 3)
    assert reason in torn.reason
    assert len(torn.text) <= 80
    assert line.startswith(torn.text.rstrip("\n"))
    assert piece.rows.frame.rows() == [("0",), ("3",)]
    with pytest.raises(Malformed, match="Line 3 ") as caught:
        read.table(path)
    assert caught.value.where.endswith("line 3")


def test_bytes_that_are_no_utf_8_tear_their_line_only(tmp_path: Path) -> None:
    (piece,) = pieces(written(tmp_path, b'{"a": 1}\n{"a": "\xff"}\n{"a": 2}\n'))
    assert [(torn.line, torn.reason) for torn in piece.torn] == [(2, "is no JSON: it is not UTF-8")]
    assert len(piece.rows) == 2


def test_a_line_of_any_length_costs_no_more_than_its_limit(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a": 1}\n{"a": "' + b"x" * (40 << 20) + b'"}\n{"a": 2}\n')
    (piece,) = pieces(path)
    assert [(torn.line, torn.reason) for torn in piece.torn] == [(2, "has more than 16,777,216 bytes")]
    assert len(piece.rows) == 2


def test_torn_lines_count_on_over_pieces(tmp_path: Path) -> None:
    lines = [f'{{"n": {n}}}' if n % 7 else "torn" for n in range(100)]
    found = pieces(written(tmp_path, "\n".join(lines)), rows=10)
    assert [piece.first for piece in found] == list(range(0, 100, 10))
    assert [torn.row for piece in found for torn in piece.torn] == list(range(0, 100, 7))
    assert [torn.line for piece in found for torn in piece.torn] == list(range(1, 101, 7))
    assert [row for piece in found for (row,) in piece.rows.frame.rows()] == [str(n) for n in range(100) if n % 7]


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        (b"", BadInput, "The file is empty"),
        (b"\n \n", BadInput, "The file is empty"),
        (b"a,b\n1,2\n", BadInput, "Line 1 is no JSON"),
        (b"{}\n", BadInput, "The file is empty"),
        (b'[{"a": 1},\n {"a": 2}]', Malformed, "one JSON list"),
        ("\n".join(f'{{"k{n}": 1}}' for n in range(10_001)).encode(), TooLarge, "10,000 different keys"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, text: bytes, kind: type[BadInput], what: str) -> None:
    with pytest.raises(kind, match=what) as caught:
        read.table(written(tmp_path, text))
    assert caught.value.fix
    assert caught.value.exit == 2


def test_a_damaged_gzip_file_is_said(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a": 1}\n' * 10_000, mtime=0)
    for number, bad in enumerate((packed[:-9], packed[:40] + b"\x00" * 20 + packed[60:], b"no gzip")):
        with pytest.raises(Malformed, match="The file is damaged"):
            read.table(written(tmp_path, bad, f"{number}.jsonl.gz"))


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
NAME = st.text(st.sampled_from('ab":\\{}, ü'), min_size=1).filter(lambda name: bool(name.strip()))


@given(rows=st.lists(st.dictionaries(NAME, CELL, min_size=1), min_size=1, max_size=5), escaped=st.booleans())
def test_whatever_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], escaped: bool
) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=escaped) for row in rows)
    path = written(tmp_path_factory.mktemp("lines"), text.encode("utf-8"))
    frame = read.table(path).frame
    assert frame.columns == list(dict.fromkeys(name for row in rows for name in row))
    for row, cells in zip(rows, frame.rows(named=True), strict=True):
        for name, cell in cells.items():
            value = row.get(name)
            if isinstance(value, str) or value is None:
                assert cell == value
            else:
                assert json.loads(cell) == value
