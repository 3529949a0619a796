"""Plain cells: what a frame's columns may hold before they are a table."""

from __future__ import annotations

import polars as pl

from seaway.core.errors import BadInput

WIDE = (pl.Int128, pl.UInt128)
"""Integers that sums of databases come in; float64 holds those up to 2^53 exactly, as everything of a contract."""


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn dictionaries and the like into plain values; refuse columns that hold lists or objects."""
    nested = [name for name, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Object, pl.Binary)]
    if nested:
        raise BadInput(
            f"Column {nested[0]!r} holds {frame.schema[nested[0]]} values, which are no cells of a table",
            where=f"column {nested[0]!r}",
            fix="Spread it over columns of its own, or leave it out.",
        )
    plain = [
        pl.col(name).cast(pl.String)
        for name, kind in frame.schema.items()
        if kind in (pl.Categorical, pl.Enum, pl.Null, pl.Time, pl.Duration)
    ]
    wide = [pl.col(name).cast(pl.Float64) for name, kind in frame.schema.items() if kind in WIDE]
    return frame.with_columns(*plain, *wide)
