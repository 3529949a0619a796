"""D010: numbers far from all others, and codes such as 99999 that stand among numbers."""

from __future__ import annotations

import re

import numpy as np

from seaway.core.batch import Array
from seaway.core.verdict import Verdict
from seaway.data.checks.subject import ENOUGH, Subject, or_pass, verdict

CODE = "D010"
FAR = 10.0
"""Distance from the central 98 % in units of its width."""
SENTINEL = re.compile(r"-?9{3,}|-1")


def check(subject: Subject) -> list[Verdict]:
    """Warn of lonely far values (often a wrong unit or a slip) and of repeated extreme ones (often a code)."""
    found = []
    for column in subject.features:
        if column.kind not in ("number", "integer"):
            continue
        values, missing = subject.numbers(column)
        given = values[~missing]
        if len(given) < ENOUGH:
            continue
        code = _code(given)
        if code is not None:
            count = int((given == code).sum())
            message = f"{code:g} stands {count} times in {column.name!r}, far from the other values: it may be a code"
            fix = f'If it means "missing", list it under `blank` of {column.name!r} in contract.toml, else clip it.'
            found.append(verdict(CODE, "warn", column.name, message, fix, value=code, rows=count))
            continue
        low, high = np.quantile(given, [0.01, 0.99])
        width = high - low
        far = given[(given < low - FAR * width) | (given > high + FAR * width)] if width > 0 else given[:0]
        if len(far):
            message = f"{len(far)} values of {column.name!r} lie far from all others, such as {far[0]:g}"
            fix = f"Correct them, or hold the column with `clip` in contract.toml (98 % lie from {low:g} to {high:g})."
            found.append(verdict(CODE, "warn", column.name, message, fix, value=float(far[0]), count=len(far)))
    return or_pass(CODE, found, "No number lies far from all others")


def _code(given: Array) -> float | None:
    """Return an extreme value that repeats, is written in nines (or is -1), and leaves a gap to all others."""
    for extreme in (float(given.max()), float(given.min())):
        rest = given[given != extreme]
        if len(rest) < ENOUGH or len(rest) > len(given) - 3 or not SENTINEL.fullmatch(f"{extreme:.0f}"):
            continue
        if not extreme.is_integer():
            continue
        width = float(rest.max() - rest.min()) or 1.0
        gap = extreme - float(rest.max()) if extreme > rest.max() else float(rest.min()) - extreme
        if gap > 0.5 * width or (extreme == -1.0 and rest.min() >= 0 and _is_odd_one_out(given, rest)):
            return extreme
    return None


def _is_odd_one_out(given: Array, rest: Array) -> bool:
    """Say whether -1 is the one negative value among many distinct ones that are not."""
    return len(np.unique(rest)) > 50 and len(given) - len(rest) >= 0.001 * len(given)
