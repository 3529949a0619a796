"""A file's rows block by block: a file of any size is read in the memory of one block, with the guesses of `read.table`."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import pyarrow.parquet

from seaway.data import delimited, read
from seaway.data.rows import Table
from seaway.data.sources import address
from seaway.data.sources.address import Address
from seaway.data.sources.frames import frames

ROWS = 20_000
"""Rows of a block."""
WHOLE = 16 << 20
"""Files up to this many bytes (unpacked, at a guess) are read at once."""
UNPACKED = 20
"""How many times larger a packed table may be."""
CHUNK = 1 << 20


def blocks(source: str | Path | Address, *, rows: int = ROWS, whole: int = WHOLE) -> Iterator[Table]:
    """Yield the rows of a file or address in order, about `rows` at a time; nothing is typed yet."""
    path = address.of(source)
    if isinstance(path, Address):
        yield from _of_address(path, rows)
        return
    size = path.stat().st_size if path.is_file() else 0
    head = _head(path) if size else b""
    is_packed = head.startswith(b"\x1f\x8b")
    if size * (UNPACKED if is_packed else 1) <= whole or any(head.startswith(mark) for mark in read.SIGNATURES):
        yield from _cut(read.table(path), rows)
    elif head.startswith(b"PAR1"):
        yield from _parquet(path, rows)
    else:
        yield from _text(path, rows)


def _of_address(source: Address, rows: int) -> Iterator[Table]:
    is_empty = True
    for frame in frames(source, rows):
        if frame.height:
            is_empty = False
            yield read.table(frame)
    if is_empty:
        yield read.table(source)  # which says why that is no table


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _cut(table: Table, rows: int) -> Iterator[Table]:
    for start in range(0, len(table), rows):
        yield table.take(np.arange(start, min(start + rows, len(table))))


def _parquet(path: Path, rows: int) -> Iterator[Table]:
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(rows):
            yield read.table(pl.DataFrame(batch))


def _text(path: Path, rows: int) -> Iterator[Table]:
    """Cut between two lines outside quotation marks, and read each piece with the file's own header and separator."""
    with _opened(path) as raw, io.TextIOWrapper(raw, encoding=_encoding(path), newline="") as file:
        start = file.read(CHUNK)
        separator = delimited.guess_separator(start)
        lines = itertools.chain(io.StringIO(start + file.readline(), newline=""), file)
        header = _record(lines)
        first = 1
        while block := list(_records(lines, rows)):
            piece = delimited.frame(
                (header + "".join(block)).encode(), f"{path}, from row {first}", separator=separator
            )
            first += piece.height
            if piece.height:  # blank lines are no rows
                yield read.table(piece)
        if first == 1:
            yield read.table(path)


def _record(lines: Iterator[str]) -> str:
    """Return the next record: a line, or several where a cell holds line ends in quotation marks."""
    return next(_records(lines, 1), "")


def _records(lines: Iterator[str], count: int) -> Iterator[str]:
    marks = 0
    for line in lines:
        marks += line.count('"')
        yield line
        if marks % 2 == 0:
            count -= 1
            if not count:
                return


def _encoding(path: Path) -> str:
    """Return how the file is written; the whole file is looked at, as a sign that is no UTF-8 may stand at its end."""
    with _opened(path) as raw:
        head = raw.read(4096)
    for mark, name in delimited.MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) > len(head) // 4:
        return "utf-16-be" if head[::2].count(0) > len(head) // 8 else "utf-16-le"
    return "utf-8" if _reads(path, "utf-8") else "cp1252" if _reads(path, "cp1252") else "latin-1"


def _reads(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with _opened(path) as raw:
        try:
            while chunk := raw.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path) if _head(path).startswith(b"\x1f\x8b") else path.open("rb")


def about(source: str | Path | Address) -> int:
    """Return about how many rows a file has, from its beginning and its size; for showing how far a job is, no more."""
    path = address.of(source)
    if isinstance(path, Address) or not path.is_file():
        return 0
    if _head(path).startswith(b"PAR1"):
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    with path.open("rb") as file:
        sample = gzip.GzipFile(fileobj=file).read(CHUNK) if _head(path).startswith(b"\x1f\x8b") else file.read(CHUNK)
        return sample.count(b"\n") * path.stat().st_size // max(1, file.tell())
