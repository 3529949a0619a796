"""Which frequency times come at, and the season, horizon and history that fit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import BadInput
from seaway.data.encode.frequency import MONTHS, SPANS, Frequency
from seaway.data.encode.times import DAY, SECOND, civil

WEEK = 7 * DAY
LONGEST_SEASON = 300
"""A day of more rows than this is no season a model can look back over: then an hour is."""
WEEKS_BACK, MOST_BACK = 4, 2_800
"""History of rows within the day reaches four weeks back where that is at most this many rows."""


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Counts of rows: one season, the steps answered, and the rows looked back over."""

    season: int
    horizon: int
    history: int


def frequency_of(moments: Array, case: Array) -> Frequency:
    """Return the frequency of moments (n,) of series (n,): the most common distance between neighbours, in civil units.

    Raises `BadInput` where no series has two different moments.
    """
    order = np.lexsort((moments, case))
    own, when = case[order], moments[order]
    apart = np.diff(when)
    kept = (np.diff(own) == 0) & (apart > 0)
    if not kept.any():
        raise BadInput(
            "No series has two rows at different times, so there is no frequency",
            where="column of the time",
            fix="Name with --id what tells series apart, and nothing else; or bring series of more rows.",
            code="frequency",
        )
    first, later = when[:-1][kept], when[1:][kept]
    usual = _mode(later - first)
    if usual < DAY or (usual % DAY and usual < 27 * DAY):
        return _span(usual)
    return _months(first, later) or _days(first, later, usual)


def rhythm(frequency: Frequency, lengths: Array) -> Rhythm:
    """Return what fits series of those lengths (cases,): one season ahead, at most a quarter of the median series."""
    median, longest = int(np.median(lengths)), int(lengths.max())
    nominal = _season(frequency)
    season = nominal if median >= 2 * nominal else 1
    ahead = nominal if nominal > 1 else 4
    horizon = max(1, min(ahead, median // 4))
    return Rhythm(season=season, horizon=horizon, history=history(frequency, season, horizon, longest))


def history(frequency: Frequency, season: int, horizon: int, longest: int) -> int:
    """Return how many rows to look back over: three seasons, two horizons, and the weeks in which people live."""
    found = max(3 * season, 2 * horizon, 8)
    if frequency.unit in ("s", "m", "h"):
        weeks = WEEKS_BACK * WEEK // (frequency.count * SPANS[frequency.unit])
        found = max(found, weeks if weeks <= MOST_BACK else 0)
    elif frequency.unit in ("d", "bd"):
        found = max(found, 8 * _season(Frequency(1, frequency.unit)))
    return max(1, min(found, longest))


def _season(frequency: Frequency) -> int:
    """Return the rows of the shortest cycle that people live by: a day, a week, a year."""
    unit, count = frequency.unit, frequency.count
    if unit in ("s", "m", "h"):
        step = count * SPANS[unit]
        for cycle in (DAY, 3600 * SECOND, 60 * SECOND):
            if step < cycle and cycle % step == 0 and cycle // step <= LONGEST_SEASON:
                return int(cycle // step)
        return 7 if step == DAY else 1
    whole = {"d": 7, "bd": 5, "w": 52, "mo": 12, "q": 4, "y": 1}[unit]
    return whole // count if whole % count == 0 else 1


def _mode(values: Array) -> int:
    """Return the most common value; of equally common ones the smallest."""
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _span(step: int) -> Frequency:
    if step % SECOND:
        raise BadInput(
            f"Rows come {step / 1e9:g} seconds apart, which is no whole number of seconds",
            where="column of the time",
            fix="Bring rows at whole seconds, for example by the mean of each second.",
            code="frequency",
        )
    for unit in ("h", "m"):
        if step % SPANS[unit] == 0:
            return Frequency(int(step // SPANS[unit]), unit)
    return Frequency(int(step // SECOND), "s")


def _months(first: Array, later: Array) -> Frequency | None:
    """Return months, quarters or years where neighbours stand on one day of the month, or at its end."""
    _, _, day = civil(first)
    _, _, after = civil(later)
    is_end = civil(first + DAY)[2] == 1
    ends = civil(later + DAY)[2] == 1
    steady = (day == after) | (is_end & ends) | (np.minimum(day, after) >= 28)
    months = _month(later) - _month(first)
    if steady.mean() < 0.9 or (months == 0).mean() > 0.1:
        return None
    usual = _mode(months[months > 0])
    if _mode(later - first) % WEEK == 0 and (np.diff(np.unique((later - first) % WEEK)).size == 0):
        return None  # whole weeks apart, every one of them
    for unit in ("y", "q", "mo"):
        if usual % MONTHS[unit] == 0:
            return Frequency(usual // MONTHS[unit], unit)
    return None


def _month(moments: Array) -> Array:
    year, month, _ = civil(moments)
    return np.asarray(year * 12 + month)


def _days(first: Array, later: Array, usual: int) -> Frequency:
    if usual % WEEK == 0:
        return Frequency(int(usual // WEEK), "w")
    days = max(1, round(usual / DAY))
    weekday = np.concatenate([first, later]) // DAY % 7  # 1970-01-01 was a Thursday: 2 and 3 are the weekend
    over_weekend = ((later - first) == 3 * DAY).sum()
    if days == 1 and not np.isin(weekday, (2, 3)).any() and over_weekend:
        return Frequency(1, "bd")
    return Frequency(days, "d")
