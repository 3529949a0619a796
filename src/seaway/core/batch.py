"""What encoders make, models and engines see, and metrics read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Json = Any
Ids = Mapping[str, str]


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a caller would send about one case: a table's row, the rows of one series, the rows of one request."""

    rows: list[dict[str, Json]]
    options: dict[str, Json] = {}


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A soft break of the contract in one cell: the row is answered, flagged and logged."""

    row: int
    column: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one caller asks: rows as JSON objects, options declared by the contract, and how to answer."""

    rows: Sequence[Mapping[str, Json]]
    options: Mapping[str, Json] = field(default_factory=dict)
    ids: Sequence[Ids] = ()
    model: str = ""
    request_id: str = ""
    key: str = ""
    explain: bool = False
    partial: bool = False


class Glance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An ordinary request, read at once: `x` (rows, features) float32 as bytes, `logged` the JSON of its rows for the log."""

    x: bytes
    rows: int
    logged: bytes
    ids: Sequence[Ids] = ()
    request_id: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Cases as numbers: case c is the rows `starts[c]:starts[c+1]`, of which the first `seen[c]` are history.

    x (rows, features) float32; arrays by column name (rows, ...); starts (cases + 1,) int64; seen (cases,) int64;
    time (rows,) int64 nanoseconds since 1970 or None; options one mapping per case. The arrays are the batch's own.
    """

    x: Array
    starts: Array
    seen: Array
    arrays: Mapping[str, Array] = field(default_factory=dict)
    time: Array | None = None
    options: Sequence[Mapping[str, Json]] = ()
    flags: Sequence[Flag] = ()

    @staticmethod
    def of_rows(x: Array, arrays: Mapping[str, Array] | None = None, flags: Sequence[Flag] = ()) -> Batch:
        """Make a batch in which every row is a case of its own."""
        rows = len(x)
        return Batch(
            x=x,
            starts=np.arange(rows + 1, dtype=np.int64),
            seen=np.zeros(rows, dtype=np.int64),
            arrays=arrays or {},
            flags=flags,
        )

    @property
    def rows(self) -> int:
        """Number of rows, history included."""
        return len(self.x)

    @property
    def cases(self) -> int:
        """Number of cases: one prediction each."""
        return len(self.seen)

    @property
    def steps(self) -> Array:
        """How many rows each case is asked about (cases,): a horizon needs no field of its own."""
        return np.asarray(np.diff(self.starts) - self.seen)

    def rows_of(self, cases: Array) -> Array:
        """Return the numbers of the rows of the given cases, in that order."""
        spans = [np.arange(self.starts[case], self.starts[case + 1]) for case in cases]
        return np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)

    def take(self, cases: Array) -> Batch:
        """Return the batch of the given cases, in that order; flags do not travel."""
        rows = self.rows_of(cases)
        return Batch(
            x=self.x[rows],
            starts=np.concatenate([[0], np.cumsum(np.diff(self.starts)[cases])]).astype(np.int64),
            seen=self.seen[cases],
            arrays={name: values[rows] for name, values in self.arrays.items()},
            time=None if self.time is None else self.time[rows],
            options=[self.options[case] for case in cases] if self.options else (),
        )


def join(batches: Sequence[Batch]) -> Batch:
    """Put batches of one contract behind one another; flags keep their row numbers within the whole."""
    if len(batches) == 1:
        return batches[0]
    offsets = np.cumsum([0] + [batch.rows for batch in batches])
    first = batches[0]
    return Batch(
        x=np.concatenate([batch.x for batch in batches]),
        starts=np.concatenate(
            [batch.starts[:-1] + offset for batch, offset in zip(batches, offsets, strict=False)] + [offsets[-1:]]
        ).astype(np.int64),
        seen=np.concatenate([batch.seen for batch in batches]),
        arrays={name: np.concatenate([batch.arrays[name] for batch in batches]) for name in first.arrays},
        time=None if first.time is None else np.concatenate([b.time for b in batches if b.time is not None]),
        options=[option for batch in batches for option in batch.options],
        flags=[
            replace(flag, row=flag.row + int(offset))
            for batch, offset in zip(batches, offsets, strict=False)
            for flag in batch.flags
        ],
    )


def split(answers: Mapping[str, Array], counts: Sequence[int]) -> list[dict[str, Array]]:
    """Cut answers (cases, ...) into pieces of `counts` cases."""
    if len(counts) == 1:
        return [dict(answers)]
    edges = np.cumsum([0, *counts])
    return [{name: values[edges[i] : edges[i + 1]] for name, values in answers.items()} for i in range(len(counts))]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A batch to learn from or to be judged by.

    truth (rows,) float64, class codes or values, NaN where unknown; weight (rows,) or None. `case` (cases,) names what the
    bootstrap resamples together: a row's number in the data, a series' number. `scale` (cases,) is the in-sample error of
    a series' history that scaled metrics divide by, or None.
    """

    batch: Batch
    case: Array
    truth: Array | None = None
    weight: Array | None = None
    scale: Array | None = None

    def take(self, cases: Array) -> Sample:
        """Return the sample of the given cases."""
        rows = self.batch.rows_of(cases)
        return Sample(
            batch=self.batch.take(cases),
            case=self.case[cases],
            truth=None if self.truth is None else self.truth[rows],
            weight=None if self.weight is None else self.weight[rows],
            scale=None if self.scale is None else self.scale[cases],
        )


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """The one table every metric, calibration, gate and report reads: answers beside what came true.

    answer by output name (n, ...); truth (n,) float64 (class code or value); case (n,) int64, the unit the bootstrap
    resamples; step (n,) int64 counts from 1 along a series, 0 where a case is one prediction; weight (n,) or None; scale
    (n,) or None, the in-sample error that scaled metrics divide by.
    """

    answer: Mapping[str, Array]
    truth: Array | None
    case: Array
    step: Array
    weight: Array | None = None
    scale: Array | None = None

    @staticmethod
    def of_rows(answer: Mapping[str, Array], truth: Array | None, weight: Array | None = None) -> Outcomes:
        """Make the table where every row is a case."""
        count = len(next(iter(answer.values()))) if answer else 0
        return Outcomes(
            answer=answer,
            truth=truth,
            case=np.arange(count, dtype=np.int64),
            step=np.zeros(count, dtype=np.int64),
            weight=weight,
        )

    def __len__(self) -> int:
        return len(self.case)

    def take(self, index: Array) -> Outcomes:
        """Return the rows at `index` (positions or a mask)."""
        return Outcomes(
            answer={name: values[index] for name, values in self.answer.items()},
            truth=None if self.truth is None else self.truth[index],
            case=self.case[index],
            step=self.step[index],
            weight=None if self.weight is None else self.weight[index],
            scale=None if self.scale is None else self.scale[index],
        )

    def answered(self, answer: Mapping[str, Array]) -> Outcomes:
        """Return the same cases with other answers."""
        return replace(self, answer=answer)
