"""Which origins a model learns from, and which design fits a contract."""

from __future__ import annotations

import re

import numpy as np

from seaway.core.batch import Array, Sample
from seaway.core.chance import rng
from seaway.core.contract import Contract, Series
from seaway.engines.series.calendar import Part
from seaway.engines.series.design import Design, Origins

SECONDS = {"s": 1, "m": 60, "h": 3_600}
CYCLES: dict[str, tuple[int, ...]] = {"d": (7,), "bd": (5,), "w": (52,), "mo": (12,), "q": (4,), "y": ()}
"""Rows of the seasons that the calendar suggests for civil dates, where one row is one unit."""

PARTS: dict[str, tuple[Part, ...]] = {
    "s": ("hour", "weekday"),
    "m": ("hour", "weekday"),
    "h": ("hour", "weekday"),
    "d": ("weekday", "day", "month"),
    "bd": ("weekday", "day", "month"),
    "w": ("week",),
    "mo": ("month",),
    "q": ("month",),
    "y": (),
}


def design_of(contract: Contract, series: Series, window: int) -> Design:
    """Return the design that fits a contract: its season first, then those of the calendar that the window holds."""
    count, unit = _frequency(series.frequency)
    places = _places(contract)
    return Design(
        window=window,
        seasons=_seasons(series.season, count, unit, window),
        zone=series.zone if unit in SECONDS else "UTC",
        calendar=PARTS[unit],
        past=tuple(place for place, known in places.items() if known == "past"),
        ahead=tuple(place for place, known in places.items() if known == "ahead"),
        fixed=tuple(place for place, known in places.items() if known == "fixed"),
    )


def origins_of(sample: Sample, horizon: int, season: int, pairs: int, seed: int) -> Origins:
    """Return origins within the history of a sample, as many of each series, of about `pairs` steps in all.

    The oldest rows of a series only serve as history: two seasons of them where four are there, one where one and a
    quarter are, else a third. Origins without a season behind them would teach the trees a world that no request comes from.
    """
    batch = sample.batch
    oldest = np.where(batch.seen >= season * 5 // 4, season, batch.seen // 3)
    oldest = np.maximum(np.where(batch.seen >= 4 * season, 2 * season, oldest), 1)
    counts = np.maximum(batch.seen - oldest, 0)
    case = np.repeat(np.arange(batch.cases), counts)
    within = np.arange(len(case)) - np.repeat(np.cumsum(counts) - counts, counts) + oldest[case]
    most = max(1, pairs // horizon)
    key = rng("origins", seed).random(len(case))
    order = np.lexsort((key, case))
    rank = np.empty(len(case), dtype=np.int64)
    rank[order] = np.arange(len(case)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.flatnonzero(rank < max(1, most // max(1, int((counts > 0).sum()))))
    if len(kept) > most:  # more series than origins to choose: some of the series
        kept = np.sort(kept[np.argsort(key[kept], kind="stable")[:most]])
    first = batch.starts[:-1][case[kept]]
    return Origins(
        first=first,
        origin=first + within[kept],
        steps=np.minimum(horizon, batch.seen[case[kept]] - within[kept]),
    )


def _frequency(frequency: str) -> tuple[int, str]:
    """Split "15m" into 15 and "m"; an unknown one has no calendar."""
    found = re.fullmatch(r"(\d*)([a-z]+)", frequency)
    if found is None or found[2] not in PARTS:
        return 1, "y"
    return int(found[1] or 1), found[2]


def _seasons(season: int, count: int, unit: str, window: int) -> tuple[int, ...]:
    """Return the contract's season, then those of the calendar; a season needs twice its rows to show itself."""
    if unit in SECONDS:
        day = 86_400 / (count * SECONDS[unit])
        calendar = [int(rows) for rows in (day, 7 * day) if rows == int(rows)]
    else:
        calendar = list(CYCLES[unit]) if count == 1 else []
    own = [season] if 2 <= season <= window else []
    return tuple(dict.fromkeys([*own, *(rows for rows in calendar if 2 <= rows <= window // 2)])) or (1,)


def _places(contract: Contract) -> dict[int, str]:
    """Return what is known when of each column of the matrix: "past", "ahead" or "fixed" for the whole series."""
    found: dict[int, str] = {}
    for column in contract.columns:
        known = "fixed" if column.part == "static" else "ahead" if column.ahead or column.role == "time" else "past"
        found |= {len(found) + place: known for place in range(len(column.encoded))}
    return found


def spread_evenly(case: Array, weight: Array | None) -> Array:
    """Return weights (pairs,) of mean 1 by which every series counts alike, times those given."""
    share = 1.0 / np.bincount(case)[case]
    share = share if weight is None else share * weight
    return np.asarray(share / share.mean())
