"""The door to the compiled kernel: finds the library, looks that it is the right one, picks the width. The home of ctypes.

The structures mirror those of `forest.c`, field by field. Addresses are plain numbers: a call then costs no conversion.
Calls release Python's lock, so whatever they write to must belong to the caller alone.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("forest.c")
LIBRARY = Path(__file__).with_name("libforest.so")

VARIANTS = ("base", "avx2", "avx512")

_I32, _I64, _F64, _AT = ctypes.c_int32, ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


def _fields(**kinds: str) -> list[tuple[str, type]]:
    """Return fields by type, in order: each value names the fields of its kind."""
    types: dict[str, type] = {"i32": _I32, "i64": _I64, "f64": _F64, "at": _AT}
    return [(name, types[kind.rstrip("_")]) for kind, names in kinds.items() for name in names.split()]


class CForest(ctypes.Structure):
    """`struct forest`."""

    _fields_ = _fields(
        i32="targets columns trees words tests is_narrow is_small deepest",
        at="feature levels cuts_at map_at prefix_at reaching zero_is_missing cuts map prefixes entries checkpoints full "
        "tree_word tree_leaf tree_node tree_target leaf_value base leaf_target nodes test",
    )


class CLinear(ctypes.Structure):
    """`struct linear`."""

    _fields_ = _fields(i32="n of_absent", at="feature fill center scale weight")


class CLookup(ctypes.Structure):
    """`struct lookup`."""

    _fields_ = _fields(i32="n other", at="feature size start table")


class CStep(ctypes.Structure):
    """`struct step`."""

    _fields_ = _fields(i32="kind is_right", at="what")


class CProgram(ctypes.Structure):
    """`struct program`."""

    _fields_ = _fields(i32="features targets steps depth finish few", f64="threshold", at="step", i64="scratch")


class CCall(ctypes.Structure):
    """`struct call`."""

    _fields_ = _fields(at="program x", i64="rows", at_="margin answer label scratch")


class CPaths(ctypes.Structure):
    """`struct paths`."""

    _fields_ = _fields(i64="leaves", i32="d points", at="zero value point weight cell node start is_true")


_CROSSING: tuple[type[ctypes.Structure], ...] = (CForest, CLinear, CLookup, CStep, CProgram, CCall, CPaths)


@dataclass(frozen=True)
class Kernel:
    """One width of the library: `answer(address of a CCall)` and `shapley(...)`; both may run in many threads at once."""

    width: str
    answer: Callable[[int], int]
    shapley: Callable[..., None]


@dataclass(frozen=True)
class Absent:
    """There is no kernel here, and why."""

    why: str


@cache
def kernel(library: Path = LIBRARY, width: str = "", source: Path = SOURCE) -> Kernel | Absent:
    """Return the kernel at the widest vectors that this processor has, or at a narrower `width`; loaded once.

    `source` is what the library must have been compiled from.
    """
    found = _open(library, source)
    if isinstance(found, str):
        return Absent(found)
    widest = found.seaway_width()
    if widest < 0:
        return Absent("this processor lacks the vector instructions of 2006 (SSSE3)")
    wanted = VARIANTS.index(width) if width in VARIANTS else widest
    if wanted > widest:
        return Absent(f"this processor has no {width}")
    answer = getattr(found, f"seaway_answer_{VARIANTS[wanted]}")
    answer.argtypes, answer.restype = (_AT,), _I32
    shapley = getattr(found, f"seaway_shapley_{VARIANTS[wanted]}")
    shapley.argtypes, shapley.restype = (_AT, _AT, _I32, _AT, _I64, _I64, _AT, _AT), None
    return Kernel(width=VARIANTS[wanted], answer=answer, shapley=shapley)


def widths(library: Path = LIBRARY) -> Sequence[str]:
    """Return the widths that this processor runs, narrowest first; none without the library."""
    return tuple(width for width in VARIANTS if isinstance(kernel(library, width), Kernel))


def _open(library: Path, source: Path) -> ctypes.CDLL | str:
    """Load the library, or say why it cannot be used; one of another source would read tables that are not its own."""
    if not library.exists():
        return f"no kernel was compiled into this installation ({library.name}); with a C compiler, run `python -m seaway.engines.native.compile`"
    try:
        found = ctypes.CDLL(str(library))
        found.seaway_digest.restype = ctypes.c_char_p
        is_of_source = found.seaway_digest().decode() == hashlib.sha256(source.read_bytes()).hexdigest()
        sizes = [found.seaway_size(place) for place in range(len(_CROSSING))]
    except (OSError, AttributeError) as error:
        return f"the compiled kernel does not load: {error}"
    if not is_of_source:
        return f"{library.name} was compiled from another forest.c; run `python -m seaway.engines.native.compile`"
    if sizes != [ctypes.sizeof(structure) for structure in _CROSSING]:
        return f"{library.name} lays out its structures otherwise than this version"
    return found
