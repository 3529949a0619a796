"""Moments to forecast from: which rows of series are known then, and which lie ahead.

Series that end together share a clock: then the origin is one moment for all of them, and nobody learns from another series'
future. Series that end when they please (a collection such as M4's) have an origin each, counted from their own end.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.data.encode import cases
from seaway.data.encode.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Ages:
    """How old rows are: `age` (rows,) counts steps back from the end (of all series if they share a clock, else their own).

    `case` (rows,) is the series; `shared` says which end.
    """

    case: Array
    age: Array
    shared: bool
    horizon: int

    def pair(self, behind: int) -> tuple[Array, Array]:
        """Return (known, asked) masks for the origin `behind` steps before the end, as far as the horizon.

        A series is asked about where more than `horizon` of its rows are known then; with an end of its own, one that is
        not asked about teaches whole.
        """
        known = self.age >= behind
        ahead = ~known & (self.age >= behind - self.horizon)
        cases = int(self.case.max(initial=-1)) + 1
        enough = np.bincount(self.case[known], minlength=cases) > self.horizon
        asked = ahead & enough[self.case]
        if not self.shared:
            is_asked = np.bincount(self.case[asked], minlength=cases) > 0
            known |= ~is_asked[self.case]
        return known, asked

    @property
    def lengths(self) -> Array:
        """Steps from the first row of each series to the end (cases,)."""
        found = np.zeros(int(self.case.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(found, self.case, self.age + 1)
        return found


def ages(rows: Rows, contract: Contract) -> Ages:
    """Work out how old the rows of series are; raises `BadInput` for rows without a time."""
    if contract.series is None:
        raise BadInput(
            "These rows are no series", where="contract, [series]", fix="Make the project with a task of series."
        )
    clock = Clock(contract)
    case, ids = cases.of_rows(rows, [column.name for column in contract.having("id")])
    values, missing = rows.column(clock.column.name)
    if missing.any():
        raise BadInput(
            f"{int(missing.sum())} rows have no {clock.column.name!r}, so they stand nowhere in time",
            where=f"column {clock.column.name!r}",
            fix="Complete the times or leave those rows out.",
        )
    moment = values.astype("datetime64[ns]").astype(np.int64)
    order = np.lexsort((moment, case))
    own, when = case[order], moment[order]
    starts = np.searchsorted(own, np.arange(len(ids) + 1))
    grid = clock.frequency.grid(when, starts)
    places, _ = clock.frequency.places(when, grid.take(own))
    last = when[starts[1:] - 1] if len(ids) else when
    newest = np.full(len(ids), last.max(initial=0))
    # A step of slack: series of one clock may lie on grids that are shifted against one another.
    end = clock.frequency.places(newest, grid)[0]
    behind = end - places[starts[1:] - 1] if len(ids) else end
    shared = bool(len(ids)) and float((behind <= contract.series.horizon).mean()) > 0.5
    age = np.empty(len(case), dtype=np.int64)
    age[order] = (end if shared else end - behind)[own] - places
    return Ages(case=case, age=age, shared=shared, horizon=contract.series.horizon)


def judged(rows: Rows, contract: Contract) -> tuple[Array, Array]:
    """Return (teaches, judges) masks: the last `horizon` steps judge; raises `BadInput` where no series is long enough."""
    found = ages(rows, contract)
    known, asked = found.pair(found.horizon)
    if not asked.any():
        raise _too_short(found, 1)
    return known, asked


def folds(rows: Rows, contract: Contract, count: int) -> list[tuple[Array, Array]]:
    """Return `count` (known, asked) masks of rolling origins, the newest last; a block of `horizon` steps apart if they fit."""
    found = ages(rows, contract)
    horizon, lengths = found.horizon, found.lengths
    least = 2 * horizon + 1
    usual = int(np.median(lengths[lengths >= least])) if (lengths >= least).any() else 0
    if not usual:
        raise _too_short(found, count)
    apart = min(horizon, (usual - least) // max(count - 1, 1))
    if not apart:
        raise _too_short(found, count)
    # An origin behind which all series have a gap asks nobody, and an older one stands in for it.
    tried = (found.pair(horizon + back * apart) for back in range(3 * count))
    pairs = list(islice((pair for pair in tried if pair[1].any()), count))
    if len(pairs) < count:
        raise _too_short(found, count)
    return pairs[::-1]


def refuse_early(rows: Rows, contract: Contract, train: Array, test: Array) -> None:
    """Raise `BadInput` where a judging row is not later than every row of its series that teaches."""
    clock = Clock(contract)
    case, ids = cases.of_rows(rows, [column.name for column in contract.having("id")])
    moment = rows.column(clock.column.name)[0].astype("datetime64[ns]").astype(np.int64)
    newest = np.full(len(ids), np.iinfo(np.int64).min)
    np.maximum.at(newest, case[train], moment[train])
    early = test[moment[test] <= newest[case[test]]]
    if len(early):
        named = ", ".join(ids[int(case[early[0]])].values()) or "the series"
        raise BadInput(
            f"{len(early)} of the {len(test)} test rows are not later than the rows to learn from, "
            f"for example {clock.texts(moment[early[:1]])[0]} of {named}",
            where="the given test file",
            fix="Give test rows that follow the rows to learn from, series by series.",
            code="early-test",
        )


def _too_short(found: Ages, count: int) -> BadInput:
    longest, horizon = int(found.lengths.max(initial=0)), found.horizon
    least = 2 * horizon + count
    return BadInput(
        f"The longest series has {longest} steps to learn from; {count} origins with {horizon} steps ahead need {least}",
        where="contract, [series] horizon",
        fix="Set a shorter horizon in contract.toml, use fewer folds, or bring longer series.",
        code="too-few-rows",
    )
