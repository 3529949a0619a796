"""Numbers that name content: one per row for splits that do not depend on the order of rows, one for the whole set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.protocols import Rows

_MIX = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MISSING = np.uint64(0x6D697373696E6721)


def row_hashes(rows: Rows, names: Sequence[str], *seed: int | str) -> Array:
    """Return one uint64 per row, fixed by the cells of `names` and the seed; equal rows have equal hashes."""
    start = np.frombuffer(hashlib.sha256(repr(seed).encode()).digest()[:8], dtype="<u8")[0]
    found = np.full(len(rows), start, dtype=np.uint64)
    for name in names:
        found = mixed(found ^ _cells(*rows.column(name)))
    return found


def fingerprint(rows: Rows) -> str:
    """Return the digest of the rows' content: names, values and which are missing, in order."""
    whole = hashlib.sha256()
    for name in rows.names:
        values, missing = rows.column(name)
        whole.update(f"{len(name)}:{name}:{len(values)}:".encode())
        whole.update(np.packbits(missing).tobytes())
        if values.dtype == object:
            texts = ["" if gone else str(text) for text, gone in zip(values.tolist(), missing.tolist(), strict=True)]
            whole.update(np.array([len(text) for text in texts], dtype="<i8").tobytes())
            whole.update("".join(texts).encode("utf-8", "surrogatepass"))
        else:
            whole.update(_plain(values, missing).tobytes())
    return whole.hexdigest()


def _cells(values: Array, missing: Array) -> Array:
    if values.dtype == object:
        codes: dict[object, int] = {}
        places = np.array([codes.setdefault(value, len(codes)) for value in values.tolist()], dtype=np.int64)
        words = b"".join(hashlib.blake2b(str(word).encode(), digest_size=8).digest() for word in codes)
        bits = np.frombuffer(words, dtype="<u8")[places] if len(places) else np.zeros(0, dtype=np.uint64)
    else:
        bits = _plain(values, missing).view(np.uint64)
    return np.where(missing, _MISSING, bits)


def _plain(values: Array, missing: Array) -> Array:
    """Return eight bytes per cell: float64 without a negative zero, or int64; missing cells are zero."""
    if values.dtype.kind == "f":
        return np.where(missing, 0.0, values + 0.0).astype("<f8")
    if values.dtype.kind == "M":
        values = values.astype("datetime64[ns]").astype(np.int64)
    return np.where(missing, 0, values.astype(np.int64)).astype("<i8")


def mixed(bits: Array) -> Array:
    """Stir 64 bits so that every one of them depends on all (SplitMix64, Steele et al. 2014)."""
    bits = bits + _MIX
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return np.asarray(bits ^ (bits >> np.uint64(31)))
