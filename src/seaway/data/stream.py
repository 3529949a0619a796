"""A text file of any size as UTF-8, chunk by chunk: unpacked, its encoding guessed on the way, its line ends made plain.

The encoding is that of `delimited.decoded` as far as one look ahead goes: signs beyond ASCII say on their first appearance
whether the file is UTF-8 or single-byte. What breaks that later is told with its line, as the file is not read twice for it.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from seaway.core.errors import BadInput, Malformed
from seaway.data import delimited

CHUNK = 8 << 20
HEAD = 4096


def chunks(path: Path, *, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the file's text as UTF-8, at about `size` bytes a time; raises `Malformed` where it is no text."""
    raw = _unpacked(path, size)
    first = next(raw, b"")
    if not first.strip():
        raise BadInput(
            "The file is empty", where=str(path), fix="Give a file with a header line and rows.", code="empty"
        )
    name = marked(first[:HEAD])
    texts = _together(first, raw, name, str(path)) if name else _guessed(first, raw, str(path))
    begin = next(texts)
    if b"\x00" in begin[:HEAD]:
        raise Malformed(
            "The file holds zero bytes, so it is no text",
            where=f"{path}, byte {begin.index(0)}",
            fix="Save the table as CSV in UTF-8, or as Parquet.",
        )
    is_old_macintosh = b"\n" not in begin and b"\r" in begin
    yield begin.replace(b"\r", b"\n") if is_old_macintosh else begin
    for text in texts:
        yield text.replace(b"\r", b"\n") if is_old_macintosh else text


def is_packed(path: Path) -> bool:
    """Say whether a file is packed with gzip."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    """Open a file for its bytes, unpacked."""
    return gzip.open(path) if is_packed(path) else path.open("rb")


@contextlib.contextmanager
def whole(path: Path) -> Iterator[None]:
    """Tell a damaged gzip file as what it is."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Malformed(f"The gzip file is damaged: {error}", where=str(path), fix="Fetch or make it again.") from None


def _unpacked(path: Path, size: int) -> Iterator[bytes]:
    with whole(path), opened(path) as file:
        while chunk := file.read(size):
            yield chunk


def marked(head: bytes) -> str:
    """Return the encoding that a file's first bytes name; "" where they name none."""
    for mark, name in delimited.MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) > len(head) // 4:
        return "utf-16-be" if head[::2].count(0) > len(head) // 8 else "utf-16-le"
    return ""


def _together(first: bytes, rest: Iterator[bytes], name: str, where: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        yield decoder.decode(first).encode()
        for chunk in rest:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The file begins like {name} but is not: {error.reason}",
            where=where,
            fix="Save the table as CSV in UTF-8.",
        ) from None


def _guessed(first: bytes, rest: Iterator[bytes], where: str) -> Iterator[bytes]:
    """Read UTF-8, or one byte per sign where the first signs beyond ASCII are no UTF-8."""
    single: str | None = None
    is_known = False
    for chunk in _with(first, rest):
        if not is_known and not chunk.isascii():
            is_known, single = True, None if _is_utf8(chunk) else _of_single(chunk, where)
        yield chunk if single is None else _single(chunk, single)


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def utf8(text: bytes) -> bytes:
    """Return whole lines from the middle of a file as UTF-8: single-byte text is rewritten, UTF-8 stays."""
    try:
        text[: text.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return _single(text, "cp1252")
    return text


def _is_utf8(chunk: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(chunk)  # the last sign may go on in the next chunk
    except UnicodeDecodeError:
        return False
    return True


def _of_single(chunk: bytes, where: str) -> str:
    """Return which single-byte encoding it is; raises `Malformed` where it is no text at all."""
    delimited.decoded(chunk, where)
    try:
        chunk.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _single(chunk: bytes, name: str) -> bytes:
    try:
        return chunk.decode(name).encode()
    except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252: control signs, as Latin-1 has them
        return chunk.decode("latin-1").encode()
