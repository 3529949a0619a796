"""Tables of results written block by block, as CSV, JSON lines, Parquet or Arrow by the file's suffix, whole or not at all.

Memory holds one block. The file grows under a temporary name beside its place and takes its own name once it is durable.
Numbers are written so that they read back bit-equal.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import polars
import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from seaway.core import durable
from seaway.core.batch import Array
from seaway.core.errors import BadInput, Unavailable
from seaway.data.sources import address
from seaway.data.sources.address import Address

Kind = Literal["text", "number", "integer"]
TYPES: Mapping[Kind, Any] = {"text": polars.String, "number": polars.Float64, "integer": polars.Int64}


class Sink(Protocol):
    """A file being written."""

    def write(self, block: Mapping[str, Sequence[Any] | Array]) -> None:
        """Append rows: one sequence per column, all of one length; None is an empty cell."""
        ...


def refuse_unwritable(target: Path, *, source: str | Path | Address = "") -> None:
    """Raise `BadInput` before any work is done for a file that could not be written at the end of it."""
    if target.suffix.lower() not in SINKS:
        raise BadInput(
            f"The form of {target.name} is not known by its suffix",
            where=str(target),
            fix=f"Name the file with one of {', '.join(SINKS)}.",
        )
    if not target.parent.is_dir():
        raise BadInput(
            f"There is no folder {target.parent}", where=str(target), fix="Make the folder, or choose another."
        )
    if target.is_dir():
        raise BadInput(f"{target} is a folder", where=str(target), fix="Name a file in it.")
    named = address.of(source)
    read = named.path if isinstance(named, Address) else named
    if read is not None and target.exists() and read.exists() and target.samefile(read):
        raise BadInput(
            f"{target.name} is the file that is read", where=str(target), fix="Write the answers to another file."
        )


@contextlib.contextmanager
def table(target: Path, columns: Mapping[str, Kind]) -> Iterator[Sink]:
    """Give a sink for rows with these columns; after the block the file is there, after an error nothing is.

    A file that stood in its place is replaced at the end, in one step.
    """
    refuse_unwritable(target)
    schema = {name: TYPES[kind] for name, kind in columns.items()}
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with _telling(target):
        file = temporary.open("wb")
    try:
        with _telling(target):
            sink = SINKS[target.suffix.lower()](file, target, schema)
        yield sink
        with _telling(target):
            sink.close()
            file.flush()
            os.fsync(file.fileno())
            temporary.rename(target)
            durable.sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):  # closing flushes once more what could not be flushed, and was told already
            file.close()
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _telling(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The file cannot be written: {error.strerror or error}",
            where=str(target),
            fix="Free some space or choose another folder; nothing was left half-written.",
        ) from error


class _Text:
    """Rows as lines; the first one names the columns."""

    def __init__(self, file: BinaryIO, target: Path, schema: Mapping[str, Any]) -> None:
        self._file, self._target, self._schema = file, target, dict(schema)
        self._separator = "\t" if target.suffix.lower() == ".tsv" else ","
        self._append(polars.DataFrame(schema=self._schema), header=True)

    def write(self, block: Mapping[str, Sequence[Any] | Array]) -> None:
        with _telling(self._target):
            self._append(polars.DataFrame(dict(block), schema=self._schema), header=False)

    def close(self) -> None:
        """Nothing stands behind the last line."""

    def _append(self, frame: polars.DataFrame, *, header: bool) -> None:
        self._file.write(frame.write_csv(include_header=header, separator=self._separator).encode())


class _Parquet:
    """Rows as row groups, described at the end of the file."""

    def __init__(self, file: BinaryIO, target: Path, schema: Mapping[str, Any]) -> None:
        self._target, self._schema = target, dict(schema)
        arrow = polars.DataFrame(schema=self._schema).to_arrow().schema
        self._writer = pyarrow.parquet.ParquetWriter(file, arrow, compression="zstd")

    def write(self, block: Mapping[str, Sequence[Any] | Array]) -> None:
        with _telling(self._target):
            self._writer.write_table(polars.DataFrame(dict(block), schema=self._schema).to_arrow())

    def close(self) -> None:
        self._writer.close()


class _Lines(_Text):
    """Rows as JSON objects, one a line."""

    def _append(self, frame: polars.DataFrame, *, header: bool) -> None:
        if not header:
            self._file.write(frame.write_ndjson().encode())


class _Arrow:
    """Rows as record batches, listed at the end of the file."""

    def __init__(self, file: BinaryIO, target: Path, schema: Mapping[str, Any]) -> None:
        self._target, self._schema = target, dict(schema)
        arrow = polars.DataFrame(schema=self._schema).to_arrow().schema
        self._writer = pyarrow.ipc.new_file(file, arrow)

    def write(self, block: Mapping[str, Sequence[Any] | Array]) -> None:
        with _telling(self._target):
            self._writer.write_table(polars.DataFrame(dict(block), schema=self._schema).to_arrow())

    def close(self) -> None:
        self._writer.close()


SINKS: Mapping[str, Callable[[BinaryIO, Path, Mapping[str, Any]], Any]] = {
    ".csv": _Text,
    ".tsv": _Text,
    ".jsonl": _Lines,
    ".parquet": _Parquet,
    ".arrow": _Arrow,
    ".feather": _Arrow,
}
"""What writes a file, by its suffix."""
