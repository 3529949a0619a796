"""What sets a segment apart, in words and figures: "24% of the rows (85): monetary 3.2 times the average (412 against 129)"."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import CODE_FIRST, CODE_MISSING, Column, Contract
from seaway.report.text import integer, number, percent
from seaway.tasks.segment.portrait import Portrait

MOST = 4
PLAIN = 0.5
"""Standard deviations from which a difference is worth a word."""

TIMES = (0.67, 1.5)
"""Ratios to the average between which words say "above" or "below" instead."""


def notes(seen: Portrait, contract: Contract) -> tuple[str, ...]:
    """Return one sentence for each segment."""
    places = [(column, name) for column in contract.columns for name in column.encoded]
    return tuple(_sentence(seen, places, k) for k in range(seen.segments))


def labels(segments: int) -> tuple[str, ...]:
    """Return the segments' names: numbers by size, the largest first."""
    return tuple(str(k + 1) for k in range(segments))


def _sentence(seen: Portrait, places: list[tuple[Column, str]], k: int) -> str:
    count = int(seen.counts[k])
    size = f"{percent(count / seen.counts.sum(), 2)} of the rows ({integer(count)})"
    if not count:
        return f"{size}: no training row is here"
    told = [words for words, steps in _differences(seen, places, k) if abs(steps) >= PLAIN][:MOST]
    return f"{size}: {'; '.join(told) if told else 'much like the rows as a whole'}"


def _differences(seen: Portrait, places: list[tuple[Column, str]], k: int) -> Iterator[tuple[str, float]]:
    """Yield what can be said of each column and its distance in standard deviations, the furthest first."""
    for at in np.argsort(-np.abs(seen.apart[k]), kind="stable").tolist():
        column, name = places[int(seen.columns[at])]
        if seen.code[k, at] >= 0:
            words = _category(column, seen.shares[int(seen.columns[at])], k, int(seen.code[k, at]))
        elif column.kind == "boolean":
            shares = seen.means[int(seen.columns[at])]
            words = f"{name} in {percent(float(shares[k]), 2)} against {percent(float(shares[-1]), 2)}"
        else:
            shift = column.shift if column.kind != "time" else 0.0
            mean, whole = (float(seen.means[int(seen.columns[at])][row]) + shift for row in (k, -1))
            # In times and in steps a long-tailed column may differ to different sides; such a mean explains nothing.
            is_clear = np.isfinite(mean) and (mean - whole) * seen.apart[k, at] > 0
            is_ratio = column.range is not None and column.range[0] >= 0
            words = _number(name, mean, whole, column.unit, is_ratio=is_ratio) if is_clear else ""
        if words:
            yield words, float(seen.apart[k, at])


def _number(name: str, mean: float, whole: float, unit: str, *, is_ratio: bool) -> str:
    here, there = number(mean), number(whole, unit=unit)
    ratio = mean / whole if is_ratio and whole > 0 else 1.0
    if ratio >= TIMES[1]:
        return f"{name} {number(ratio, 2)} times the average ({here} against {there})"
    if ratio <= TIMES[0]:
        return f"{name} {percent(ratio, 2)} of the average ({here} against {there})"
    return f"{name} {'above' if mean > whole else 'below'} the average ({here} against {there})"


def _category(column: Column, shares: Array, k: int, code: int) -> str:
    if code == CODE_MISSING:
        value = "missing"
    elif code < CODE_FIRST:
        value = "another value"
    else:
        value = column.categories[code - CODE_FIRST]
    return (
        f"{column.name} {value} in {percent(float(shares[k, code]), 2)} against {percent(float(shares[-1, code]), 2)}"
    )
