"""A bundle as one file: a zip of the plainest kind, and a reader that takes no other.

General readers disagree about what a zip holds: which of two directories counts, what lies between entries, which of two sizes
or names is meant. Attacks live in such gaps (CVE-2024-0450 and its kin), so this form has none: entries stand one behind another
from the first byte to the directory, the directory runs to its end record, the end record ends the file, each entry's two
headers say the same, and there are no extra fields, comments, flags, links, folders, descriptors, other disks or 64-bit sizes.
The manifest is read first, and nothing else is unpacked before its signature holds and it names every entry with its size.
Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from seaway.core import bundle, durable
from seaway.core.bundle import FILE_NAME, MANIFEST, SIGNATURE
from seaway.core.errors import NotFound, Untrusted
from seaway.core.protocols import Verifier

SUFFIX = ".zip"
MAX_RATIO = 100
"""How many bytes one compressed byte may become; what compresses better is stored by `pack` as it is."""

MAX_ENTRIES = bundle.MAX_FILES + 2
MAX_ARCHIVE = bundle.MAX_BUNDLE + (4 << 20)

_STORED, _DEFLATED = 0, 8
_LOCAL, _CENTRAL, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_LOCAL_HEAD = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL_HEAD = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_END_RECORD = struct.Struct("<4sHHHHIIH")
_DOS, _UNIX = 0, 3
_FOLDER, _VOLUME = 0x10, 0x08
_NEEDS = 20
_BLOCK = 1 << 20
_DAY_ONE = 0x0021
"""1980-01-01, the first day a zip can tell: the manifest says when a release was made."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file in the archive: where its header stands, and what both its headers say of it."""

    name: str
    at: int
    method: int
    packed: int
    size: int
    crc: int
    shared: tuple[int, ...]

    @property
    def begins(self) -> int:
        """Return where its bytes begin."""
        return self.at + _LOCAL_HEAD.size + len(self.name)


def read(path: Path, verifier: Verifier) -> dict[str, bytes]:
    """Return the files of the bundle in an archive by name: those its signed manifest lists, manifest and signature.

    Raises `Untrusted` with the reason. Digests are not compared here: the bundle is opened where its files are laid.
    """
    with _opened(path) as handle:
        entries = _entries(handle, path)
        for name, limit in ((MANIFEST, bundle.MAX_MANIFEST), (SIGNATURE, bundle.MAX_SIGNATURE)):
            if name not in entries or entries[name].size > limit:
                _refuse(path, f"it holds no {name} of at most {limit} bytes")
        first = {name: _unpacked(handle, entries[name], path) for name in (MANIFEST, SIGNATURE)}
        manifest = bundle.read_manifest(first[MANIFEST], first[SIGNATURE], verifier, where=str(path))
        listed = {name: size for name, (_, size) in manifest.files.items()}
        for name in sorted(listed.keys() ^ (entries.keys() - first.keys())):
            _refuse(path, f"{name!r} {'is missing' if name in listed else 'is not listed in the manifest'}")
        for name, size in listed.items():
            if entries[name].size != size:
                _refuse(path, f"{name} has {entries[name].size} bytes, its manifest says {size}")
        return first | {name: _unpacked(handle, entries[name], path) for name in listed}


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of a bundle's files; the same files give the same bytes (with the same release of zlib)."""
    names = sorted(files, key=lambda name: (name != MANIFEST, name != SIGNATURE, name))
    parts, directory, at = [], [], 0
    for name in names:
        method, data = _packed(files[name])
        label, size = name.encode("ascii"), len(files[name])
        said = (_NEEDS, 0, method, 0, _DAY_ONE, zlib.crc32(files[name]), len(data), size, len(label), 0)
        parts += [_LOCAL_HEAD.pack(_LOCAL, *said), label, data]
        mode = (stat.S_IFREG | 0o644) << 16
        directory += [_CENTRAL_HEAD.pack(_CENTRAL, _NEEDS, _UNIX, *said, 0, 0, 0, mode, at), label]
        at += _LOCAL_HEAD.size + len(label) + len(data)
    listed = b"".join(directory)
    return b"".join([*parts, listed, _END_RECORD.pack(_END, 0, 0, len(names), len(names), len(listed), at, 0)])


# ------------------------------------------------------------------------------------------------- the directory


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path.name}", where=str(path), fix="Correct the name.") from None
    except OSError as error:
        raise durable.failed(error, "The archive cannot be opened", path) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            _refuse(path, "it is no plain file")
        if not _END_RECORD.size <= status.st_size <= MAX_ARCHIVE:
            _refuse(path, f"it has {status.st_size} bytes, {MAX_ARCHIVE} are the most")
        yield handle
    except OSError as error:
        raise durable.failed(error, "The archive cannot be read", path) from None
    finally:
        os.close(handle)


def _entries(handle: int, path: Path) -> dict[str, Entry]:
    """Read the end record, the directory, and each entry's own header; they account for every byte of the file."""
    size = os.fstat(handle).st_size
    directory, begins, count = _directory(handle, size, path)
    entries: dict[str, Entry] = {}
    place = at = 0
    while place < len(directory):
        entry, place = _central(directory, place, path)
        if entry.name in entries:
            _refuse(path, f"{entry.name!r} stands in it twice")
        if entry.at != at:
            _refuse(path, f"{entry.name!r} does not begin where the entry before it ends")
        _hold_to_local(handle, entry, path)
        at = entry.begins + entry.packed
        entries[entry.name] = entry
        if at > begins:
            _refuse(path, f"{entry.name!r} reaches into the directory")
    if len(entries) != count:
        _refuse(path, f"its directory holds {len(entries)} entries, its end record says {count}")
    if at != begins:
        _refuse(path, "there are bytes between the last entry and the directory")
    if sum(entry.size for entry in entries.values()) > bundle.MAX_BUNDLE + bundle.MAX_MANIFEST + bundle.MAX_SIGNATURE:
        _refuse(path, "its files are too large together")
    return entries


def _directory(handle: int, size: int, path: Path) -> tuple[bytes, int, int]:
    """Return the central directory, where it begins and how many entries it has; the end record must be the last bytes of the file."""
    end = size - _END_RECORD.size
    mark, disk, first, here, count, length, begins, comment = _END_RECORD.unpack(_bytes(handle, end, size - end, path))
    if mark != _END:
        _refuse(path, "it does not end with the directory's end record: it is no zip, or something is behind it")
    if disk or first or comment or here != count or not 0 < count <= MAX_ENTRIES:
        _refuse(path, f"it has several disks, a comment, or not between 1 and {MAX_ENTRIES} entries")
    if begins + length != end:
        _refuse(path, "the directory does not reach from the entries to the end record")
    if not count * _CENTRAL_HEAD.size < length <= count * (_CENTRAL_HEAD.size + 256):
        _refuse(path, "the directory has not the size of its entries")
    return _bytes(handle, begins, length, path), begins, count


def _central(directory: bytes, place: int, path: Path) -> tuple[Entry, int]:
    """Read one entry of the directory; return it and the place behind it."""
    if len(directory) - place < _CENTRAL_HEAD.size:
        _refuse(path, "the directory ends inside an entry")
    mark, _, system, *shared, comment, disk, _, mode, at = _CENTRAL_HEAD.unpack_from(directory, place)
    needs, flags, method, _, _, crc, packed, size, length, extra = shared
    ends = place + _CENTRAL_HEAD.size + length
    raw = directory[place + _CENTRAL_HEAD.size : ends]
    if mark != _CENTRAL or len(raw) != length:
        _refuse(path, "the directory's entries are malformed")
    name = _name(raw, path)
    if flags or extra or comment or disk or needs > _NEEDS:
        _refuse(path, f"{name!r} is encrypted, streamed, of a newer kind, or has extra fields or a comment")
    if system not in (_DOS, _UNIX) or mode & (_FOLDER | _VOLUME):
        _refuse(path, f"{name!r} is a folder, or was made by a system without plain files")
    if system == _UNIX and stat.S_IFMT(mode >> 16) not in (
        0,
        stat.S_IFREG,
    ):  # 0: rights without a kind, as Python writes
        _refuse(path, f"{name!r} is a link, a folder or a device")
    _hold_to_limits(name, method, packed, size, path)
    entry = Entry(name=name, at=at, method=method, packed=packed, size=size, crc=crc, shared=tuple(shared))
    return entry, ends


def _name(raw: bytes, path: Path) -> str:
    """Return a name a bundle can have: lower-case letters, digits, dashes; one meaning on every system."""
    name = raw.decode("latin-1")
    if name not in (MANIFEST, SIGNATURE) and not FILE_NAME.fullmatch(name):
        _refuse(path, f"{name[:200]!r} is no name of a bundle's file")
    return name


def _hold_to_limits(name: str, method: int, packed: int, size: int, path: Path) -> None:
    if method not in (_STORED, _DEFLATED):
        _refuse(path, f"{name!r} is compressed by method {method}; stored (0) and deflate (8) are read")
    if size > bundle.MAX_FILE:
        _refuse(path, f"{name!r} unpacks to {size} bytes, {bundle.MAX_FILE} are the most")
    if method == _STORED and packed != size:
        _refuse(path, f"{name!r} is stored, yet has two sizes")
    if size > MAX_RATIO * packed:
        _refuse(path, f"{name!r} unpacks to more than {MAX_RATIO} times its size")


def _hold_to_local(handle: int, entry: Entry, path: Path) -> None:
    """Refuse an entry whose own header says something else than the directory."""
    head = _bytes(handle, entry.at, _LOCAL_HEAD.size + len(entry.name), path)
    mark, *said = _LOCAL_HEAD.unpack_from(head)
    if mark != _LOCAL or tuple(said) != entry.shared or head[_LOCAL_HEAD.size :] != entry.name.encode():
        _refuse(path, f"{entry.name!r} has a header that differs from the directory's")


# ----------------------------------------------------------------------------------------------------- the files


def _unpacked(handle: int, entry: Entry, path: Path) -> bytes:
    """Return an entry's bytes: never more than it says, and exactly those its checksum is of."""
    packed = _bytes(handle, entry.begins, entry.packed, path)
    data = packed if entry.method == _STORED else _inflated(packed, entry, path)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        _refuse(path, f"{entry.name!r} is not what its header says")
    return data


def _inflated(packed: bytes, entry: Entry, path: Path) -> bytes:
    """Inflate one deflate stream that fills its place; at most one byte more than stated is ever made."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = stream.decompress(packed, entry.size + 1)
    except zlib.error:
        _refuse(path, f"{entry.name!r} cannot be unpacked")
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        _refuse(path, f"{entry.name!r} does not end where its header says")
    return data


def _packed(data: bytes) -> tuple[int, bytes]:
    """Compress where that helps, and not so well that a reader must take it for a bomb."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = stream.compress(data) + stream.flush()
    if len(packed) >= len(data) or len(data) * 2 > MAX_RATIO * len(packed):
        return _STORED, data
    return _DEFLATED, packed


def _bytes(handle: int, at: int, size: int, path: Path) -> bytes:
    parts = []
    while size and (part := os.pread(handle, min(size, _BLOCK), at)):
        parts.append(part)
        at, size = at + len(part), size - len(part)
    if size:
        _refuse(path, "it ends before its entries do")
    return b"".join(parts)


def _refuse(path: Path, what: str) -> NoReturn:
    raise Untrusted(
        f"This is no archive of a bundle: {what}",
        where=str(path),
        fix="Fetch it again from where it was made; `seaway export bundle` writes the only form that is taken.",
        code="archive",
    )
