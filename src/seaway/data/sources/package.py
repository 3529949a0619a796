"""The ZIP archive of an Office document: its parts read as streams, with limits on what an archive may unfold to."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from xml.parsers import expat

from seaway.core.errors import Malformed, TooLarge

CHUNK = 1 << 18
PARTS = 10_000
"""Parts that a document may have."""
UNFOLDED = 4 << 30
"""Bytes that all parts may have together."""
RATIO, SMALL = 200, 64 << 20
"""A part of more than 64 MiB may not be more than 200 times as large as its packed form: sheets are about 10 to 50 times."""
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, KeyError, struct.error)
"""What reading a damaged archive raises; RuntimeError is one that asks for a password or an unknown compression."""

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class Package:
    """An opened archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            head = file.read(4)
        if head != b"PK\x03\x04":
            is_old = head == b"\xd0\xcf\x11\xe0"
            raise Malformed(
                "The workbook is an old one (.xls) or protected by a password" if is_old else "The file is no workbook",
                where=str(path),
                fix="Save it as .xlsx without a password.",
            )
        try:
            self._archive = zipfile.ZipFile(path)
        except DAMAGE as error:
            raise self.damaged(error) from None
        try:
            self._parts = {info.filename: info for info in self._archive.infolist()}
            self._refuse_bombs()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def _refuse_bombs(self) -> None:
        """Hold the sizes that the archive states to the limits; no more than what is stated is ever read of a part."""
        if len(self._archive.infolist()) != len(self._parts):
            raise self.damaged("a part stands in it twice")
        if len(self._parts) > PARTS:
            raise TooLarge(
                f"The workbook has {len(self._parts):,} parts", where=str(self.path), fix="Save the sheet as CSV."
            )
        total = sum(info.file_size for info in self._parts.values())
        steep = [
            info for info in self._parts.values() if info.file_size > max(SMALL, RATIO * max(1, info.compress_size))
        ]
        if total > UNFOLDED or steep:
            raise TooLarge(
                f"The workbook would unfold to {total / 1e9:.1f} GB",
                where=str(self.path),
                fix="Save the sheet as CSV or Parquet, if you trust who made the file.",
            )

    def chunks(self, part: str) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        info = self._parts.get(part)
        if info is None:
            raise self.damaged(f"it has no part {part[:100]!r}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.damaged("it is packed in a way that no workbook is")
        try:
            with self._archive.open(info) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except DAMAGE as error:
            raise self.damaged(error) from None

    def parse(self, part: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        """Read a part's XML to its end."""
        reader = parser(start, end, text)
        try:
            for chunk in self.chunks(part):
                reader.Parse(chunk, False)
            reader.Parse(b"", True)
        except expat.ExpatError as error:
            raise self.damaged(f"{part}: {expat.ErrorString(error.code)}") from None

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Return by id what a part (or, "", the whole) is related to: (kind, name of the part); a missing list is empty."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, given: Mapping[str, str]) -> None:
            if local(name) == "Relationship" and given.get("TargetMode", "Internal") == "Internal":
                target = posixpath.normpath(posixpath.join("/", folder, given.get("Target", "")))
                found[given.get("Id", "")] = (given.get("Type", "").rpartition("/")[2], target.lstrip("/"))

        if listed in self._parts:
            self.parse(listed, start)
        return found

    def target(self, part: str, kind: str) -> str:
        """Return the one part of a kind that another is related to."""
        found = [path for one, path in self.related(part).values() if one == kind]
        if not found:
            raise Malformed("The file is no workbook", where=str(self.path), fix="Save it as .xlsx, or as CSV.")
        return found[0]

    def damaged(self, reason: object) -> Malformed:
        """Say that the archive cannot be read."""
        said = str(reason).splitlines()[0][:200] if str(reason) else type(reason).__name__
        return Malformed(f"The workbook is damaged: {said}", where=str(self.path), fix="Open it and save it again.")


def parser(start: Start, end: End | None = None, text: Text | None = None) -> expat.XMLParserType:
    """Return a parser of XML without document types: no entity can unfold or fetch anything."""
    made = expat.ParserCreate()
    made.buffer_text = True
    made.StartElementHandler = start
    if end is not None:
        made.EndElementHandler = end
    if text is not None:
        made.CharacterDataHandler = text
    made.StartDoctypeDeclHandler = _refuse_doctype
    return made


def _refuse_doctype(*_: object) -> None:
    raise Malformed(
        "The workbook declares a document type, which none has a use for",
        where="a part of the workbook",
        fix="Do not use the file unless you know who made it.",
    )


def local(name: str) -> str:
    """Return an XML name without its prefix."""
    return name if ":" not in name else name.rpartition(":")[2]
