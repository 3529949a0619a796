"""What a forecast is about: one number along time, asked up to a horizon, answered with a mean and quantiles by step."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from seaway.core.batch import Json
from seaway.core.contract import LEVELS, Column, Contract, Output
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.data.series import infer

FEWEST_ROWS = 20
"""Known values of one series below which nothing can be learnt and judged."""


def shaped(draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
    """Return the draft as a contract of series; raises `BadInput` where the rows hold nothing to forecast."""
    _refuse(draft, rows)
    contract = infer.shaped(draft, rows, settings)
    target, series = contract.target, contract.series
    if target is None or series is None:
        raise TypeError("the inferred contract has no target or no series")
    _refuse_short(contract, rows)
    levels = tuple(f"{level:g}" for level in LEVELS)
    return msgspec.structs.replace(
        contract,
        per="series",
        truth=Column(name=target.name, kind="number", role="target", unit=target.unit),
        options=(Column(name="horizon", kind="integer", range=(1, series.horizon), hard=True),),
        outputs=(
            Output(name="mean", kind="number", axes=("step",), unit=target.unit),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=levels, unit=target.unit),
        ),
    )


def _refuse(draft: Contract, rows: Rows) -> None:
    target, named = draft.target, ", ".join(list(rows.names)[:30])
    if target is None:
        raise BadInput(
            "No column is named as the target",
            where="contract",
            fix=f"Name the number to forecast with `--target COLUMN`. The columns are: {named}.",
            code="no-target",
        )
    if target.name not in rows.names:
        raise BadInput(
            f"The data have no column {target.name!r}, which is the target",
            where="data",
            fix=f"The columns are: {named}.",
            code="no-target",
        )
    if target.kind not in ("number", "integer"):
        raise BadInput(
            f"The target {target.name!r} is of kind {target.kind}, and a forecast is a number",
            where=f"column {target.name!r}",
            fix="Name a column of numbers as the target; classes are predicted row by row with `--task tabular`.",
            code="target",
        )
    if not draft.having("time"):
        raise BadInput(
            "No column is named as the time, so there is no ahead and no past",
            where="contract",
            fix=f"Name it with `--time COLUMN`. The columns are: {named}.",
            code="no-time",
        )


def _refuse_short(contract: Contract, rows: Rows) -> None:
    """Refuse rows of which no series could be learnt from, backtested once and judged once at this horizon."""
    target, series = contract.target, contract.series
    if target is None or series is None:
        return
    longest = _longest(contract, rows, target.name)
    least = max(FEWEST_ROWS, 3 * series.horizon)
    if longest < least:
        raise BadInput(
            f"The longest series has {longest} known values of {target.name!r}; "
            f"a forecast of {series.horizon} steps needs {least} at least",
            where=f"column {target.name!r}",
            fix="Bring longer series, or ask for fewer steps with `--horizon N`; "
            "if the rows hold several series, name what tells them apart with `--id COLUMN`.",
            code="too-few-rows",
        )


def _longest(contract: Contract, rows: Rows, target: str) -> int:
    """Return the number of known values of the series that has most."""
    known = ~rows.column(target)[1]
    place = np.zeros(len(rows), dtype=np.int64)
    for column in contract.having("id"):
        values, missing = rows.column(column.name)
        _, codes = np.unique(np.where(missing, "", values.astype(str)), return_inverse=True)
        _, place = np.unique(np.column_stack([place, codes]), axis=0, return_inverse=True)
    return int(np.bincount(place.ravel(), weights=known).max(initial=0))
