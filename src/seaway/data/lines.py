"""Delimited text piece by piece: whole records to rows, and every line that is none told with its number and the reason.

Where all is proper polars does the work. A piece that is not proper goes through the standard library's reader, strict and
record by record: a quotation mark that nothing closes costs its own line, never those behind it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from seaway.data.delimited import FIELD_LIMIT
from seaway.data.pieces import SHOWN

LONGEST = 1 << 20
"""Bytes of one record: beyond this an open quotation mark was never meant to be closed."""
QUOTE = ord('"')
REASONS = {
    "unexpected end of data": "opens a quotation mark that nothing closes",
    f"field larger than field limit ({FIELD_LIMIT})": f"has a cell of more than {FIELD_LIMIT} signs",
    "new-line character seen in unquoted field - do you need to open the file with newline=''?": "has a line end in a cell",
}
"""What the standard library's reader says, in words for people; else it found more text behind a closing mark."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a file's lines look like."""

    separator: str
    header: tuple[str, ...]

    @property
    def schema(self) -> dict[str, type[pl.String]]:
        """The columns as polars reads them."""
        return dict.fromkeys(self.header, pl.String)


@dataclass(kw_only=True)
class Lines:
    """Records of some text. `torn` holds (rows before it, lines before it, reason, text); `used` bytes were records."""

    frame: pl.DataFrame
    torn: list[tuple[int, int, str, str]] = field(default_factory=list)
    used: int = 0


def read(text: bytes, form: Form, *, is_last: bool) -> Lines:
    """Return the whole records at the beginning of `text`; what follows `used` is the beginning of the next one."""
    end = len(text) if is_last else whole(text)
    if end and (is_last or len(text) - end <= LONGEST):
        found = _swift(text[:end], form)
        if found is not None:
            return Lines(frame=found, used=end)
    elif len(text) <= LONGEST:
        return Lines(frame=pl.DataFrame(schema=form.schema))
    return _careful(text, form, is_last=is_last)


def whole(text: bytes) -> int:
    """Return where the last whole record ends: behind the last line end with an even number of quotation marks before it."""
    end = text.rfind(b"\n") + 1
    odd = text.count(b'"', 0, end) % 2
    while end and odd:
        before = text.rfind(b"\n", 0, end - 1) + 1
        odd = (odd + text.count(b'"', before, end)) % 2
        end = before
    return end


def _swift(text: bytes, form: Form) -> pl.DataFrame | None:
    """Return all records, or None where some line may be none."""
    if not text.strip(b"\r\n"):
        return pl.DataFrame(schema=form.schema) if len(form.header) > 1 else None
    try:
        text.decode()
        cells = pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            separator=form.separator,
            schema=form.schema,
            truncate_ragged_lines=False,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return None
    # polars refuses long lines and fills up short ones without a word: where the separators are as many as the rows ask
    # for, and no line has too many, none has too few.
    if len(form.header) > 1 and _separators(text, form.separator) != cells.height * (len(form.header) - 1):
        return None
    return texts(cells)


def texts(cells: pl.DataFrame) -> pl.DataFrame:
    """Return cells as texts, an empty one as the empty text, without the rows in which all of several are empty."""
    if cells.width > 1 and cells.get_column(cells.columns[-1]).null_count():
        cells = cells.filter(~pl.all_horizontal(pl.all().is_null()))
    return cells.with_columns(pl.all().fill_null(""))


def _separators(text: bytes, separator: str) -> int:
    """Count the separators outside quotation marks."""
    if b'"' not in text:
        return text.count(separator.encode())
    signs = np.frombuffer(text, dtype=np.uint8)
    outside = np.cumsum(signs == QUOTE, dtype=np.int64) & 1 == 0
    return int(np.count_nonzero((signs == ord(separator)) & outside))


class _Feed:
    """Hands lines to the standard library's reader and knows where it stands; `ended` when it asked for more than there is."""

    def __init__(self, lines: Sequence[bytes], at: int) -> None:
        self._lines, self.at, self.ended = lines, at, False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.at == len(self._lines):
            self.ended = True
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1].decode("utf-8", "surrogateescape")


def _careful(text: bytes, form: Form, *, is_last: bool) -> Lines:
    """Read record by record; a line that breaks its record is torn by itself, and the next line begins a record."""
    lines = io.BytesIO(text).readlines()
    rows: list[list[str]] = []
    torn: list[tuple[int, int, str, str]] = []
    limit = csv.field_size_limit(FIELD_LIMIT)
    feed = _Feed(lines, 0)
    reader = csv.reader(feed, delimiter=form.separator, strict=True)
    start = used = 0
    try:
        while start < len(lines):
            cells, reason = _record(reader)
            record = b"".join(lines[start : feed.at])
            if not is_last and feed.at == len(lines) and _goes_on(record, feed, len(text) - used):
                break
            if reason:  # its first line is to blame; those behind it may well be rows
                record = lines[start]
                feed = _Feed(lines, start + 1)
                reader = csv.reader(feed, delimiter=form.separator, strict=True)
            else:
                reason = _wrong(cells, record, len(form.header))
            if reason:
                torn.append((len(rows), start, reason, record[:SHOWN].decode("utf-8", "replace").rstrip("\r\n")))
            elif cells or len(form.header) == 1:
                rows.append(cells or [""])
            start, used = feed.at, used + len(record)
    finally:
        csv.field_size_limit(limit)
    frame = pl.DataFrame(rows, schema=form.schema, orient="row") if rows else pl.DataFrame(schema=form.schema)
    return Lines(frame=frame, torn=torn, used=used)


def _record(reader: Iterator[list[str]]) -> tuple[list[str], str]:
    try:
        return next(reader, []), ""
    except csv.Error as error:
        return [], REASONS.get(str(error), "goes on behind the quotation mark that closes a cell")


def _goes_on(record: bytes, feed: _Feed, left: int) -> bool:
    """Say whether the text ends within this record, so that more text may complete it."""
    return not record.endswith(b"\n") or (feed.ended and left <= LONGEST)


def _wrong(cells: list[str], record: bytes, width: int) -> str:
    """Return why the cells of a record are no row, if they are none; a line of nothing is no row and no fault."""
    if width > 1 and not any(cells) and b'"' not in record and len(cells) in (0, width):
        cells.clear()
        return ""
    if len(cells) != width and (cells or width > 1):
        return f"has {len(cells)} cells, the header has {width}"
    try:
        record.decode()
    except UnicodeDecodeError as error:
        return f"holds the byte 0x{record[error.start]:02x}, which is no UTF-8"
    return ""
