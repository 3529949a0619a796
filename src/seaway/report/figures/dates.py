"""Ticks on a time axis: at whole hours, days, months or years in UTC, labelled with the parts that change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# Not strftime: its names follow the locale of the machine.
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

# (step in seconds, unit of the step, how many); months and years are walked on the calendar.
_STEPS = (
    *((n, "second", n) for n in (1, 2, 5, 10, 15, 30)),
    *((n * _MINUTE, "second", n * _MINUTE) for n in (1, 2, 5, 10, 15, 30)),
    *((n * _HOUR, "second", n * _HOUR) for n in (1, 2, 3, 6, 12)),
    *((n * _DAY, "second", n * _DAY) for n in (1, 2, 7, 14)),
    *((n * 30.4 * _DAY, "month", n) for n in (1, 2, 3, 6)),
    *((n * 365.25 * _DAY, "month", n * 12) for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)

# Monday, so that weekly ticks fall on Mondays.
_ANCHOR = datetime(1970, 1, 5, tzinfo=UTC).timestamp()
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC).timestamp(), datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def time_ticks(low: float, high: float, count: int) -> tuple[tuple[float, str], ...]:
    """About `count` ticks in [low, high], seconds since 1970; times no calendar holds get no ticks."""
    low, high = max(low, _FIRST), min(high, _LAST)
    if low >= high:
        return ()
    size, unit, every = next((step for step in _STEPS if (high - low) / step[0] <= count), _STEPS[-1])
    ticks = _even(low, high, every) if unit == "second" else _monthly(low, high, every)
    return tuple(
        (tick, _label(_at(tick), _at(before) if before is not None else None, size)) for before, tick in _pairs(ticks)
    )


def day(seconds: float) -> str:
    """A day as ticks write it, with its year: `3 Mar 2026`."""
    moment = _at(seconds)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _at(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _even(low: float, high: float, every: int) -> list[float]:
    first = _ANCHOR + -(-(low - _ANCHOR) // every) * every
    return [first + place * every for place in range(int((high - first) // every) + 1)]


def _monthly(low: float, high: float, every: int) -> list[float]:
    start, end = _at(low), _at(high)
    months = range((start.year * 12 + start.month - 1) // every * every, end.year * 12 + end.month, every)
    ticks = [
        datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp() for month in months if 1 <= month // 12 <= 9999
    ]
    return [tick for tick in ticks if low <= tick <= high]


def _pairs(ticks: list[float]) -> zip[tuple[float | None, float]]:
    before: list[float | None] = [None, *ticks]
    return zip(before, ticks, strict=False)


def _label(moment: datetime, before: datetime | None, size: float) -> str:
    """The changing part; the larger one too at the first tick and where it changes."""
    if size >= 365 * _DAY:
        return str(moment.year)
    if size >= 28 * _DAY:
        shown = _MONTHS[moment.month - 1]
        return shown if before and before.year == moment.year else f"{shown} {moment.year}"
    if size >= _DAY:
        shown = f"{moment.day} {_MONTHS[moment.month - 1]}"
        return shown if before and before.year == moment.year else f"{shown} {moment.year}"
    shown = f"{moment:%H:%M:%S}" if size < _MINUTE else f"{moment:%H:%M}"
    return shown if before and before.date() == moment.date() else f"{moment.day} {_MONTHS[moment.month - 1]} {shown}"
