"""Logged JSON back to arrays: answers by output, truths as codes or values, rows by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BrokenContract
from seaway.data.encode import truth
from seaway.data.encode.rules import Rules
from seaway.monitor.answered import Record


def answers(predictions: Sequence[Record], contract: Contract) -> dict[str, Array]:
    """Return answers by output name (cases, ...), none without predictions: the inverse of what the encoder renders.

    Along a step axis they are as long as the contract's horizon, NaN beyond the steps asked for.
    """
    found: dict[str, Array] = {}
    for output in contract.outputs if predictions else ():
        if output.kind == "document":
            continue
        codes = {label: code for code, label in enumerate(output.labels)}
        held = [_values(prediction[output.name], output, codes, output.axes) for prediction in predictions]
        if output.axes[:1] == ("step",):
            found[output.name] = _padded(held, output, contract.series.horizon if contract.series else 0)
        else:
            found[output.name] = np.asarray(held, dtype=np.int64 if output.kind == "code" else np.float64)
    return found


def _values(value: Json, output: Output, codes: Mapping[str, int], axes: Sequence[str]) -> Json:
    if not axes:
        return codes[value] if output.kind == "code" else value
    if axes[0] == "step" and isinstance(value, dict):  # the levels stand first, each with its steps
        return list(zip(*(value[label] for label in output.labels), strict=True))
    inner = [value[label] for label in output.labels] if axes[0] in ("class", "level") else value
    return [_values(part, output, codes, axes[1:]) for part in inner]


def _padded(held: Sequence[Json], output: Output, horizon: int) -> Array:
    """Lay steps out (cases, horizon, ...); an answer may be longer, where another release was asked for more steps."""
    width = () if output.axes == ("step",) else (len(output.labels),)
    laid = np.full((len(held), max([horizon, *map(len, held)]), *width), np.nan)
    for case, steps in enumerate(held):
        laid[case, : len(steps)] = steps
    return laid


def answer_columns(found: Mapping[str, Array], contract: Contract) -> dict[str, Array]:
    """Return answers that have a distribution to compare, by name (cases,).

    Values, labels, and of two classes the chance of the second, which says what the label does. Where no truth is known, codes
    and what is said of each of them.
    """
    is_told = contract.truth is not None
    columns: dict[str, Array] = {}
    for output in contract.outputs:
        values, labels = found.get(output.name), output.labels
        if values is None:
            continue
        if output.kind == "code" and not output.axes and (len(labels) > 2 or not is_told):
            columns[output.name] = np.array(labels, dtype=object)[values]
        elif output.kind == "number" and not output.axes:
            columns[output.name] = values
        elif output.axes == ("class",):
            told = () if is_told and len(labels) > 2 else range(1, 2) if is_told else range(len(labels))
            columns |= {f"{output.name}.{labels[place]}": values[:, place] for place in told}
    return columns


def truths(values: Sequence[Json], contract: Contract) -> Array:
    """Return truths (n,) float64: class codes, or the values themselves; NaN for what the contract does not know."""
    read = truth.reader(contract)

    def known(value: Json) -> float:
        try:
            return read(value)
        except BrokenContract:  # a label given under a former contract
            return float("nan")

    return np.array([known(value) for value in values], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Values:
    """One column of logged rows: numbers (n,) float64 with NaN where missing, or texts (n,) with "" where missing."""

    column: Column
    values: Array
    missing: Array

    @property
    def present(self) -> Array:
        """The values that are there."""
        return self.values[~self.missing]


def frame(rows: Sequence[Record], contract: Contract) -> dict[str, Values]:
    """Return the features that the log holds as they were sent, after the contract's row-wise repairs.

    Left out: what is masked in the log, and kinds that have no distribution to compare (texts, images, arrays, times).
    """
    columns = [column for column in contract.columns if column.role == "feature" and column.log == "full"]
    return {
        column.name: _column(rows, column)
        for column in columns
        if column.kind in ("number", "integer", "boolean", "category") and not column.personal
    }


def _column(rows: Sequence[Record], column: Column) -> Values:
    rules = Rules.of(column)
    cells = [row.get(column.name) for row in rows]
    if column.kind in ("number", "integer"):
        numbers = np.clip([_number(cell) for cell in cells], rules.low, rules.high)
        return Values(column=column, values=numbers, missing=np.isnan(numbers))
    texts = np.array([None if cell is None else rules.text(truth.text(cell)) for cell in cells], dtype=object)
    missing = np.array([text is None for text in texts], dtype=bool)
    texts[missing] = ""
    return Values(column=column, values=texts, missing=missing)


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
