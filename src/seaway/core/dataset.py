"""The first paper: rows, what they must look like, what they are, and which of them may teach or judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.protocols import Rows
from seaway.core.verdict import Verdict

TRAIN, TEST = 0, 1


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which rows teach (`part` 0) and which judge (`part` 1), and the rule that a replay repeats."""

    rule: Literal["random", "stratified", "group", "time", "last", "given"]
    seed: int
    shares: tuple[float, float]
    part: Array

    @property
    def train(self) -> Array:
        """Row numbers that models may learn from."""
        return np.flatnonzero(self.part == TRAIN)

    @property
    def test(self) -> Array:
        """Row numbers kept for the final judgement."""
        return np.flatnonzero(self.part == TEST)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Rows under a contract. `fingerprint` is the digest of the content after set-wise cleaning.

    `notes` records what was done to the set before training (duplicates dropped, rows refused).
    """

    rows: Rows
    contract: Contract
    fingerprint: str
    split: Split
    source: str = ""
    notes: tuple[Verdict, ...] = field(default=())
