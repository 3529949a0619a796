"""Complete the draft of a contract for series: frequency, zone, season, horizon, history, and what never changes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from seaway.core.batch import Array, Json
from seaway.core.contract import Column, Contract, Series
from seaway.core.errors import BadInput, NotFound
from seaway.core.protocols import Rows
from seaway.data import guess
from seaway.data.encode import cases
from seaway.data.encode.filling import STATIC
from seaway.data.encode.frequency import Frequency, frequency
from seaway.data.encode.zones import zone
from seaway.data.facts import Facts
from seaway.data.rows import Table
from seaway.data.series import rhythm
from seaway.data.series.moments import typed_times
from seaway.data.validate import validate

SETTINGS = ("horizon", "season", "frequency", "zone", "history", "gaps", "ahead")
"""What a person may say; it wins over what the data say."""
DIGITS = {"%Y": 4, "%Y%m": 6, "%Y%m%d": 8}
"""Dates that files write as whole numbers: 1949, 194901, 19490131."""


def shaped(draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
    """Return the draft as a contract of series, but for what only a task knows: truth, options and outputs.

    The draft names the time and the target (a number). Raises `BadInput` where the times are no series.
    """
    said = _said(settings)
    table = rows if isinstance(rows, Table) else Table(pl.DataFrame(rows.records(), infer_schema_length=None))
    time = _time(draft, table)
    columns = [_column(column, time, said["ahead"]) for column in draft.columns]
    _refuse_unknown(said["ahead"], columns)
    contract = msgspec.structs.replace(
        draft, per="series", columns=tuple(columns), series=Series(frequency=said["frequency"] or "1d", zone="UTC")
    )
    case, _ = cases.of_rows(table, [column.name for column in contract.having("id")])
    step = frequency(said["frequency"]) if said["frequency"] else _frequency(table, contract, time, case)
    series = Series(frequency=str(step), zone=_zone(table, time, step, said["zone"]))
    contract = msgspec.structs.replace(contract, series=series)
    series = _counted(contract, series, _lengths(table, contract, case), said)
    return _static(msgspec.structs.replace(contract, series=series), table, case)


def _said(settings: Mapping[str, Json]) -> dict[str, Any]:
    """Hold what a person said to its form; raises `BadInput`."""
    for name in settings:
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1)
            raise BadInput(
                f"Series have no setting {name!r}",
                where="settings of the series",
                fix=f"Did you mean {near[0]!r}?" if near else f"They are: {', '.join(SETTINGS)}.",
            )
    found: dict[str, Any] = {name: settings.get(name) or 0 for name in ("horizon", "season", "history")}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadInput(
                f"{name} = {value!r} is no count of rows", where=f"--{name}", fix="Give a whole number from 1."
            )
    gaps = settings.get("gaps") or "missing"
    if gaps not in ("error", "missing", "zero"):
        raise BadInput(f"{gaps!r} is no way to take gaps", where="--gaps", fix="Say error, missing or zero.")
    named = settings.get("ahead") or ()
    return found | {
        "gaps": gaps,
        "frequency": str(settings.get("frequency") or ""),
        "zone": str(settings.get("zone") or ""),
        "ahead": (named,) if isinstance(named, str) else tuple(named),
    }


def _time(draft: Contract, table: Table) -> Column:
    """Return the column of the time, its kind settled: whole numbers such as 194901 are dates too."""
    times = draft.having("time")
    if len(times) != 1:
        raise BadInput(
            "Series need one column that says when", where="contract", fix="Name it with --time COLUMN.", code="no-time"
        )
    time = msgspec.structs.replace(times[0], encode="none", parts=(), range=None, shift=0.0)
    if time.kind == "time":
        return time
    texts = Facts(table.series(time.name).cast(pl.String)).solid["text"].to_list()
    fitting = [form for form, length in DIGITS.items() if texts and {len(text) for text in texts} == {length}]
    for form in fitting:
        if guess.reads(texts, form):
            return msgspec.structs.replace(time, kind="time", format=form)
    raise BadInput(
        f"{time.name!r} counts something, but series need moments: {texts[0] if texts else ''!r} is no time",
        where=f"column {time.name!r}",
        fix="Name a column of dates or times with --time, such as 2025-11-25 or 2025-11-25T13:00:00.",
        code="no-time",
    )


def _column(column: Column, time: Column, ahead: Sequence[str]) -> Column:
    if column.name == time.name:
        return time
    if column.role == "target":
        return msgspec.structs.replace(column, kind="number", encode="array", shift=0.0, absent="null", null="missing")
    if column.role == "feature" and column.name in ahead:
        return msgspec.structs.replace(column, ahead=True)
    return column


def _refuse_unknown(ahead: Sequence[str], columns: Sequence[Column]) -> None:
    features = [column.name for column in columns if column.role == "feature"]
    for name in ahead:
        if name not in features:
            near = difflib.get_close_matches(name, features, n=1, cutoff=0.4)
            raise NotFound(
                f"{name!r} was named as known ahead, but it is no feature of the data",
                where="--ahead",
                fix=f"Did you mean {near[0]!r}?" if near else f"The features are: {', '.join(features) or 'none'}.",
            )


def _frequency(table: Table, contract: Contract, time: Column, case: Array) -> Frequency:
    """Return the frequency of dates as they stand, or of instants where the times of day differ."""
    found = typed_times(table.frame, time, contract).series
    whole = rhythm.frequency_of(*_known(found, case))
    if whole.is_civil:
        return whole
    hourly = msgspec.structs.replace(contract, series=Series(frequency="1h"))
    return rhythm.frequency_of(*_known(typed_times(table.frame, time, hourly).series, case))


def _known(times: pl.Series, case: Array) -> tuple[Array, Array]:
    known = times.is_not_null().to_numpy()
    return times.cast(pl.Datetime("ns")).dt.timestamp("ns").fill_null(0).to_numpy()[known], case[known]


def _zone(table: Table, time: Column, step: Frequency, said: str) -> str:
    """Return the zone: as said, else the one a frame's times know, else UTC."""
    if said:
        zone(said)
        return said
    kind = table.series(time.name).dtype
    known = kind.time_zone if isinstance(kind, pl.Datetime) else None
    return known if known and not step.is_civil else "UTC"


def _lengths(table: Table, contract: Contract, case: Array) -> Array:
    """Return the number of rows of each series whose target is known."""
    target = contract.having("target")[0]
    only = msgspec.structs.replace(contract, columns=(target,), series=None, per="row")
    known = ~validate(table, only).rows.column(target.name)[1]
    return np.bincount(case, weights=known).astype(np.int64)


def _counted(contract: Contract, series: Series, lengths: Array, said: Mapping[str, Any]) -> Series:
    step = frequency(series.frequency)
    fitting = rhythm.rhythm(step, lengths)
    season, horizon = said["season"] or fitting.season, said["horizon"] or fitting.horizon
    back = said["history"] or rhythm.history(step, season, horizon, int(lengths.max()))
    return msgspec.structs.replace(series, season=season, horizon=horizon, history=back, gaps=said["gaps"])


def _static(contract: Contract, table: Table, case: Array) -> Contract:
    """Mark the features that never change within any of several series: they are known ahead."""
    if int(case.max()) == 0:
        return contract
    own = pl.Series("case", case)
    still = {
        column.name
        for column in contract.having("feature")
        if column.encoded and _is_still(table.series(column.name), own)
    }
    columns = tuple(
        msgspec.structs.replace(column, part=STATIC, ahead=True) if column.name in still else column
        for column in contract.columns
    )
    return msgspec.structs.replace(contract, columns=columns)


def _is_still(values: pl.Series, case: pl.Series) -> bool:
    frame = pl.DataFrame({"case": case, "value": values}).drop_nulls()
    return frame.height > 0 and frame.group_by("case").agg(pl.col("value").n_unique())["value"].max() == 1
