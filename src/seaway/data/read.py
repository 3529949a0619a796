"""Read a table from a file or a frame, as it stands: the texts of a CSV file stay texts until a contract types them."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
import pyarrow.parquet

from seaway.core.errors import BadInput, Malformed, MissingExtra
from seaway.data import delimited, ipc
from seaway.data.flat import flat
from seaway.data.rows import Table
from seaway.data.sources import address, door
from seaway.data.sources.address import Address

SIGNATURES: dict[bytes, str] = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"(\xb5/\xfd": "compressed with zstd",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    ipc.OLD: "a Feather file of version 1",
    b"\x93NUMPY": "a NumPy array",
}
"""First bytes of files that people hand over instead of a table, and what they are."""

DAMAGE = (pyarrow.ArrowException, pl.exceptions.PolarsError, OSError, MemoryError, UnicodeDecodeError)


def table(source: Any) -> Table:
    """Return the rows of a file, of an address (see `sources.address`), or of a polars, pandas or Arrow frame, not typed yet."""
    if isinstance(source, str | Path | Address):
        named = address.of(source)
        return _file(named) if isinstance(named, Path) else _all_of(named)
    if isinstance(source, Table):
        return source
    frame = _frame(source)
    return _whole(Table(flat(frame)), f"a frame of {type(source).__module__.partition('.')[0]}")


def _all_of(source: Address) -> Table:
    return _whole(Table(door.whole(source)), str(source))


def _file(path: Path) -> Table:
    address.refuse_absent(path)
    with path.open("rb") as file:
        if ipc.is_arrow(file.read(16)):
            return _whole(Table(flat(ipc.frame(path))), str(path))
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data, path)
    if not data.strip():
        raise BadInput(
            "The file is empty", where=str(path), fix="Give a file with a header line and rows.", code="empty"
        )
    if data[:4] == b"PAR1":
        return _whole(Table(flat(_parquet(data, path))), str(path))
    for signature, what in SIGNATURES.items():
        if data.startswith(signature):
            raise Malformed(f"The file is {what}, no table", where=str(path), fix="Save it as CSV, Parquet or Arrow.")
    return _whole(Table(delimited.frame(data, str(path))), str(path))


def _unzipped(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed(f"The gzip file is damaged: {error}", where=str(path), fix="Fetch or make it again.") from None


def _parquet(data: bytes, path: Path) -> pl.DataFrame:
    with whole_parquet(path):
        return pl.DataFrame(pyarrow.parquet.read_table(io.BytesIO(data)))


@contextlib.contextmanager
def whole_parquet(path: Path) -> Iterator[None]:
    """Turn what the reader raises about damaged bytes into `Malformed`: Arrow's, since polars' own panics at some of them."""
    try:
        yield
    except DAMAGE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Malformed(
            f"The Parquet file is damaged: {reason[:300]}", where=str(path), fix="Fetch or make it again."
        ) from None


def _frame(source: Any) -> pl.DataFrame:
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, list) and source and all(isinstance(row, dict) for row in source):
        return pl.DataFrame(source, infer_schema_length=None, strict=False)
    home = type(source).__module__.partition(".")[0]
    if home == "pandas" and hasattr(source, "columns"):
        return _from_pandas(source)
    if hasattr(source, "__arrow_c_stream__"):
        return pl.DataFrame(source)
    raise BadInput(
        f"A {type(source).__name__} is no table",
        where="read.table",
        fix="Give a path to a CSV or Parquet file, a polars, pandas or Arrow frame, or a list of rows.",
    )


def _from_pandas(source: Any) -> pl.DataFrame:
    names = [str(name) for name in source.columns]
    _refuse_doubles(names, "a pandas frame")
    try:
        return pl.from_pandas(source.set_axis(names, axis=1))
    except ImportError:
        raise MissingExtra(
            "pyarrow is not installed", where="reading pandas frames", fix='Run: pip install "seaway[lab]"'
        ) from None
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:  # a column of mixed objects
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"A column of the pandas frame holds values of several types: {reason}",
            where="a pandas frame",
            fix="Turn the column into one type, for example with .astype(str).",
        ) from None


def _whole(rows: Table, where: str) -> Table:
    _refuse_doubles(list(rows.names), where)
    if not rows.names:
        raise BadInput("There are no columns", where=where, fix="Give a table with columns and rows.", code="empty")
    if not len(rows):
        raise BadInput(
            "There is a header but no rows", where=where, fix="Give a file with at least one row.", code="no-rows"
        )
    return rows


def _refuse_doubles(names: list[str], where: str) -> None:
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        places = [place + 1 for place, name in enumerate(names) if name == doubles[0]]
        raise BadInput(
            f"The column name {doubles[0]!r} stands {len(places)} times",
            where=f"{where}, columns {', '.join(map(str, places))}",
            fix="Give every column a name of its own.",
            code="duplicate-column",
        )
