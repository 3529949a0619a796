"""How steps of a series are said: 48 steps of "1h" are 48 hours, 4 of "15m" are 60 minutes."""

from __future__ import annotations

from seaway.core.contract import Contract
from seaway.data.encode.frequency import WORDS, frequency


def span(word: str, steps: int) -> str:
    """Return how long so many steps of a frequency are."""
    step = frequency(word)
    count = steps * step.count
    return f"{count} {WORDS[step.unit]}{'' if count == 1 else 's'}"


def ahead(contract: Contract) -> str:
    """Return how far the contract's forecasts reach."""
    return "" if contract.series is None else span(contract.series.frequency, contract.series.horizon)
