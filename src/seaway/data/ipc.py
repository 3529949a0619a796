"""Arrow's own files and streams (IPC, also called Feather version 2): batches in, each looked through before it is used.

Arrow maps the bytes as they are, so a damaged offset would be followed into foreign memory: every batch is validated in full.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
import pyarrow.ipc

from seaway.core.errors import Malformed

FILE, STREAM, OLD = b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"
"""First bytes of a file, of a stream, and of Feather version 1, which is another format."""

DAMAGE = (pyarrow.ArrowException, pl.exceptions.PolarsError, OSError, MemoryError, UnicodeDecodeError, ValueError)

_OPTIONS = pyarrow.ipc.IpcReadOptions(use_threads=False)


def is_arrow(head: bytes) -> bool:
    """Say whether a file that begins so is Arrow's."""
    return head.startswith((FILE, STREAM))


def frames(path: Path) -> Iterator[pl.DataFrame]:
    """Yield the record batches of a file or a stream, at least an empty one; raises `Malformed` for damaged bytes."""
    with _whole(path), pyarrow.OSFile(str(path)) as file:
        head = file.read(len(FILE))
        file.seek(0)
        is_any = False
        with _opened(file, head) as (reader, batches):
            for batch in batches:
                batch.validate(full=True)
                yield pl.DataFrame(batch)
                is_any = True
            if not is_any:
                yield pl.DataFrame(reader.schema.empty_table())


def frame(path: Path) -> pl.DataFrame:
    """Return all rows at once."""
    found = list(frames(path))
    with _whole(path):
        return pl.concat(found)


@contextlib.contextmanager
def _opened(file: Any, head: bytes) -> Iterator[tuple[Any, Iterator[pyarrow.RecordBatch]]]:
    if head.startswith(FILE):
        with pyarrow.ipc.open_file(file, options=_OPTIONS) as reader:
            yield reader, (reader.get_batch(place) for place in range(reader.num_record_batches))
    else:
        with pyarrow.ipc.open_stream(file, options=_OPTIONS) as reader:
            yield reader, iter(reader)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turn what the reader raises about damaged bytes into `Malformed`."""
    try:
        yield
    except DAMAGE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Malformed(
            f"The Arrow file is damaged: {reason[:300]}", where=str(path), fix="Fetch or make it again."
        ) from None
