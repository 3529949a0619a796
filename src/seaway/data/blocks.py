"""A file's rows piece by piece: a file of any size is read in the memory of one piece, with the guesses of `read.table`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet

from seaway.core.errors import BadInput, Malformed
from seaway.data import delimited, ipc, lines, read, stream
from seaway.data.lines import Form
from seaway.data.pieces import Piece, Torn
from seaway.data.rows import Table
from seaway.data.sources import address, door
from seaway.data.sources.address import Address

ROWS = 100_000
"""Rows of a piece at most; it is also bound in bytes, so that wide rows come in fewer."""
WHOLE = 16 << 20
"""Files up to this many bytes (unpacked, at a guess) are read at once."""
UNPACKED = 20
"""How many times larger a packed table may be."""
BEGINNING = 1 << 16
"""Bytes that the guess of the separator looks at."""
LINE = 64 << 20
"""Bytes that one line may have."""


def blocks(source: str | Path | Address, *, rows: int = ROWS, whole: int = WHOLE) -> Iterator[Table]:
    """Yield the rows of a file or address in order, up to `rows` at a time; a line that is no row raises `Malformed`."""
    named = address.of(source)
    if is_small(named, whole):
        yield from _cut(read.table(named), rows)
        return
    for piece in pieces(named, rows=rows):
        for torn in piece.torn:
            raise refusal(torn, named)
        if len(piece.rows):
            yield piece.rows


def pieces(source: str | Path | Address, *, rows: int = ROWS, chunk: int = stream.CHUNK) -> Iterator[Piece]:
    """Yield the rows of a file or address in order, and beside them what is no row; nothing is typed yet."""
    named = address.of(source)
    done = 0
    for piece in door.pieces(named, rows) if isinstance(named, Address) else _of_file(named, rows, chunk):
        done += len(piece)
        yield piece
    if not done:
        raise BadInput(
            "There is a header but no rows", where=str(named), fix="Give a file with at least one row.", code="no-rows"
        )


def refusal(torn: Torn, source: Path | Address) -> Malformed:
    """Return a line that is no row as an error, for who needs all of them."""
    if isinstance(source, Address):
        return door.refusal(torn, source)
    return Malformed(
        f"Line {torn.line} {torn.reason}",
        where=f"{source}, line {torn.line}",
        fix="Correct the line; a cell that holds a separator or a quotation mark stands in quotation marks.",
        code="ragged",
    )


def is_small(source: Path | Address, whole: int = WHOLE) -> bool:
    """Say whether a file is read at once: it has few bytes, or is no table. An address tells nothing beforehand."""
    if isinstance(source, Address):
        return False
    path = source
    size = path.stat().st_size if path.is_file() else 0
    head = _head(path) if size else b""
    is_packed = head.startswith(b"\x1f\x8b")
    return size * (UNPACKED if is_packed else 1) <= whole or any(head.startswith(mark) for mark in read.SIGNATURES)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _of_file(path: Path, rows: int, chunk: int) -> Iterator[Piece]:
    head = _head(path) if path.is_file() else b""
    if not head or any(head.startswith(mark) for mark in read.SIGNATURES):
        read.table(path)  # says what the file is instead, or that it is not there
    if ipc.is_arrow(head):
        return _arrow(path, rows)
    return _parquet(path, rows) if head.startswith(b"PAR1") else _text(path, rows, chunk)


def _cut(table: Table, rows: int) -> Iterator[Table]:
    for start in range(0, len(table), rows):
        yield table.take(np.arange(start, min(start + rows, len(table))))


def _parquet(path: Path, rows: int) -> Iterator[Piece]:
    done = 0
    with read.whole_parquet(path), pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(rows):
            if batch.num_rows:
                yield Piece(rows=read.table(pl.DataFrame(batch)), first=done)
            done += batch.num_rows


def _arrow(path: Path, rows: int) -> Iterator[Piece]:
    done = 0
    for frame in ipc.frames(path):
        for start in range(0, frame.height, rows):
            piece = read.table(frame[start : start + rows])
            yield Piece(rows=piece, first=done)
            done += len(piece)


def form(text: bytes, where: str) -> tuple[Form, int, int]:
    """Return what the lines of a file look like, and how many bytes and lines its header takes, by its beginning."""
    beginning = text[: max(BEGINNING, text.find(b"\n", BEGINNING) + 1)].decode("utf-8", "replace")
    separator = delimited.guess_separator(beginning)
    header = delimited.header(beginning, separator, where)
    last, _ = next(delimited.records(beginning, separator))
    end = 0
    for _ in range(last):
        end = text.find(b"\n", end) + 1 or len(text)
    return Form(separator=separator, header=tuple(header)), end, last


def _text(path: Path, rows: int, chunk: int) -> Iterator[Piece]:
    """Cut between two records and read each piece with the file's own header and separator."""
    texts = stream.chunks(path, size=chunk)
    held = next(texts)
    while len(held) < BEGINNING and (more := next(texts, None)) is not None:
        held += more
    shape, start, line = form(held, str(path))
    held, row, is_last = held[start:], 0, False
    while not is_last or held:
        more = next(texts, None)
        is_last = more is None
        found = lines.read(held, shape, is_last=is_last)
        yield from _pieces(found, row, line, rows)
        row += found.frame.height + len(found.torn)
        line += held.count(b"\n", 0, found.used)
        held = held[found.used :] + (more or b"")
        if len(held) > LINE + chunk:
            raise Malformed(
                f"Line {line + 1} has more than {LINE} bytes", where=f"{path}, line {line + 1}", fix="Correct the line."
            )


def _pieces(found: lines.Lines, row: int, line: int, rows: int) -> Iterator[Piece]:
    """Cut what was read together into pieces of so many rows, each with the torn lines that stand among its rows."""
    torn = [
        (before, Torn(row=row + before + place, line=line + lines_before + 1, reason=reason, text=text))
        for place, (before, lines_before, reason, text) in enumerate(found.torn)
    ]
    height = found.frame.height
    for start in range(0, max(height, 1), rows):
        end = min(start + rows, height)
        own = [one for before, one in torn if start <= before < end or (before == end == height)]
        if end > start or own:
            first = row + start + sum(before < start for before, _ in torn)
            yield Piece(rows=Table(found.frame[start:end]), first=first, torn=tuple(own))


def about(source: str | Path | Address) -> int:
    """Return about how many rows a file has, from its beginning and its size; for showing how far a job is, no more."""
    path = address.of(source)
    if isinstance(path, Address) or not path.is_file():
        return 0
    head = _head(path)
    if ipc.is_arrow(head):
        return 0
    if head.startswith(b"PAR1"):
        with read.whole_parquet(path):
            return int(pyarrow.parquet.read_metadata(path).num_rows)
    with path.open("rb") as file, stream.opened(path) as text:
        if not stream.is_packed(path):
            sample = file.read(1 << 20)
            return sample.count(b"\n") * path.stat().st_size // max(1, len(sample))
        sample = text.read(1 << 20)
        raw = getattr(text, "fileobj", None)
        used = raw.tell() if raw is not None else 1
        return sample.count(b"\n") * path.stat().st_size // max(1, used)
