"""Rows on polars: what files and frames become, raw or typed, and what every other room sees as `core.protocols.Rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from seaway.core.batch import Array, Json
from seaway.core.errors import NotFound
from seaway.data.encode import times, zones

TIMES = (pl.Datetime, pl.Date)


class Table:
    """A table; implements `core.protocols.Rows`. Immutable.

    `formats` says by column how a time is written when the rows leave as JSON, as their contract has it; an instant that
    knows its zone leaves with its offset.
    """

    def __init__(self, frame: pl.DataFrame, formats: Mapping[str, str] | None = None) -> None:
        self.frame = frame
        self.formats = dict(formats or {})

    def __len__(self) -> int:
        return self.frame.height

    @property
    def names(self) -> Sequence[str]:
        """Column names in order."""
        return self.frame.columns

    def series(self, name: str) -> pl.Series:
        """Return a column as polars has it; raises `NotFound`."""
        if name not in self.frame.columns:
            raise NotFound(
                f"The rows have no column {name!r}",
                where="data",
                fix=f"Their columns are: {', '.join(self.frame.columns[:30])}.",
            )
        return self.frame.get_column(name)

    def column(self, name: str) -> tuple[Array, Array]:
        """Return (values, missing): texts as object, numbers as float64 or int64, times as datetime64[ns]."""
        return arrays(self.series(name))

    def codes(self, name: str, known: Mapping[str, float]) -> tuple[Array, Array]:
        """Return (codes, missing) of a column of texts: float64, -1 where a text is not one of `known`."""
        series = self.series(name)
        texts = series if series.dtype == pl.String else series.cast(pl.String)
        codes = texts.replace_strict(list(known), list(known.values()), default=-1.0, return_dtype=pl.Float64)
        return codes.fill_null(-1.0).to_numpy(), texts.is_null().to_numpy()

    def take(self, index: Array) -> Table:
        """Return the rows at `index` (positions or a mask)."""
        places = np.flatnonzero(index) if index.dtype == bool else index
        return Table(self.frame[places.astype(np.int64)], self.formats)

    def records(self, index: Array | None = None) -> list[dict[str, Json]]:
        """Return rows as JSON objects, as a client would send them: missing is null, times are texts."""
        rows = self if index is None else self.take(index)
        return rows.frame.select(
            _as_json(rows.frame.get_column(name), self.formats.get(name, "")) for name in rows.names
        ).to_dicts()


def of_columns(columns: Mapping[str, Array]) -> Table:
    """Return the table of columns (rows,) by name: NaN and None are missing cells."""
    return Table(
        pl.DataFrame(
            [
                pl.Series(name, values.tolist() if values.dtype == object else values, nan_to_null=True, strict=False)
                for name, values in columns.items()
            ]
        )
    )


def arrays(series: pl.Series) -> tuple[Array, Array]:
    """Return a polars column as (values, missing)."""
    kind = series.dtype
    missing = series.is_null().to_numpy()
    if kind.is_float():
        values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
        return values, np.isnan(values)
    if kind.is_decimal():
        return series.cast(pl.Float64).fill_null(np.nan).to_numpy(), missing
    if kind.is_integer():
        return _integers(series), missing
    if kind == pl.Boolean:
        return series.fill_null(False).to_numpy().astype(np.bool_), missing
    if kind in TIMES:
        return series.cast(pl.Datetime("ns")).to_numpy().astype("datetime64[ns]"), missing
    values = np.empty(len(series), dtype=object)
    values[:] = series.cast(pl.String).to_list() if kind != pl.String else series.to_list()
    return values, missing


def _integers(series: pl.Series) -> Array:
    filled = series.fill_null(0)
    if series.dtype == pl.UInt64 and (filled.max() or 0) > np.iinfo(np.int64).max:  # type: ignore[operator]
        return filled.cast(pl.Float64).to_numpy()
    return filled.cast(pl.Int64).to_numpy()


def _as_json(series: pl.Series, form: str) -> pl.Series:
    kind = series.dtype
    if kind.is_float():
        return series.cast(pl.Float64).fill_nan(None)
    if kind.is_integer() or kind in (pl.Boolean, pl.String):
        return series
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        instants = series.drop_nulls().cast(pl.Datetime("ns")).dt.timestamp("ns").to_numpy()
        written = iter(zones.zone(kind.time_zone).texts(instants))
        return pl.Series(
            series.name, [next(written) if held else None for held in series.is_not_null()], dtype=pl.String
        )
    if kind in TIMES:
        moments: list[Any] = series.cast(pl.Datetime("ns")).dt.timestamp("ns").to_list()
        texts = [None if moment is None else times.text(moment, form) for moment in moments]
        return pl.Series(series.name, texts, dtype=pl.String)
    if kind.is_decimal():
        return series.cast(pl.Float64)
    return series.cast(pl.String)
