"""Excel workbooks: every cell as the text that a CSV file would hold, every fault with its cell, no bomb unfolded."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput, Malformed, TooLarge
from seaway.data import read
from seaway.data.sources import address, door, package

SHEET = "xl/worksheets/sheet1.xml"


def book(path: Path, rows: Sequence[Sequence[object]], *, title: str = "Sheet1") -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    made.save(path)
    return path


def edited(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Write the archive again with one part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def rows(path: Path | str) -> list[tuple[object, ...]]:
    return read.table(path).frame.rows()


def test_cells_are_the_texts_that_a_csv_file_would_hold(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        [
            ("n", "text", "flag", "day", "moment", "clock", "mixed"),
            (1, "x", True, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5), dt.time(3, 4), "007"),
            (0.1 + 0.2 + 1, "ü\n,", False, dt.date(1999, 12, 31), dt.datetime(2024, 1, 2, 3, 4, 5, 250_000), None, 7.5),
            (),
            (None, "", None, None, dt.datetime(2024, 1, 2), None, 1e300),
            (1e-12, "#N/A", None, None, None, None, 12_345_678_901_234),
        ],
    )
    assert read.table(path).names == ["n", "text", "flag", "day", "moment", "clock", "mixed"]
    assert rows(path) == [
        ("1", "x", "true", "2024-01-02", "2024-01-02 03:04:05", "03:04:00", "007"),
        ("1.3", "ü\n,", "false", "1999-12-31", "2024-01-02 03:04:05.250000", None, "7.5"),
        (None, None, None, None, "2024-01-02", None, "1e+300"),
        ("1e-12", "#N/A", None, None, None, None, "12345678901234"),
    ]


def test_a_sheet_is_chosen_by_name_and_the_first_is_taken_without_one(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "First"  # type: ignore[union-attr]
    made["First"].append(["a"])
    made["First"].append([1])
    made.create_sheet("Sales & more").append(["b"])
    made["Sales & more"].append([2])
    made.create_sheet("Bare")
    made.save(tmp_path / "a.xlsx")
    assert read.table(tmp_path / "a.xlsx").names == ["a"]
    assert rows(f"{tmp_path}/a.xlsx#Sales & more") == [("2",)]
    with pytest.raises(BadInput, match="no sheet 'Sales'") as caught:
        read.table(f"{tmp_path}/a.xlsx#Sales")
    assert "First, Sales & more, Bare" in caught.value.fix
    with pytest.raises(BadInput, match="no columns"):
        read.table(f"{tmp_path}/a.xlsx#Bare")


def test_days_count_from_1900_with_the_day_that_never_was_or_from_1904(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [("d",), (dt.date(1900, 1, 1),), (dt.date(1900, 3, 1),)])
    assert rows(path) == [("1900-01-01",), ("1900-03-01",)]
    edited(path, "xl/workbook.xml", lambda text: text.replace(b"<workbookPr", b'<workbookPr date1904="1"', 1))
    assert rows(path) == [("1904-01-02",), ("1904-03-02",)]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yyyy-mm-dd", "2024-01-02"),
        ("[$-409]d mmm yy;@", "2024-01-02"),
        ("0.00", "45293"),
        ('0 "days"', "45293"),
        ("General", "45293"),
        ("[Red]0", "45293"),
        ("[h]:mm", "45293"),
        (r"0\d", "45293"),
        ('#,##0.00 "h"', "45293"),
        ("0.00E+00", "45293"),
    ],
)
def test_what_a_format_shows_as_a_date_is_one(tmp_path: Path, form: str, text: str) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["d"])
    sheet.append([45293])
    sheet["A2"].number_format = form
    made.save(tmp_path / "a.xlsx")
    assert rows(tmp_path / "a.xlsx") == [(text,)]


def sheet_of(cells: str) -> bytes:
    """Return a sheet's part: a header a, b and these rows."""
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
    return f"<worksheet><sheetData>{head}{cells}</sheetData></worksheet>".encode()


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        ('<row><c><v>1</v></c><c t="str"><v>x</v></c></row>', ("1", "x")),
        ('<x:row xmlns:x="u" r="9"><x:c r="B9" t="b"><x:v>1</x:v></x:c></x:row>', (None, "true")),
        ('<row r="5"><c r="A5"><f>1+1</f><v>2</v></c><c r="B5" t="str"><f>""</f><v></v></c></row>', ("2", None)),
        ('<row r="2"><c r="A2" t="e"><v>#DIV/0!</v></c></row>', ("#DIV/0!", None)),
        ('<row r="2"><c r="A2" t="d"><v>2024-01-02</v></c></row>', ("2024-01-02", None)),
        (
            (
                '<row r="2"><c r="A2" t="inlineStr"><is><r><t>x</t></r><r><t> y</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is>'
                "</c></row>"
            ),
            ("x y", None),
        ),
        ('<row r="2"><c r="A2" t="str"><v>a_x000D_b_x005F_x0041_</v></c></row>', ("a\rb_x0041_", None)),
    ],
)
def test_cells_as_other_writers_write_them(tmp_path: Path, cells: str, row: tuple[object, ...]) -> None:
    path = edited(book(tmp_path / "a.xlsx", [("a",)]), SHEET, lambda _: sheet_of(cells))
    assert rows(path) == [row]


@pytest.mark.parametrize(
    ("cells", "what", "where"),
    [
        ('<row r="2"><c r="A2"><f>1+1</f></c></row>', "formula whose value was never computed", "cell A2"),
        ('<row r="2"><c r="A2"><v>1,5</v></c></row>', "'1,5', which is no number", "cell A2"),
        ('<row r="2"><c r="A2"><v>NaN</v></c></row>', "'NaN', which is no number", "cell A2"),
        ('<row r="2"><c r="A2"><v>1e999</v></c></row>', "which is no number", "cell A2"),
        ('<row r="2"><c r="A2" t="s"><v>99</v></c></row>', "names a text that the workbook does not have", "cell A2"),
        ('<row r="2"><c r="A2" t="s"><v>-1</v></c></row>', "names a text that the workbook does not have", "cell A2"),
        ('<row r="2"><c r="XFE2"><v>1</v></c></row>', "a place that no sheet has", "2"),
        ('<row r="2"><c r="7"><v>1</v></c></row>', "a place that no sheet has", "2"),
        ('<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>2</v></c></row>', "stands twice", "cell A2"),
        ('<row r="2"><c r="C2"><v>1</v></c></row>', "Row 2 has a cell in column C, the header ends at B", "row 2"),
        ('<row r="2"><c r="A2"><v>1</v></c>', "sheet is damaged: mismatched tag", "row 2"),
    ],
)
def test_a_broken_cell_is_told_with_its_place(tmp_path: Path, cells: str, what: str, where: str) -> None:
    path = edited(book(tmp_path / "a.xlsx", [("a",)]), SHEET, lambda _: sheet_of(cells))
    with pytest.raises(Malformed, match=what) as caught:
        read.table(path)
    assert caught.value.where.endswith(where)
    assert caught.value.fix


def test_a_row_that_is_too_wide_is_torn_and_the_others_are_rows(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [("a", "b"), (1, 2), (3, 4, "x"), (), (5, 6)])
    found = address.of(path)
    assert isinstance(found, address.Address)
    (piece,) = door.pieces(found)
    assert [(torn.row, torn.line, torn.text) for torn in piece.torn] == [(1, 3, "3, 4, x")]
    assert piece.rows.frame.rows() == [("1", "2"), ("5", "6")]


def test_a_cell_at_the_far_corner_costs_nothing(tmp_path: Path) -> None:
    path = edited(
        book(tmp_path / "a.xlsx", [("a",)]),
        SHEET,
        lambda _: sheet_of('<row r="1048576"><c r="B1048576"><v>1</v></c></row>'),
    )
    assert rows(path) == [(None, "1")]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "no workbook"),
        (b"a,b\n1,2\n", "no workbook"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "old one .* or protected by a password"),
        (b"PK\x03\x04" + b"\x00" * 600, "workbook is damaged"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    with pytest.raises(Malformed, match=what):
        read.table(path)


def zipped(path: Path, parts: Sequence[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return path


def test_a_zip_that_is_no_workbook_is_said(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="no workbook"):
        read.table(zipped(tmp_path / "a.xlsx", [("a.csv", b"a\n1\n")]))


def test_a_document_type_is_refused_before_an_entity_unfolds(tmp_path: Path) -> None:
    laughs = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c SYSTEM "file:///etc/hostname">]><worksheet>&c;</worksheet>'
    for part in (SHEET, "xl/workbook.xml", "xl/styles.xml"):
        path = edited(book(tmp_path / "a.xlsx", [("a",), ("x",)]), part, lambda _: laughs)
        with pytest.raises(Malformed, match="declares a document type"):
            read.table(path)


def test_a_bomb_is_not_unfolded(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [("a",), (1,)])
    edited(path, SHEET, lambda text: text + b" " * (package.SMALL + 1))
    assert path.stat().st_size < 200_000
    with pytest.raises(TooLarge, match=r"would unfold to 0\.1 GB"):
        read.table(path)


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_states(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [("a",), (1,)])
    edited(path, SHEET, lambda text: text + b" " * 10_000_000)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo(SHEET).file_size
    patched = bytes(data).replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert patched != bytes(data)
    path.write_bytes(patched)
    with pytest.raises(Malformed, match="damaged"):
        read.table(path)


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [("a",), (1,)])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(SHEET, b"<worksheet/>")
    with pytest.raises(Malformed, match="stands in it twice"):
        read.table(path)


def test_a_relationship_names_a_part_and_never_a_file(tmp_path: Path) -> None:
    path = edited(
        book(tmp_path / "a.xlsx", [("a",), (1,)]),
        "xl/_rels/workbook.xml.rels",
        lambda text: text.replace(b"/xl/worksheets/sheet1.xml", b"../../../../etc/hostname"),
    )
    with pytest.raises(Malformed, match="it has no part 'etc/hostname'"):
        read.table(path)


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text[0] not in "=#")


@given(
    cells=st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e300, 1e300), TEXT), min_size=1
    )
)
def test_whatever_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[object]) -> None:
    path = book(
        tmp_path_factory.mktemp("excel") / "a.xlsx", [("n", "cell"), *((n, cell) for n, cell in enumerate(cells))]
    )
    for cell, (_, text) in zip(cells, rows(path), strict=True):
        if isinstance(cell, bool) or cell is None:
            assert text == (None if cell is None else str(cell).lower())
        elif isinstance(cell, int | float):
            assert float(str(text)) == float(f"{cell:.16g}"), (
                "openpyxl writes sixteen digits; every one of them is read"
            )
        else:
            assert text == cell
