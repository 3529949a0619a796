"""How many values are different: exact up to a cap, beyond it from a sample of the values that adds up over pieces.

Adaptive sampling (Wegman 1984; Flajolet, "On adaptive sampling", 1990): of the values whose hash begins with `level` zeros all
are kept with how often they stand; the level rises when they get too many. The count is kept values x 2^level, with a relative
standard error of 1.20 / sqrt(cap). As whole values are drawn, not cells, it also tells what share of the cells repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.data.hashing import mixed

CAP = 1 << 16
"""Values that are kept: the standard error beyond them is 0.47 %."""
SEED = 20_260_101
NONE = np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """Kept `hashes` (n,) uint64 in order, how often each stands (n,) int64; all of them at level 0."""

    hashes: Array
    counts: Array
    level: int = 0
    cap: int = CAP

    @property
    def is_exact(self) -> bool:
        """Whether every value was counted."""
        return self.level == 0

    @property
    def values(self) -> int:
        """The number of different values, estimated above the cap."""
        return len(self.hashes) << self.level

    @property
    def repeated(self) -> float:
        """The share of the cells that repeat an earlier one."""
        cells = int(self.counts.sum())
        return 1 - len(self.hashes) / cells if cells else 0.0

    def __add__(self, other: Distinct) -> Distinct:
        level = max(self.level, other.level)
        hashes = np.concatenate([self.hashes, other.hashes])
        counts = np.concatenate([self.counts, other.counts])
        return _kept(hashes, counts, level, min(self.cap, other.cap))


def of_hashes(hashes: Array, *, cap: int = CAP, level: int = 0) -> Distinct:
    """Count the different ones among hashes (n,) uint64; `level` leaves out at once what a sum with it would leave out."""
    return _kept(hashes, np.ones(len(hashes), dtype=np.int64), level, cap)


def of_series(series: pl.Series, *, cap: int = CAP, level: int = 0) -> Distinct:
    """Count the different values of a column, missing ones left out."""
    given = series.drop_nulls()
    if given.dtype == pl.String:  # few texts stand often: hash each once
        counted = given.alias("value").value_counts(name="rows")
        hashes = mixed(counted.get_column("value").hash(SEED).to_numpy())
        return _kept(hashes, counted.get_column("rows").to_numpy().astype(np.int64), level, cap)
    if given.dtype.is_float():
        given = given + 0.0  # one zero, whatever its sign
    return of_hashes(mixed(given.hash(SEED).to_numpy()), cap=cap, level=level)


def of_rows(frame: pl.DataFrame, *, cap: int = CAP, level: int = 0) -> Distinct:
    """Count the different rows of a frame."""
    return of_hashes(mixed(frame.hash_rows(SEED).to_numpy()), cap=cap, level=level)


def _kept(hashes: Array, counts: Array, level: int, cap: int) -> Distinct:
    hashes, counts = _at(hashes, counts, level)
    order = np.argsort(hashes, kind="stable")
    hashes, counts = hashes[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else np.zeros(0, int)
    hashes = hashes[starts]
    counts = np.add.reduceat(counts, starts) if len(starts) else counts[:0]
    while len(hashes) > cap:
        level += 1
        hashes, counts = _at(hashes, counts, level)
    return Distinct(hashes=hashes, counts=counts, level=level, cap=cap)


def _at(hashes: Array, counts: Array, level: int) -> tuple[Array, Array]:
    if not level:
        return hashes, counts
    kept = hashes < np.uint64(1 << (64 - level))
    return hashes[kept], counts[kept]
