"""Delimited text (CSV and its kin): guess encoding and separator, then hold the file to what was guessed."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from seaway.core.errors import BadInput, Malformed

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SEPARATORS = (",", ";", "\t", "|")
FIELD_LIMIT = 1 << 24
"""Characters one cell may have."""


def frame(data: bytes, where: str, *, separator: str = "") -> pl.DataFrame:
    """Return a delimited file's cells as texts, one row per line; an empty cell is the empty text.

    `separator` is guessed where it is not known already.
    """
    text = decoded(data, where)
    if "\n" not in text:
        text = text.replace("\r", "\n")  # line ends of old Macintosh files
    separator = separator or guess_separator(text)
    names = header(text, separator, where)
    try:
        cells = pl.read_csv(
            io.BytesIO(text.encode()), separator=separator, infer_schema=False, truncate_ragged_lines=False
        )
    except pl.exceptions.NoDataError:
        raise BadInput("The file is empty", where=where, fix="Give a file with a header line and rows.") from None
    except pl.exceptions.PolarsError as error:
        raise _ragged(text, separator, len(names), where, str(error)) from None
    cells.columns = names
    if cells.width > 1 and cells.height and cells.get_column(names[-1]).null_count():
        # polars fills up short lines without a word; the header's width is a promise that every line has to keep.
        _refuse_short_lines(text, separator, len(names), where)
        cells = cells.filter(~pl.all_horizontal(pl.all().is_null()))
    return cells.with_columns(pl.all().fill_null(""))


def decoded(data: bytes, where: str) -> str:
    """Return the text of a file: UTF-8, UTF-16, else Windows-1252, which all Western single-byte files are near to."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return _strict(data, name, where)
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        evens = head[::2].count(0)
        return _strict(data, "utf-16-be" if evens > len(head) // 8 else "utf-16-le", where)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _single_byte(data, where)
    if "\x00" in text[:4096]:
        raise Malformed(
            "The file holds zero bytes, so it is no text",
            where=f"{where}, byte {data.index(0)}",
            fix="Save the table as CSV in UTF-8, or as Parquet.",
        )
    return text


def _single_byte(data: bytes, where: str) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    # Bytes with no meaning in Windows-1252 are control signs in Latin-1: many of them mean that this is no text.
    controls = sum(1 for sign in text if "\x80" <= sign <= "\x9f" or (sign < " " and sign not in "\r\n\t"))
    if controls > len(text) // 100:
        raise Malformed(
            "The file is neither UTF-8 nor any other text encoding Seaway knows",
            where=where,
            fix="Save the table as CSV in UTF-8, or as Parquet.",
        )
    return text


def _strict(data: bytes, encoding: str, where: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The file begins like {encoding} but is not: {error.reason}",
            where=f"{where}, byte {error.start}",
            fix="Save the table as CSV in UTF-8.",
        ) from None


def guess_separator(text: str) -> str:
    """Return the separator that cuts the first lines into the same number of cells, the most cells first."""
    sample = text[:65_536]
    lines = sample.splitlines()
    whole = lines[:100] if len(text) <= len(sample) or len(lines) > 100 else lines[:-1]
    best, most = ",", (0, 0)
    for separator in SEPARATORS:
        try:
            widths = [len(record) for record in csv.reader(whole, delimiter=separator) if record]
        except csv.Error:
            continue
        if not widths:
            continue
        width, agreeing = Counter(widths).most_common(1)[0]
        if width > 1 and (agreeing * 10 // len(widths), width) > most:
            best, most = separator, (agreeing * 10 // len(widths), width)
    return best


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) by the standard library's reader: slower than polars, and it knows its line."""
    limit = csv.field_size_limit()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        csv.field_size_limit(FIELD_LIMIT)
        for cells in reader:
            yield reader.line_num, cells
    finally:
        csv.field_size_limit(limit)


def header(text: str, separator: str, where: str) -> list[str]:
    """Return the names of the columns; raises `BadInput` where one has none or two have the same."""
    _, names = next(records(text, separator), (0, []))
    return named(names, f"{where}, line 1")


def named(names: Sequence[str], where: str) -> list[str]:
    """Return the names of columns as a header line gives them; raises `BadInput` where one is missing or stands twice."""
    names = [name.strip() for name in names]
    nameless = [place for place, name in enumerate(names) if not name]
    if nameless == [0] and len(names) > 1:
        names[0] = "index"  # what pandas and R write before a table's first column
        if "index" in names[1:]:
            names[0] = "index_0"
    elif nameless:
        raise BadInput(
            f"Column {nameless[0] + 1} has no name",
            where=where,
            fix="Write a name for every column into the header line.",
            code="nameless-column",
        )
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        places = [str(place + 1) for place, name in enumerate(names) if name == doubles[0]]
        raise BadInput(
            f"The column name {doubles[0]!r} stands {len(places)} times",
            where=f"{where}, columns {', '.join(places)}",
            fix="Give every column a name of its own.",
            code="duplicate-column",
        )
    return names


def _refuse_short_lines(text: str, separator: str, width: int, where: str) -> None:
    for line, cells in records(text, separator):
        if cells and len(cells) != width:
            raise _ragged(text, separator, width, where, f"line {line}")


def _ragged(text: str, separator: str, width: int, where: str, reason: str) -> Malformed:
    for line, cells in records(text, separator):
        if cells and len(cells) != width:
            return Malformed(
                f"Line {line} has {len(cells)} cells, the header has {width}",
                where=f"{where}, line {line}",
                fix=f"Correct the line; a cell that holds {separator!r} or a quotation mark stands in quotation marks.",
                code="ragged",
            )
    return Malformed(
        f"The file is no proper CSV: {reason.strip().splitlines()[-1]}",
        where=where,
        fix="Look for an unclosed quotation mark, or save the table as Parquet.",
    )
