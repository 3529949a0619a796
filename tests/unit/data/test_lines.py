"""Lines that are no rows are told with their number, and cost no other line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import Malformed
from seaway.data import lines
from seaway.data.blocks import blocks, pieces
from seaway.data.lines import Form

FORM = Form(separator=",", header=("a", "b", "c"))
GOOD = st.sampled_from(["1,2,3", "x,,", '"q, r",2,"two\nlines"', '5" pipe,b,c', '"say ""so""",2,3', "é,ü,€"])
TORN = st.sampled_from(["1,2", "1,2,3,4", '"q"x,2,3', "alone"])


@pytest.mark.parametrize(
    ("text", "rows", "torn"),
    [
        ("1,2,3\n1,2\n4,5,6\n", ["1", "4"], [(1, 1, "has 2 cells, the header has 3")]),
        ("1,2,3,4\n\n4,5,6", ["4"], [(0, 0, "has 4 cells, the header has 3")]),
        ('1,"open,2\n3,3,3\n4,4,4\n', ["3", "4"], [(0, 0, "opens a quotation mark that nothing closes")]),
        ('1,"x"y,3\n2,2,2\n', ["2"], [(0, 0, "goes on behind the quotation mark that closes a cell")]),
        ('1,"x\ny\n2,"b",3\n4,4,4\n', ["2", "4"], [(0, 0, "goes on behind"), (0, 1, "has 1 cells")]),
    ],
)
def test_a_torn_line_is_told_and_the_others_stay(text: str, rows: list[str], torn: list[tuple[int, int, str]]) -> None:
    found = lines.read(text.encode(), FORM, is_last=True)
    assert found.frame["a"].to_list() == rows
    assert found.used == len(text.encode())
    for (before, line, reason, _), wanted in zip(found.torn, torn, strict=True):
        assert (before, line) == wanted[:2]
        assert reason.startswith(wanted[2])


def test_bytes_that_are_no_utf8_cost_their_own_line() -> None:
    found = lines.read(b"1,2,3\n1,\xfc,3\n4,5,6\n", FORM, is_last=True)
    assert found.frame["a"].to_list() == ["1", "4"]
    assert found.torn[0][2] == "holds the byte 0xfc, which is no UTF-8"


@given(
    records=st.lists(st.one_of(GOOD.map(lambda text: (text, True)), TORN.map(lambda text: (text, False))), max_size=30),
    chunk=st.integers(40, 400),
    rows=st.integers(1, 9),
)
def test_no_record_is_lost_however_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, bool]], chunk: int, rows: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "table.csv"
    path.write_text(
        "".join(f"{text}\n" for text in ["a,b,c", *(text for text, _ in records), "9,9,9"]), encoding="utf-8"
    )
    found = list(pieces(path, rows=rows, chunk=chunk))
    good = [number for number, (_, is_good) in enumerate([*records, ("", True)]) if is_good]
    assert sum(len(piece.rows) for piece in found) == len(good)
    numbers = [int(number) for piece in found for number in piece.numbers]
    told = [torn.row for piece in found for torn in piece.torn]
    assert numbers == good
    assert sorted(numbers + told) == list(range(len(records) + 1))
    line = 2
    at = {}
    for number, (text, _) in enumerate(records):
        at[number] = line
        line += text.count("\n") + 1
    assert {torn.row: torn.line for piece in found for torn in piece.torn} == {row: at[row] for row in told}


def test_who_needs_every_row_is_told_the_first_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n1\n")
    with pytest.raises(Malformed, match="Line 3 has 1 cells, the header has 2"):
        list(blocks(path, whole=0))


def test_rows_of_pieces_are_those_of_the_frame(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [str(number) for number in range(1000)], "b": ["x"] * 1000})
    frame.write_csv(tmp_path / "table.csv")
    found = list(pieces(tmp_path / "table.csv", rows=130, chunk=500))
    assert pl.concat([piece.rows.frame for piece in found]).equals(frame)
    assert [piece.first for piece in found][:2] == [0, found[0].rows.frame.height]
