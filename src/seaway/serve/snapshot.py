"""The event log as it is at one moment, while workers write to it: what was durable before the first look is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from seaway.core import segment
from seaway.core.errors import Malformed
from seaway.serve.segments import of_folder

_CHUNK = 1 << 20
_TRIES = 5


@dataclass(frozen=True)
class Part:
    """One segment's whole records: the name of it once sealed, and how many bytes of `file` they are."""

    model: str
    name: str
    file: BinaryIO
    end: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        left = self.end
        while left and (data := self.file.read(min(left, _CHUNK))):
            left -= len(data)
            yield data


def parts(log_root: Path) -> Iterator[Part]:
    """Yield every segment of every model, each open until the next is asked for.

    Of an open segment the whole records are taken; a damaged one is taken as it is, for whoever reads it to be told. Raises
    `Malformed` where a newer version wrote one.
    """
    for folder in sorted(path for path in log_root.glob("*/") if path.is_dir()):
        for worker, number in sorted({(worker, number) for worker, number, _ in of_folder(folder)}):
            file, end = _opened(folder, worker, number)
            with file:
                if end:
                    yield Part(folder.name, segment.name(worker, number, sealed=True), file, end)


def _opened(folder: Path, worker: int, number: int) -> tuple[BinaryIO, int]:
    """Open a segment under the name it has now; its worker may seal it at any moment."""
    for _ in range(_TRIES):
        for is_sealed in (True, False):
            path = folder / segment.name(worker, number, sealed=is_sealed)
            with suppress(FileNotFoundError):
                file = path.open("rb")
                try:
                    return file, _end(path, file)
                except BaseException:
                    file.close()
                    raise
    raise FileNotFoundError(2, "The segment went away", str(path))


def _end(path: Path, file: BinaryIO) -> int:
    """Return how many bytes of the segment are whole records with their header; 0 where there is none."""
    size = file.seek(0, 2)
    file.seek(0)
    if path.suffix == segment.SEALED:
        return size
    try:
        return max((offset for offset, _ in segment.read(path)), default=0)
    except Malformed as error:
        if error.code == "newer-format":
            raise
        return size
