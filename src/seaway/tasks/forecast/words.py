"""How steps of a series are said: 48 steps of "1h" are 48 hours, 4 of "15m" are 60 minutes."""

from __future__ import annotations

import re

from seaway.core.contract import Contract

UNITS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "bd": "business day",
    "w": "week",
    "mo": "month",
    "q": "quarter",
    "y": "year",
}


def span(frequency: str, steps: int) -> str:
    """Return how long so many steps are."""
    found = re.fullmatch(r"([0-9]*)([a-z]+)", frequency)
    if found is None or found[2] not in UNITS:
        return f"{steps} steps"
    count = steps * int(found[1] or 1)
    return f"{count} {UNITS[found[2]]}{'' if count == 1 else 's'}"


def ahead(contract: Contract) -> str:
    """Return how far the contract's forecasts reach."""
    return "" if contract.series is None else span(contract.series.frequency, contract.series.horizon)
