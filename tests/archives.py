"""A writer of zips that lets a test say anything, right or wrong: each header field can be told otherwise than it is."""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sBBHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
PLAIN = stat.S_IFREG | 0o644


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One entry. `local` and `central` replace fields of one header only; `at` and `begins` place it elsewhere."""

    name: bytes
    data: bytes = b""
    method: int = 0
    packed: bytes | None = None
    mode: int = PLAIN
    system: int = 3
    attributes: int = 0
    before: bytes = b""
    behind: bytes = b""
    extra: bytes = b""
    local_extra: bytes | None = None
    comment: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    both: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == 8 else self.data

    def fields(self) -> dict[str, Any]:
        return {
            "needs": 20,
            "flags": 0,
            "method": self.method,
            "time": 0,
            "date": 33,
            "crc": zlib.crc32(self.data),
            "packed": len(self.body),
            "size": len(self.data),
        } | self.both


def zipped(parts: Sequence[Part], *, head: bytes = b"", gap: bytes = b"", tail: bytes = b"", **end: Any) -> bytes:
    """Write a zip; `end` replaces fields of the end record: disk, first, here, count, length, begins, comment."""
    out, directory = head, b""
    for part in parts:
        out += part.before
        at, fields = len(out), part.fields()
        own = fields | part.local
        name = own.pop("name", part.name)
        extra = part.extra if part.local_extra is None else part.local_extra
        out += LOCAL.pack(b"PK\3\4", *own.values(), len(name), len(extra)) + name + extra + part.body + part.behind
        said = fields | part.central
        at = said.pop("at", at)
        directory += CENTRAL.pack(
            b"PK\1\2", 20, part.system, *said.values(), len(part.name), len(part.extra), len(part.comment), 0, 0,
            part.mode << 16 | part.attributes, at,
        )  # fmt: skip
        directory += part.name + part.extra + part.comment
    out += gap
    comment = end.pop("comment", b"")
    told = {
        "disk": 0,
        "first": 0,
        "here": len(parts),
        "count": len(parts),
        "length": len(directory),
        "begins": len(out),
    } | end
    return out + directory + END.pack(b"PK\5\6", *told.values(), len(comment)) + comment + tail


def parts(files: dict[str, bytes]) -> list[Part]:
    """Return plain entries of a bundle's files."""
    return [Part(name=name.encode(), data=data) for name, data in files.items()]
