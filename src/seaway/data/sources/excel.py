"""A sheet of an Excel workbook (.xlsx, .xlsm), row by row: every cell as the text that a CSV file would hold.

A workbook is a ZIP archive of XML parts (ECMA-376, Office Open XML). The parts are read as they stand, in the memory of a
block and of the texts that cells share, for three reasons: a number keeps all its digits (fastexcel 0.21 writes nine decimals
where a column also holds text), a cell at the far corner of an empty sheet costs nothing, and every fault has its cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from xml.parsers import expat

from seaway.core.errors import BadInput, Malformed, TooLarge
from seaway.data import delimited
from seaway.data.pieces import Piece
from seaway.data.sources.address import Address
from seaway.data.sources.package import Package, local, parser
from seaway.data.sources.texts import Gathering

COLUMNS = 16_384
"""Columns that a sheet has at most."""
SHARED = 1 << 28
"""Characters that the shared texts of a workbook may have together."""
DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show a serial number as a date or time (ECMA-376, 18.8.30)."""
QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
"""What a number format shows literally, its colours and its conditions."""
ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
DAY_MS = 86_400_000


def pieces(address: Address, rows: int) -> Iterator[Piece]:
    """Yield the rows of a sheet as texts. The first row that is not empty names the columns; empty rows are none."""
    assert address.path is not None
    with Package(address.path) as package:
        lines = _rows(package, address)
        at, first = next(lines, (1, []))
        header = delimited.named([text or "" for text in first], f"{address}, row {at}")
        gathering = Gathering(header, rows)
        for at, cells in lines:
            if len(cells) > len(header):
                beyond, last = _letters(len(cells) - 1), _letters(len(header) - 1)
                gathering.tear(at, f"has a cell in column {beyond}, the header ends at {last}", _shown(cells))
            else:
                gathering.add(cells + [None] * (len(header) - len(cells)))
            yield from gathering.full()
        yield from gathering.rest()


def _shown(cells: Sequence[str | None]) -> str:
    return ", ".join(cell or "" for cell in cells)


def _rows(package: Package, address: Address) -> Iterator[tuple[int, list[str | None]]]:
    """Yield (number of the row, its cells up to the last that holds something) of the rows that hold anything."""
    book = package.target("", "officeDocument")
    sheets, is_1904 = _book(package, book)
    sheet = address.part or next(iter(sheets), "")
    if sheet not in sheets:
        raise BadInput(
            f"The workbook has no sheet {sheet!r}",
            where=str(address),
            fix=f"Its sheets are: {', '.join(list(sheets)[:30])}. Write FILE.xlsx#SHEET.",
            code="no-sheet",
        )
    related = package.related(book)
    shared = [path for kind, path in related.values() if kind == "sharedStrings"]
    styles = [path for kind, path in related.values() if kind == "styles"]
    part = related.get(sheets[sheet], ("", ""))[1]
    reader = _Sheet(
        shared=_shared(package, shared[0]) if shared else [],
        dates=_date_styles(package, styles[0]) if styles else frozenset(),
        is_1904=is_1904,
        where=str(address),
    )
    for chunk in package.chunks(part):
        yield from reader.read(chunk)
    yield from reader.read(b"")


def _book(package: Package, part: str) -> tuple[dict[str, str], bool]:
    """Return the sheets (name to relationship) in their order, and whether days count from 1904."""
    sheets: dict[str, str] = {}
    is_1904 = False

    def start(name: str, given: Mapping[str, str]) -> None:
        nonlocal is_1904
        if local(name) == "sheet":
            ids = [value for key, value in given.items() if local(key) == "id" and ":" in key]
            sheets[given.get("name", "")] = ids[0] if ids else ""
        elif local(name) == "workbookPr":
            is_1904 = given.get("date1904", "") in ("1", "true")

    package.parse(part, start)
    return sheets, is_1904


def _shared(package: Package, part: str) -> list[str]:
    """Return the texts that cells name by their place."""
    texts: list[str] = []
    pieces: list[str] = []
    length = phonetic = 0
    is_text = False

    def start(name: str, _: Mapping[str, str]) -> None:
        nonlocal is_text, phonetic
        name = local(name)
        is_text = name == "t" and not phonetic
        phonetic += name == "rPh"

    def end(name: str) -> None:
        nonlocal is_text, phonetic, length
        name = local(name)
        is_text = False
        phonetic -= name == "rPh"
        if name == "si":
            texts.append(_unescaped("".join(pieces)))
            length += len(texts[-1])
            pieces.clear()
            if length > SHARED:
                raise TooLarge(
                    f"The workbook's texts have more than {SHARED:,} characters",
                    where=str(package.path),
                    fix="Save the sheet as CSV or Parquet.",
                )

    def text(data: str) -> None:
        if is_text:
            pieces.append(data)

    package.parse(part, start, end, text)
    return texts


def _date_styles(package: Package, part: str) -> frozenset[int]:
    """Return the cell styles that show a number as a date or time."""
    formats: dict[int, str] = {}
    styles: list[int] = []
    is_cell = False

    def start(name: str, given: Mapping[str, str]) -> None:
        nonlocal is_cell
        name = local(name)
        if name == "numFmt":
            formats[_number(given.get("numFmtId", ""))] = given.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs"):
            is_cell = name == "cellXfs"
        elif name == "xf" and is_cell:
            styles.append(_number(given.get("numFmtId", "0")))

    def end(name: str) -> None:
        nonlocal is_cell
        is_cell = is_cell and local(name) != "cellXfs"

    package.parse(part, start, end)
    return frozenset(
        place for place, form in enumerate(styles) if (_is_date(formats[form]) if form in formats else form in DATES)
    )


def _is_date(form: str) -> bool:
    shown = QUOTED.sub("", form.partition(";")[0])
    return (
        not ELAPSED.search(shown) and any(sign in shown.lower() for sign in "ymdhs") and "general" not in shown.lower()
    )


class _Sheet:
    """Takes the bytes of a sheet's part and gives its rows as they are whole."""

    def __init__(self, *, shared: Sequence[str], dates: frozenset[int], is_1904: bool, where: str) -> None:
        self._shared, self._dates, self._is_1904, self._where = shared, dates, is_1904, where
        self._parser = parser(self._start, self._end, self._text)
        self._done: list[tuple[int, list[str | None]]] = []
        self._row: list[str | None] = []
        self._number = 0
        self._column = -1
        self._kind, self._style = "n", 0
        self._pieces: list[str] = []
        self._is_value = self._has_formula = False

    def read(self, chunk: bytes) -> list[tuple[int, list[str | None]]]:
        """Return the rows that end in these bytes; none are the end."""
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise Malformed(
                f"The sheet is damaged: {expat.ErrorString(error.code)}",
                where=f"{self._where}, about row {self._number}",
                fix="Open it and save it again.",
            ) from None
        done, self._done = self._done, []
        return done

    def _start(self, name: str, given: Mapping[str, str]) -> None:
        name = local(name)
        if name == "c":
            reference = given.get("r", "")
            self._column = _column(reference) if reference else self._column + 1
            self._kind, self._style = given.get("t", "n"), _number(given.get("s", "0"))
            self._has_formula = False
            if not 0 <= self._column < COLUMNS:
                raise self._fault("has a place that no sheet has")
        elif name == "v" or name == "t":
            self._is_value = True
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._row, self._column = [], -1
            self._number = _number(given.get("r", "")) if "r" in given else self._number + 1
        elif name == "rPh":
            self._kind = "phonetic"

    def _end(self, name: str) -> None:
        name = local(name)
        if name == "v" or name == "t":
            self._is_value = False
        elif name == "c":
            self._close_cell()
        elif name == "row" and self._row:
            self._done.append((self._number, self._row))

    def _text(self, data: str) -> None:
        if self._is_value and self._kind != "phonetic":
            self._pieces.append(data)

    def _close_cell(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        value = self._value(text) if text else None
        if value is None:
            if self._has_formula and not text and self._kind != "str":
                raise self._fault("holds a formula whose value was never computed")
            return
        if self._column < len(self._row):
            raise self._fault("stands twice, or before the cell to its left")
        self._row += [None] * (self._column - len(self._row))
        self._row.append(value)

    def _value(self, text: str) -> str | None:
        """Write a cell as CSV has it: numbers by their shortest digits, dates as ISO 8601, texts and errors as they are."""
        kind = self._kind
        if kind == "s":
            place = _number(text)
            if not 0 <= place < len(self._shared):
                raise self._fault("names a text that the workbook does not have")
            return self._shared[place] or None
        if kind in ("str", "inlineStr", "phonetic"):
            return _unescaped(text)
        if kind == "b":
            return "true" if text.strip() == "1" else "false"
        if kind in ("e", "d"):
            return text
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._fault(f"holds {text[:40]!r}, which is no number")
        return (self._moment(number) if self._style in self._dates else None) or _plain(number)

    def _moment(self, serial: float) -> str | None:
        """Return the date or time of a serial number: days since 1900 with the 29th of February that never was, or since 1904."""
        if not 0 <= serial < 2_958_466:  # the end of the year 9999
            return None
        if self._is_1904:
            start = datetime(1904, 1, 1, tzinfo=UTC)
        else:
            start = datetime(1899, 12, 30 if serial >= 60 else 31, tzinfo=UTC)
        at = start + timedelta(milliseconds=round(serial * DAY_MS))
        if serial < 1:
            return at.time().isoformat()
        return at.date().isoformat() if serial == math.floor(serial) else at.replace(tzinfo=None).isoformat(sep=" ")

    def _fault(self, what: str) -> Malformed:
        return Malformed(
            f"The cell {what}",
            where=f"{self._where}, cell {_letters(max(0, self._column))}{self._number}",
            fix="Open the workbook, correct the cell and save it again.",
        )


def _plain(number: float) -> str:
    return str(int(number)) if number == math.floor(number) and abs(number) < 1e15 else repr(number)


def _unescaped(text: str) -> str:
    """Return a text without the escapes of signs that XML cannot hold."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def _column(reference: str) -> int:
    """Return the place of a cell's column, counted from 0; -1 where the reference is none."""
    place = 0
    for sign in reference[:3]:
        if not "A" <= sign <= "Z":
            break
        place = place * 26 + ord(sign) - 64
    return place - 1


def _letters(place: int) -> str:
    text = ""
    while place >= 0:
        text = chr(65 + place % 26) + text
        place = place // 26 - 1
    return text
