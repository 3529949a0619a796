"""From the matrix to a space in which distances mean something: every column counts alike, and no unit matters.

A number is divided by its standard deviation. One with a long tail to the right is first taken in times rather than in
steps (500 against 50 as far as 50 against 5), where that makes its distribution less skewed. Different categories lie
one apart, so do yes and no. What does not vary has no say.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import CODE_OTHER, Contract
from seaway.core.errors import BadInput
from seaway.engines.clusters import Space, scaled

SKEWED = 1.0
"""Skewness from which a tail counts as long."""

LEAST_SHARE = 0.01
MOST_PLACES = 20
"""Categories rarer than the share, or beyond the commonest so many, lie together in the place of other."""


def space_of(x: Array, contract: Contract) -> Space:
    """Measure the space of training rows x (rows, features)."""
    codes = contract.codes
    yes_no = _yes_no(contract)
    numbers = [place for place in range(x.shape[1]) if place not in codes and _varies(x[:, place])]
    measured = [_number(x[:, place].astype(np.float64), place in yes_no) for place in numbers]
    tables = {place: table for place, width in codes.items() for table in _places(x[:, place], width)}
    if not numbers and not tables:
        raise BadInput(
            "No column varies, so all rows are alike",
            where="data",
            fix="Give columns that differ from row to row.",
            code="no-features",
        )
    fill, unit, center, scale = np.array(measured).reshape(-1, 4).T
    return Space(
        features=x.shape[1],
        numbers=np.array(numbers, dtype=np.int64),
        fill=fill,
        unit=unit,
        center=center,
        scale=scale,
        codes=np.array(list(tables), dtype=np.int64),
        tables=tuple(tables.values()),
    )


def _yes_no(contract: Contract) -> set[int]:
    """Return the places of booleans in the matrix."""
    kinds = [column.kind for column in contract.columns for _ in column.encoded]
    return {place for place, kind in enumerate(kinds) if kind == "boolean"}


def _varies(values: Array) -> bool:
    known = values[~np.isnan(values)].astype(np.float64)
    return bool(len(known) and known.std() > 1e-9 * np.abs(known).max())


def _number(values: Array, is_yes_no: bool) -> tuple[float, float, float, float]:
    """Return fill, unit, center and scale."""
    known = values[~np.isnan(values)]
    fill = float(np.median(known))
    unit = 0.0 if is_yes_no else _unit(known)
    z = scaled(known, np.array(unit))
    return fill, unit, float(z.mean()), 1.0 if is_yes_no else float(z.std())


def _unit(known: Array) -> float:
    """Return what counts as small in a column with a long tail, and 0 for any other column.

    It is the lowest tenth of the sizes, so that the same values in pounds and in pence come to the same points.
    """
    sizes = np.abs(known[known != 0])
    unit = float(np.quantile(sizes, 0.1))
    z = scaled(known, np.array(unit))
    is_better = z.std() > 0 and abs(_skewness(z)) < _skewness(known)
    return unit if _skewness(known) > SKEWED and is_better else 0.0


def _skewness(values: Array) -> float:
    z = (values - values.mean()) / values.std()
    return float((z**3).mean())


def _places(values: Array, width: int) -> Iterator[Array]:
    """Yield the places (codes, dimensions) of a category's codes, if it varies: corners one apart."""
    share = np.bincount(values.astype(np.int64), minlength=width) / max(1, len(values))
    common = [code for code in np.argsort(-share, kind="stable").tolist() if share[code] >= LEAST_SHARE]
    kept = sorted(code for code in common[:MOST_PLACES] if code != CODE_OTHER)
    if len(kept) >= 2 or (kept and share[kept].sum() < 1 - LEAST_SHARE):
        corner = np.full(width, len(kept))
        corner[kept] = np.arange(len(kept))
        yield np.sqrt(0.5) * np.eye(len(kept) + 1)[corner]
