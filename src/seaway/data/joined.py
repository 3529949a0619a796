"""Newer rows behind older ones, under one contract: texts of a file and values of a log become the same there."""

from __future__ import annotations

import msgspec
import polars as pl

from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.data.rows import Table
from seaway.data.validate import validate


def joined(old: Rows, new: Rows | None, contract: Contract) -> Table:
    """Return both as typed rows; a series grows, and a moment whose value the older rows know stays as it is."""
    kept = msgspec.structs.replace(
        contract, columns=tuple(column for column in contract.columns if column.role != "ignore")
    )
    held = validate(old, kept)
    typed = held.rows if contract.series is None else held.whole
    if new is None:
        return typed
    frame = validate(new, kept).rows.frame.select(typed.frame.columns).cast(typed.frame.schema)
    if contract.series is None:
        return Table(typed.frame.vstack(frame), typed.formats)
    return Table(_grown(typed.frame, frame, contract), typed.formats)


def _grown(old: pl.DataFrame, new: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    (target,) = contract.having("target")
    is_told = pl.col(target.name).is_not_null()
    keys = [column.name for column in contract.columns if column.role in ("id", "time")]
    every = pl.concat([old.filter(is_told), new, old.filter(~is_told)])
    return every.unique(subset=keys, keep="first", maintain_order=True)
