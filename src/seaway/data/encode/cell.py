"""One cell: read a JSON value as its column's kind, or say which rule it breaks.

A reader is the whole definition of a column's encoding. It returns the numbers the cell puts into the matrix, adds a
flag where something was soft-broken, and raises `Broken` where it may not pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from seaway.core.batch import Flag, Json
from seaway.core.contract import CODE_MISSING, CODE_OTHER
from seaway.data.encode import times
from seaway.data.encode.rules import EXACT, LARGEST, Rules

NAN = math.nan
Reader = Callable[[Json, int, list[Flag]], tuple[float, ...]]


class Absent:
    """Stands for a field that a row does not have."""


ABSENT = Absent()


class Broken(Exception):
    """A cell breaks a rule of the contract; caught by the encoder, which lists all of a request's broken cells."""

    def __init__(self, rule: str, fix: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.fix = fix


def reader(rules: Rules) -> Reader:
    """Return the reader of a column that has a place in the matrix."""
    kind = rules.column.kind
    if kind in ("number", "integer"):
        return _number(rules, integer=kind == "integer")
    if kind == "boolean":
        return _boolean(rules)
    if kind == "category":
        return _category(rules)
    return _time(rules)


def empty(rules: Rules, value: Json) -> None:
    """Pass an absent or null cell that the contract allows to be missing; raise `Broken` for another."""
    name = rules.column.name
    if value is ABSENT and rules.column.absent == "error":
        raise Broken("required", f"Send {name!r} with every row.")
    if rules.column.null == "error":
        raise Broken("null", f"Send a value for {name!r}: null is not allowed.")


def blank(rules: Rules, row: int, flags: list[Flag]) -> None:
    """Flag a text that means "missing"; raise `Broken` where a missing value is not allowed."""
    empty(rules, None)
    flags.append(Flag(row=row, column=rules.column.name, rule="blank"))


def number_of(written: str, *, integer: bool) -> float | None:
    """Read a decimal number from a file's text; None where it is none."""
    try:
        value = float(written)
    except ValueError:
        return None
    if "_" in written or not math.isfinite(value) or (integer and not value.is_integer()):
        return None
    return value


def limited(rules: Rules, value: float, row: int, flags: list[Flag]) -> float:
    """Clip a number, hold it to its range, and shift it; NaN where the range turns it into a missing value."""
    if not -LARGEST <= value <= LARGEST:
        raise Broken("finite", f"Send a finite number between -{LARGEST:.3g} and {LARGEST:.3g}, or null.")
    if value < rules.low:
        value = rules.low
    elif value > rules.high:
        value = rules.high
    if not rules.expects(value):
        low, high = rules.column.range or (value, value)
        if rules.outside == "error":
            raise Broken("range", f"Send a number from {low:g} to {high:g}.")
        flags.append(Flag(row=row, column=rules.column.name, rule="outside"))
        if rules.outside == "missing":
            return NAN
    shifted = value - rules.column.shift + 0.0  # the sum makes a float of an integer and one zero of the two
    if not -LARGEST <= shifted <= LARGEST:
        raise Broken("finite", f"Send a number between -{LARGEST:.3g} and {LARGEST:.3g} after the shift, or null.")
    return shifted


def _number(rules: Rules, *, integer: bool) -> Reader:
    name, wanted = rules.column.name, "an integer" if integer else "a number"

    def read(value: Json, row: int, flags: list[Flag]) -> tuple[float, ...]:
        if value is None or value is ABSENT:
            empty(rules, value)
            return (NAN,)
        kind = value.__class__
        if kind is str:
            repaired = rules.text(value)
            if repaired is None:
                blank(rules, row, flags)
                return (NAN,)
            mapped = None if repaired == value.strip() else number_of(repaired, integer=integer)
            if mapped is None:
                raise Broken("type", f'{name!r} is {wanted}: send 5, not the text "5".')
            return (limited(rules, mapped, row, flags),)
        if kind is not int and kind is not float:
            raise Broken("type", f"{name!r} is {wanted}: send one, or null.")
        if integer and kind is float and math.isfinite(value) and not value.is_integer():
            raise Broken("type", f"{name!r} is an integer: send a whole number.")
        if integer and EXACT < abs(value) <= LARGEST:
            raise Broken(
                "exact", f"Send an integer between -2^53 + 1 and 2^53 - 1; mark {name!r} as an id if it is one."
            )
        return (limited(rules, value, row, flags),)

    return read


def _boolean(rules: Rules) -> Reader:
    name = rules.column.name

    def read(value: Json, row: int, flags: list[Flag]) -> tuple[float, ...]:
        if value is True:
            return (1.0,)
        if value is False:
            return (0.0,)
        if value is None or value is ABSENT:
            empty(rules, value)
            return (NAN,)
        if value.__class__ is str:
            repaired = rules.text(value)
            if repaired is None:
                blank(rules, row, flags)
                return (NAN,)
            if repaired != value.strip() and repaired.lower() in ("true", "false"):
                return (float(repaired.lower() == "true"),)
        raise Broken("type", f"{name!r} is a boolean: send true, false or null.")

    return read


def category_text(value: Json) -> str:
    """Return the text of a category: texts as they are, JSON integers in decimal; raises `Broken` for others."""
    if value.__class__ is str:
        return str(value)
    if value.__class__ is int and -EXACT <= value <= EXACT:
        return str(value)
    raise Broken("type", "Send the category as a text.")


def _category(rules: Rules) -> Reader:
    column = rules.column

    def read(value: Json, row: int, flags: list[Flag]) -> tuple[float, ...]:
        if value is None or value is ABSENT:
            empty(rules, value)
            return (float(CODE_MISSING),)
        repaired = rules.text(category_text(value))
        if repaired is None:
            blank(rules, row, flags)
            return (float(CODE_MISSING),)
        code = rules.codes.get(repaired)
        if code is not None:
            return (code,)
        if rules.unseen == "error":
            raise Broken("category", known(column.categories))
        flags.append(Flag(row=row, column=column.name, rule="unseen"))
        return (float(CODE_MISSING if rules.unseen == "missing" else CODE_OTHER),)

    return read


def known(categories: tuple[str, ...]) -> str:
    """Say which categories there are, the first twelve of many."""
    shown = ", ".join(repr(text) for text in categories[:12])
    return f"Send one of: {shown}{', ...' if len(categories) > 12 else ''}."


def _time(rules: Rules) -> Reader:
    column = rules.column
    parse = times.parser(column.format)
    parts = [times.PARTS[part] for part in column.parts]
    missing = (NAN,) * len(parts)

    def read(value: Json, row: int, flags: list[Flag]) -> tuple[float, ...]:
        if value is None or value is ABSENT:
            empty(rules, value)
            return missing
        if value.__class__ is not str:
            raise Broken("type", f"{column.name!r} is a time: send a text such as {example(column.format)!r}.")
        repaired = rules.text(value)
        if repaired is None:
            blank(rules, row, flags)
            return missing
        moment = parse(repaired)
        if moment is None:
            raise Broken("time", f"Write the time like {example(column.format)!r}, between 1678 and 2261.")
        return tuple(float(part(moment)) for part in parts)

    return read


def example(form: str) -> str:
    """Return a time in `form`, to be shown in messages."""
    return times.text(1_764_087_846 * times.SECOND, form)
