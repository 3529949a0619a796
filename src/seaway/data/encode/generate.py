"""The row function: one generated function per contract that takes the ordinary cell inline and asks a reader otherwise.

An ordinary cell costs one lookup and one comparison: on 20 columns a third to a quarter of the time of calling a reader
for each. The text holds positions only, never a name or value of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seaway.core.batch import Flag, Json
from seaway.data.encode.cell import ABSENT, NAN, Reader
from seaway.data.encode.rules import EXACT, LARGEST, Rules

RowFunction = Callable[[Mapping[str, Json], int, list[float], list[Flag]], None]


def row_function(fed: Sequence[Rules], readers: Sequence[Reader]) -> RowFunction:
    """Return `encode(row, number, out, flags)`, which appends the row's numbers to `out` or raises `Broken`."""
    names: dict[str, Any] = {"A": ABSENT, "NAN": NAN}
    lines = [
        "def encode(row, number, out, flags):",
        "    get = row.get",
        "    push = out.append",
        "    extend = out.extend",
    ]
    for place, (rules, read) in enumerate(zip(fed, readers, strict=True)):
        names[f"K{place}"] = rules.column.name
        names[f"R{place}"] = read
        lines += [f"    v = get(K{place}, A)", *_ordinary(place, rules, names), _otherwise(place, rules)]
    if not fed:
        lines.append("    return None")
    made: dict[str, RowFunction] = {}
    exec("\n".join(lines), names, made)  # noqa: S102 - the text is made of the templates below and positions alone
    return made["encode"]


def _ordinary(place: int, rules: Rules, names: dict[str, Any]) -> list[str]:
    """Lines that take a cell needing no repair, no flag and no message."""
    column = rules.column
    if column.kind == "category":
        names[f"C{place}"] = dict(rules.codes)
        return [f"    x = C{place}.get(v) if v.__class__ is str else None", "    if x is not None: push(x)"]
    if column.kind == "boolean":
        return ["    if v is True: push(1.0)", "    elif v is False: push(0.0)"]
    if column.kind == "time":
        return ["    if 0: pass"]
    low, high = untouched(rules)
    names |= {f"L{place}": low, f"H{place}": high, f"S{place}": column.shift}
    kind = "v.__class__ is int" if column.kind == "integer" else "(v.__class__ is float or v.__class__ is int)"
    value = f"v - S{place}" if column.shift else "v + 0.0"
    return [f"    if {kind} and L{place} <= v <= H{place}: push({value})"]


def _otherwise(place: int, rules: Rules) -> str:
    width = len(rules.column.encoded)
    return (
        f"    else: push(R{place}(v, number, flags)[0])"
        if width == 1
        else f"    else: extend(R{place}(v, number, flags))"
    )


def untouched(rules: Rules) -> tuple[float, float]:
    """Return the interval in which a number is neither clipped nor flagged nor refused."""
    column = rules.column
    low, high = column.range or (-LARGEST, LARGEST)
    reach = EXACT if column.kind == "integer" else LARGEST
    # With a shift the interval is held well inside float32's, so that the shifted value cannot leave it either.
    bound = LARGEST / 4 if column.shift else LARGEST
    if abs(column.shift) > LARGEST / 4:
        return (1.0, 0.0)
    return max(low, rules.low, -reach, -bound), min(high, rules.high, reach, bound)
