"""JSON lines: one object per line, its keys the columns; objects inside become `outer.inner`, one level deep.

A line is read as strictly as a request: no NaN, no key twice, no lone surrogate, no list where a cell should be. Cells become the
texts that a CSV file would hold. The columns are the keys of all lines in the order in which they first appear, so a file is read
twice, and never held as a whole.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from seaway.core.batch import Json
from seaway.core.errors import BadInput, Malformed, TooLarge
from seaway.data.pieces import Piece
from seaway.data.sources.address import Address
from seaway.data.sources.texts import Gathering

LONGEST = 1 << 24
"""Bytes a line may have."""
COLUMNS = 10_000
"""Different keys that the lines may have together."""
DAMAGE = (OSError, EOFError, zlib.error)
"""What reading a damaged gzip file raises."""
WRONG = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""What decoding raises: deep nesting is a RecursionError, an integer of very many digits a ValueError."""

_decode = msgspec.json.Decoder().decode


def pieces(address: Address, rows: int) -> Iterator[Piece]:
    """Yield the lines as rows of texts; a line that is none is torn."""
    assert address.path is not None
    names = _columns(address.path)
    gathering = Gathering(list(names), rows)
    for number, line in _lines(address.path):
        try:
            cells = _cells(line)
        except _TornError as reason:
            gathering.tear(number, str(reason), line[:LONGEST].decode("utf-8", "replace"))
        else:
            gathering.add([cells.get(name) for name in names])
        yield from gathering.full()
    yield from gathering.rest()


class _TornError(Exception):
    """A line that is no row, with the reason, as it goes on after its number."""


def _columns(path: Path) -> dict[str, None]:
    """Return the keys of all lines; raises where no line has any."""
    names: dict[str, None] = {}
    fault = ""
    for number, line in _lines(path):
        if number == 1 and line.lstrip().startswith(b"["):
            raise Malformed(
                "The file is one JSON list, not one object per line",
                where=f"{path}, line 1",
                fix="Write every row on a line of its own, without the list around them.",
            )
        try:
            names |= dict.fromkeys(_cells(line))
        except _TornError as reason:
            fault = fault or f"Line {number} {reason}"
        if len(names) > COLUMNS:
            raise TooLarge(
                f"The lines have more than {COLUMNS:,} different keys",
                where=f"{path}, line {number}",
                fix="Give every line the same keys: what varies belongs into values.",
            )
    if not names:
        raise BadInput(
            fault or "The file is empty",
            where=str(path),
            fix='Write lines like {"amount": 5, "purpose": "car"}.',
            code="malformed" if fault else "empty",
        )
    return names


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the line, its bytes) of lines that are not blank; one that is too long is cut behind its limit."""
    try:
        with _opened(path) as file:
            number = 0
            while line := file.readline(LONGEST + 1):
                number += 1
                rest = line
                while len(rest) > LONGEST and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST + 1)
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if not line.isspace():
                    yield number, line
    except DAMAGE as error:
        raise Malformed(f"The file is damaged: {error}", where=str(path), fix="Fetch or make it again.") from None


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _cells(line: bytes) -> dict[str, str | None]:
    """Return the cells of a line by column."""
    if len(line) > LONGEST:
        raise _TornError(f"has more than {LONGEST:,} bytes")
    try:
        value = _decode(line)
    except WRONG as error:
        raise _TornError(f"is no JSON: {_reason(error)}") from None
    if value.__class__ is not dict:
        raise _TornError("is no JSON object")
    cells: dict[str, str | None] = {}
    keys = 0
    for name, cell in value.items():
        if cell.__class__ is dict:
            keys += 1
            for inner, deep in cell.items():
                _put(cells, f"{name}.{inner}", deep, f"$.{name}.{inner}")
        else:
            _put(cells, name, cell, f"$.{name}")
    if _keys_written(line) != keys + len(cells):
        raise _TornError(f"has the key {_twice(line)[:80]!r} twice in one object")
    return cells


def _put(cells: dict[str, str | None], name: str, value: Json, path: str) -> None:
    if value.__class__ in (dict, list):
        what = "a list" if value.__class__ is list else "an object inside an object"
        raise _TornError(f"holds {what} at {path[:200]}, where a cell should be")
    if not name.strip():
        raise _TornError(f"has a key without a name at {path[:200]}")
    if name in cells:
        raise _TornError(f"has two values for the column {name[:80]!r}")
    cells[name] = _text(value)


def _text(value: Json) -> str | None:
    """Write a value as a CSV file would hold it."""
    if value is None or value.__class__ is str:
        return value
    if value.__class__ is bool:
        return "true" if value else "false"
    return repr(value)


def _keys_written(line: bytes) -> int:
    """Count the keys in valid JSON text, which a decoder that lets the last of two win does not: colons outside texts."""
    if b"\\" in line:
        line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(line.split(b'"')[::2]).count(b":")


def _twice(line: bytes) -> str:
    """Return the key that stands twice in one object of the line."""
    found = [""]

    def pairs(items: list[tuple[str, Json]]) -> None:
        names = [name for name, _ in items]
        found.extend(name for name in names if names.count(name) > 1)

    json.loads(line, object_pairs_hook=pairs)
    return found[-1]


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error).removeprefix("JSON is malformed: ").splitlines()[0][:200]
