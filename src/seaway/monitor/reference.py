"""What columns and answers looked like when the release was trained: counts, so that the reference's own size is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.data import profile
from seaway.data.profile import Distribution, Profile
from seaway.monitor.comparables import stretch


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Counts (len(edges) + 1,) of numbers between `edges`; bin i ends with edge i included."""

    edges: Array
    counts: Array
    missing: float = 0.0

    @property
    def count(self) -> float:
        """Cells, missing ones included."""
        return float(self.counts.sum()) + self.missing


@dataclass(frozen=True, kw_only=True)
class Categories:
    """Counts by category."""

    counts: Mapping[str, float]
    missing: float = 0.0

    @property
    def count(self) -> float:
        """Cells, missing ones included."""
        return sum(self.counts.values()) + self.missing


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Columns by name, answers by what they are called in findings, and the truth."""

    columns: Mapping[str, Numbers | Categories]
    answers: Mapping[str, Numbers | Categories]
    truth: Numbers | Categories | None = None


def read(data: bytes, contract: Contract) -> Reference:
    """Read profile.json of a verified bundle.

    Rows of one series tell no more than its stretches do, and the steps of an answer no more than the answer: their counts are
    those of stretches and of answers.
    """
    found = profile.decode(data)
    # The target is known of the training rows, and of no request, unless requests bring a history.
    told = () if contract.series is not None else _targets(contract)
    steps = contract.series.horizon if contract.series else 1
    return Reference(
        columns=_counted({name: one for name, one in found.columns.items() if name not in told}, stretch(contract)),
        answers=_counted(found.outputs, steps),
        truth=_truth(found, contract),
    )


def _counted(distributions: Mapping[str, Distribution], alike: int) -> dict[str, Numbers | Categories]:
    counted = ((name, _counts(one, alike)) for name, one in distributions.items())
    return {name: one for name, one in counted if one is not None}


def _counts(one: Distribution, alike: int) -> Numbers | Categories | None:
    """Turn shares back into counts, of `alike` values one; None where there is no distribution to compare (times, empty columns)."""
    counts = np.rint(np.asarray(one.shares, dtype=np.float64) * one.n * (1 - one.missing) / alike)
    missing = float(round(one.n * one.missing / alike))
    if one.edges:
        return Numbers(edges=np.asarray(one.edges, dtype=np.float64), counts=counts, missing=missing)
    if not len(counts):
        return None
    names = (*one.categories, profile.OTHER)
    held = {name: float(count) for name, count in zip(names, counts, strict=True) if count}
    return Categories(counts=held, missing=missing)


def _targets(contract: Contract) -> set[str]:
    """Return the target's name."""
    return {column.name for column in contract.having("target")}


def _truth(found: Profile, contract: Contract) -> Numbers | Categories | None:
    """Return the target's distribution; without one, the classes' mean probabilities, which calibration makes the same."""
    for name in _targets(contract) & set(found.columns):
        return _counts(found.columns[name], stretch(contract))
    scores = [found.outputs.get(f"probabilities.{label}") for label in contract.classes]
    means = [one.mean for one in scores if one is not None and one.mean is not None]
    if not means or len(means) < len(contract.classes):
        return None
    return Categories(
        counts={label: float(round(mean * found.rows)) for label, mean in zip(contract.classes, means, strict=True)}
    )
