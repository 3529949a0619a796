"""What the data checks look at, and the verdicts they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.core.dataset import Split
from seaway.core.verdict import Outcome, Verdict
from seaway.data.encode import truth
from seaway.data.hashing import row_hashes
from seaway.data.rows import Table, arrays
from seaway.data.series.survey import Survey, survey
from seaway.data.validate import Validated

ENOUGH = 20
"""With fewer rows no share means anything."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Rows under a contract: `rows` are typed and whole, `raw` as read (if they are known), `split` if they are split."""

    rows: Table
    contract: Contract
    raw: Table | None = None
    found: Validated | None = None
    split: Split | None = None

    @cached_property
    def features(self) -> list[Column]:
        """Columns that feed the model."""
        return [column for column in self.contract.columns if column.encoded and column.name in self.rows.names]

    @property
    def telling(self) -> list[Column]:
        """Features that are known when the target is asked for: of series only those that change and are known ahead."""
        if self.contract.series is None:
            return self.features
        return [column for column in self.features if column.role == "feature" and column.ahead and not column.part]

    @cached_property
    def survey(self) -> Survey | None:
        """What the times of series say, of the rows as read if they are known; None where the rows are no series."""
        if self.contract.series is None:
            return None
        return survey(self.raw or self.rows, self.contract)

    @cached_property
    def target(self) -> Array | None:
        """The truth (rows,) float64 as class codes or values, NaN where unknown; None without a target."""
        column = self.contract.target
        if column is None or column.name not in self.rows.names:
            return None
        if self.contract.truth is not None:
            return truth.column(self.contract, self.rows)
        values, missing = self.rows.column(column.name)
        if column.kind == "number" or (column.kind == "integer" and len(np.unique(values[~missing])) > 20):
            return np.where(missing, np.nan, values.astype(np.float64))
        _, codes = np.unique(np.where(missing, "", values.astype(str)), return_inverse=True)
        return np.where(missing, np.nan, codes.astype(np.float64))

    @cached_property
    def labels(self) -> Sequence[str]:
        """Class labels in code order; empty where the target is a number."""
        column = self.contract.target
        if column is None or self.target is None:
            return ()
        if self.contract.truth is not None:
            return self.contract.classes
        values, missing = self.rows.column(column.name)
        if column.kind == "number" or (column.kind == "integer" and len(np.unique(values[~missing])) > 20):
            return ()
        return [str(label) for label in np.unique(np.where(missing, "", values.astype(str)))]

    def series(self, column: Column) -> pl.Series:
        """Return a column as polars has it."""
        return self.rows.series(column.name)

    def numbers(self, column: Column) -> tuple[Array, Array]:
        """Return (values float64, missing) of a number, integer, boolean or time."""
        values, missing = self.rows.column(column.name)
        if values.dtype.kind == "M":
            values = values.astype(np.int64)
        return values.astype(np.float64), missing

    def codes(self, column: Column) -> Array:
        """Return one int64 per row: equal values have equal codes, missing is a value of its own."""
        values, missing = arrays(self.series(column))
        if values.dtype == object:
            seen: dict[object, int] = {}
            return np.array([seen.setdefault(value, len(seen)) for value in values.tolist()], dtype=np.int64)
        values = values.astype(np.int64) if values.dtype.kind in "Mb" else values
        _, codes = np.unique(np.where(missing, 0, values), return_inverse=True)
        return np.where(missing, codes.max(initial=0) + 1, codes)

    @cached_property
    def halves(self) -> tuple[Array, Array]:
        """Two halves of the rows, by their content: one to learn a rule from, one to test it on."""
        side = (row_hashes(self.rows, self.rows.names, "halves") & np.uint64(1)).astype(bool)
        return np.flatnonzero(side), np.flatnonzero(~side)


CheckFunction = Callable[[Subject], list[Verdict]]


@dataclass(frozen=True)
class DataCheck:
    """A coded check of data; implements `core.protocols.Check`."""

    code: str
    title: str
    function: CheckFunction

    def __call__(self, subject: Subject) -> list[Verdict]:
        """Return the findings."""
        return self.function(subject)


def verdict(code: str, outcome: Outcome, subject: str, message: str, fix: str = "", **more: Any) -> Verdict:
    """Return a finding; `value` and `limit` are its figures, all else is evidence."""
    value, limit = more.pop("value", None), more.pop("limit", None)
    return Verdict(
        code=code, outcome=outcome, subject=subject, message=message, fix=fix, value=value, limit=limit, evidence=more
    )


def or_pass(code: str, found: list[Verdict], message: str) -> list[Verdict]:
    """Return the findings, or one verdict that there are none."""
    if any(one.outcome in ("warn", "fail") for one in found):
        return found
    return [verdict(code, "pass", "data", message), *found]


def not_applicable(code: str, why: str) -> list[Verdict]:
    """Return the one verdict of a check that has nothing to look at."""
    return [verdict(code, "not-applicable", "data", why)]
