"""From values to pixels, with ticks at round numbers (Heckbert 1990, "Nice numbers for graph labels")."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.dates import time_ticks
from seaway.report.text import MINUS, exponent, fixed

_SHORT = 3  # decimals a shortened tick may have: 1.002 M, but 1 000 000.2 in full
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A linear scale: `low` lies at pixel `start`, `high` at `end`; `ticks` are (value, label)."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...] = ()

    def __call__(self, value: float) -> float:
        """The value's pixel; values outside lie at the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def many(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The pixels of an array."""
        share = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        return self.start + share * (self.end - self.start)

    def between(self, start: float, end: float) -> Scale:
        """The same values and ticks between other pixels."""
        return Scale(low=self.low, high=self.high, start=start, end=end, ticks=self.ticks)


def linear(
    low: float,
    high: float,
    *,
    count: int = 5,
    is_snug: bool = False,
    is_percent: bool = False,
    is_time: bool = False,
    is_whole: bool = False,
) -> Scale:
    """A scale over [low, high] with about `count` ticks, widened to the outer ticks unless `is_snug`.

    Equal or reversed ends are widened to show one value in the middle. `is_whole` keeps ticks at whole numbers.
    """
    low, high = _apart(low, high)
    if is_time:
        return Scale(low=low, high=high, start=0.0, end=1.0, ticks=time_ticks(low, high, count))
    step = nice_step(high - low, count)
    if is_whole:
        step = max(1.0, step if step != 2.5 else 5.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if is_snug:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [place * step for place in range(first, last + 1)]
    if not is_snug:
        low, high = min(low, values[0]), max(high, values[-1])
    labels = [_percent(value, step) for value in values] if is_percent else tick_labels(values, step)
    return Scale(low=low, high=high, start=0.0, end=1.0, ticks=tuple(zip(values, labels, strict=True)))


def tick_labels(values: list[float], step: float) -> list[str]:
    """Labels with the decimals of the step; millions and billions shortened, very large and small numbers with an exponent."""
    largest = max((abs(value) for value in values), default=0.0)
    for unit, factor in (("bn", 1e9), ("M", 1e6)):
        decimals = _decimals(step / factor)
        if factor <= largest < factor * 1e3 and decimals <= _SHORT:
            return [f"{fixed(value / factor, decimals)} {unit}" if value else "0" for value in values]
    if largest >= 1e12 or step < 1e-5:
        return [_with_exponent(value, step) if abs(value) > step / 2 else "0" for value in values]
    return [fixed(value + 0.0, _decimals(step)) for value in values]


def are_apart(low: float, high: float) -> bool:
    """Whether an axis can run from one to the other in float64."""
    return high - low > max(1e-12 * max(abs(low), abs(high)), 1e-290)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Two ends that can be told apart in float64."""
    if low > high:
        low, high = high, low
    if are_apart(low, high):
        return low, high
    reach = abs(low) * 0.1 or 1.0
    return low - reach, high + reach


def nice_step(span: float, count: int) -> float:
    """1, 2, 2.5 or 5 times a power of ten, so that about `count` steps make the span."""
    rough = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    return power * min(_STEPS, key=lambda step: abs(math.log(step * power / rough)))


def _decimals(step: float) -> int:
    """How many decimals tell neighbouring ticks apart: 0.25 needs two."""
    for decimals in range(16):
        shifted = step * 10.0**decimals
        if round(shifted) >= 1 and abs(shifted - round(shifted)) < 1e-6 * shifted:
            return decimals
    return 16


def _with_exponent(value: float, step: float) -> str:
    """As few digits as give the tick back: 2.5e-8, but 5e-8."""
    digits = next((n for n in range(1, 16) if abs(float(f"{value:.{n - 1}e}") - value) < 1e-4 * step), 16)
    return exponent(value, digits)


def _percent(value: float, step: float) -> str:
    shown = f"{abs(value) * 100:.{_decimals(step * 100)}f}"
    return f"{MINUS if value < 0 and float(shown) else ''}{shown}%"
