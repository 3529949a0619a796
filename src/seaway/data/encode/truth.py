"""The truth that arrives later: from a label or a target cell to a class code or a number, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.contract import Contract
from seaway.core.errors import BadInput, BrokenContract, Cell
from seaway.core.protocols import Rows
from seaway.data.encode.cell import known
from seaway.data.encode.rules import LARGEST, Rules


def text(value: Json) -> str:
    """Return the label a value stands for: true and 1.0 are "true" and "1"."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def reader(contract: Contract) -> Callable[[Json], float]:
    """Return the reader of one label: a class code or a number; it raises `BrokenContract`."""
    truth = contract.truth
    if truth is None:
        raise BadInput(
            "The contract names no truth, so there is nothing to label",
            where="contract",
            fix="Make the project with `--target COLUMN`.",
        )
    if contract.classes:
        rules = Rules.of(contract.target or truth)
        codes = {label: float(code) for code, label in enumerate(contract.classes)}

        def code(value: Json) -> float:
            written = None if value is None or isinstance(value, list | dict) else rules.text(text(value))
            if written not in codes:
                raise _broken(truth.name, value, "category", known(contract.classes))
            return codes[written]

        return code

    def number(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
            raise _broken(truth.name, value, "type", "Send a finite number.")
        return float(value)

    return number


def column(contract: Contract, rows: Rows) -> Array | None:
    """Return the truth of every row (rows,) float64: class codes or numbers, NaN where unknown; None without a target."""
    target = contract.target
    if target is None or contract.truth is None or target.name not in rows.names:
        return None
    values, missing = rows.column(target.name)
    if not contract.classes:
        return np.where(missing, np.nan, values.astype(np.float64))
    codes = {label: float(code) for code, label in enumerate(contract.classes)}
    found = np.array([codes.get(text(value), np.nan) for value in values.tolist()], dtype=np.float64)
    found[missing] = np.nan
    return found


def weight(contract: Contract, rows: Rows) -> Array | None:
    """Return the weight of every row (rows,) float64, 0 where missing; None without a weight column."""
    weights = contract.having("weight")
    if not weights:
        return None
    values, missing = rows.column(weights[0].name)
    return np.where(missing, 0.0, values.astype(np.float64))


def _broken(name: str, value: Json, rule: str, fix: str) -> BrokenContract:
    cell = Cell(row=0, column=name, value=str(value)[:80], rule=rule, fix=fix)
    return BrokenContract(f"{cell.value!r} is no truth of this model", cells=(cell,), where=name, fix=fix)
