"""Protocol buffer bytes, read strictly: bounds before slices, one spelling per number, no field twice by accident.

Source: https://protobuf.dev/programming-guides/encoding. Stricter than it: a varint may not be longer than it has to
be, groups do not exist, and a singular field may come once (parsers keep the last one; a check that keeps the first
one would have looked at something else).
"""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import Untrusted

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

_LONGEST = 10
_WIDTHS = {FIXED64: 8, FIXED32: 4}


def malformed(what: str, where: str) -> Untrusted:
    """Return the error for bytes that are no strict protocol buffer message."""
    return Untrusted(
        f"The graph's bytes are malformed: {what}",
        where=where,
        fix="Fetch the bundle again; if it fails again, release the run again.",
        code="graph-malformed",
    )


def take(data: memoryview, at: int, where: str) -> tuple[int, int, int | memoryview, int]:
    """Read the field that begins at `at`: (field number, wire type, value, the place behind it).

    Fields with a length and of fixed width come as views.
    """
    tag, at = varint(data, at, where)
    number, kind = tag >> 3, tag & 7
    if not 0 < number < 1 << 29:
        raise malformed(f"field number {number}", where)
    if kind == VARINT:
        value, at = varint(data, at, where)
        return number, kind, value, at
    if kind == LENGTH:
        length, at = varint(data, at, where)
    elif kind in _WIDTHS:
        length = _WIDTHS[kind]
    else:
        raise malformed(f"wire type {kind} in field {number}", where)
    left = len(data) - at
    if length > left:
        raise malformed(f"field {number} claims {length} bytes where {left} are left", where)
    return number, kind, data[at : at + length], at + length


def varint(data: memoryview, at: int, where: str) -> tuple[int, int]:
    """Read an unsigned number of up to 64 bits; return it and the place behind it."""
    value = 0
    for place in range(_LONGEST):
        if at + place >= len(data):
            raise malformed("it ends inside a number", where)
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if (place and not byte) or value >= 1 << 64:
                raise malformed("a number is longer than it has to be", where)
            return value, at + place + 1
    raise malformed("a number has more than 64 bits", where)


def varints(data: memoryview, tag: int, where: str) -> tuple[Array, int]:
    """Read as many numbers as follow one another under the one-byte `tag`; return them as int64 and the place behind.

    A tree ensemble has six of these numbers per node, so the run is decoded as a whole: bytes below 128 end something,
    a tag and a number in turn.
    """
    raw = np.frombuffer(data, dtype=np.uint8)
    below = np.flatnonzero(raw < 0x80)
    ends: Array = below[: len(below) // 2 * 2].reshape(-1, 2)
    begins = np.concatenate([[0], ends[:-1, 1] + 1]) if len(ends) else np.zeros(0, dtype=np.int64)
    of_run = (ends[:, 0] == begins) & (raw[ends[:, 0]] == tag)
    count = len(of_run) if of_run.all() else int(of_run.argmin())
    ends = ends[:count]
    sizes = ends[:, 1] - ends[:, 0]
    too_long = (sizes > 1) & (raw[ends[:, 1]] == 0)
    if (sizes > _LONGEST).any() or too_long.any() or (raw[ends[sizes == _LONGEST, 1]] > 1).any():
        raise malformed("a number is longer than it has to be", where)
    values = np.zeros(count, dtype=np.uint64)
    for place in range(int(sizes.max(initial=0))):
        here = sizes > place
        values[here] |= (raw[ends[here, 0] + 1 + place] & 0x7F).astype(np.uint64) << np.uint64(7 * place)
    return values.view(np.int64), int(ends[-1, 1]) + 1 if count else 0


def signed(value: int) -> int:
    """Return the two's complement meaning of a 64-bit number."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(data: memoryview, longest: int, where: str) -> str:
    """Return UTF-8 text of at most `longest` bytes without control characters."""
    if len(data) > longest:
        raise malformed(f"a text of {len(data)} bytes, more than {longest}", where)
    try:
        value = bytes(data).decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise malformed("a text is not UTF-8", where) from None
    if not value.isprintable():
        raise malformed("a text holds control characters", where)
    return value
