"""The same encoding over whole columns: what training and batch scoring use.

Rows are typed and repaired already (`seaway.data.validate`); what is left is limits, codes, parts and the shift.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array, Flag
from seaway.core.contract import CODE_MISSING, CODE_OTHER
from seaway.core.errors import BrokenContract, Cell
from seaway.core.protocols import Rows
from seaway.data.encode import times
from seaway.data.encode.rules import LARGEST, Rules


def matrix(fed: Sequence[Rules], rows: Rows) -> tuple[Array, list[Flag]]:
    """Return the matrix (rows, features) float32 and the flags, in order of column then row."""
    width = sum(len(rules.column.encoded) for rules in fed)
    x = np.empty((len(rows), width), dtype=np.float32)
    flags: list[Flag] = []
    place = 0
    for rules in fed:
        columns = _columns(rules, rows, flags)
        for values in columns:
            x[:, place] = values
            place += 1
    return x, flags


def _columns(rules: Rules, rows: Rows, flags: list[Flag]) -> list[Array]:
    if rules.column.kind == "category":
        return [_codes(rules, rows, flags)]
    values, missing = rows.column(rules.column.name)
    if rules.column.kind == "boolean":
        return [np.where(missing, np.nan, values.astype(np.float64))]
    if rules.column.kind == "time":
        return _parts(rules, values, missing)
    return [_numbers(rules, values, missing, flags)]


def _numbers(rules: Rules, values: Array, missing: Array, flags: list[Flag]) -> Array:
    numbers = values.astype(np.float64)
    # Same order and same comparisons as for one cell: clip, range, shift.
    numbers = np.where(numbers < rules.low, rules.low, np.where(numbers > rules.high, rules.high, numbers))
    limits = rules.column.range
    if limits is not None:
        outside = ~missing & ~((limits[0] <= numbers) & (numbers <= limits[1]))
        if rules.outside == "error":
            _refuse(rules, values, outside, "range", f"Give a number from {limits[0]:g} to {limits[1]:g}.")
        _flag(rules, outside, "outside", flags)
        if rules.outside == "missing":
            missing = missing | outside
    shifted = numbers - rules.column.shift + 0.0
    _refuse(rules, values, ~missing & ~(np.abs(shifted) <= LARGEST), "finite", "Give a finite number.")
    return np.where(missing, np.nan, shifted)


def _codes(rules: Rules, rows: Rows, flags: list[Flag]) -> Array:
    codes, missing = rows.codes(rules.column.name, rules.codes)
    codes = np.where(missing, float(CODE_MISSING), codes)
    unseen = codes < 0
    if unseen.any():
        if rules.unseen == "error":
            values, _ = rows.column(rules.column.name)
            _refuse(rules, values, unseen, "category", "Give a category of the contract.")
        _flag(rules, unseen, "unseen", flags)
        codes[unseen] = CODE_MISSING if rules.unseen == "missing" else CODE_OTHER
    return codes


def _parts(rules: Rules, values: Array, missing: Array) -> list[Array]:
    moments = np.where(missing, np.datetime64(0, "ns"), values.astype("datetime64[ns]")).astype(np.int64)
    return [
        np.where(missing, np.nan, np.asarray(times.PARTS[part](moments), dtype=np.float64))
        for part in rules.column.parts
    ]


def _flag(rules: Rules, where: Array, rule: str, flags: list[Flag]) -> None:
    flags.extend(Flag(row=row, column=rules.column.name, rule=rule) for row in np.flatnonzero(where).tolist())


def _refuse(rules: Rules, values: Array, where: Array, rule: str, fix: str) -> None:
    found = np.flatnonzero(where)
    if len(found):
        name = rules.column.name
        raise BrokenContract(
            f"{len(found)} cells of {name!r} break the contract",
            cells=tuple(
                Cell(row=int(row), column=name, value=str(values[row])[:80], rule=rule, fix=fix) for row in found[:100]
            ),
            count=len(found),
            where=f"column {name!r}",
            fix="Validate the rows first; `seaway check FILE` lists the cells.",
        )
