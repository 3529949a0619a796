"""What columns and answers looked like when the release was trained: counts, so that the reference's own size is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seaway.core.batch import Array


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
