"""Asking about a data set: which of its rows are history, which are asked about, as numbers and as a client would send them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Ids, Query
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Rows
from seaway.data.encode import cases, laying, truth
from seaway.data.encode.clock import Clock
from seaway.data.encode.filling import STATIC
from seaway.data.encode.laying import Layout


@dataclass(frozen=True, kw_only=True)
class Question:
    """Rows of a data set as they are asked about: `known` and `asked` (n,) say of each of `rows` (n,) what it is.

    `target` (n,) is the truth, unknown where a row is only asked about; `case` and `ids` name the laid-out series.
    `steps` (cases,) is 0 where all is told; `whole` is the layout of everything known.
    """

    rows: Array
    known: Array
    asked: Array
    target: Array
    case: Array
    ids: Sequence[Ids]
    steps: Array
    layout: Layout
    whole: Layout


class Questioner:
    """Lays out the rows of data sets under one contract."""

    def __init__(self, contract: Contract, clock: Clock) -> None:
        assert contract.series is not None  # the clock has looked
        self._contract, self._clock, self._shape = contract, clock, contract.series
        self._ids = [column.name for column in contract.having("id")]
        self._last: tuple[Rows, Array, list[Ids]] | None = None

    def cases(self, rows: Rows) -> tuple[Array, list[Ids]]:
        """Return the case of each row and the ids of each case; remembers the last table, which is asked about repeatedly."""
        if self._last is None or self._last[0] is not rows:
            self._last = (rows, *cases.of_rows(rows, self._ids))
        return self._last[1], self._last[2]

    def question(self, data: Dataset, known: Array, asked: Array) -> Question:
        """Lay out each series with an asked row and a known value: its known history, and the asked rows behind it.

        Where all asked rows are known too, the series is laid out whole and nothing is asked. Otherwise history is the
        newest `series.history` lines, and steps reach to the last asked row, at most to the horizon.
        """
        every, names = self.cases(data.rows)
        kind = np.zeros(len(data.rows), dtype=np.int8)
        kind[known] = 1
        kind[asked] |= 2
        wanted = np.zeros(len(names), dtype=bool)
        wanted[every[asked]] = True
        target = truth.column(self._contract, data.rows)
        assert target is not None  # a contract of series has one
        told = np.zeros(len(names), dtype=bool)
        told[every[(kind & 1 > 0) & ~np.isnan(target)]] = True
        rows = np.flatnonzero((kind > 0) & (wanted & told)[every])
        kind, series = kind[rows], every[rows]
        case, own = np.unique(series, return_inverse=True)
        is_known = kind & 1 > 0
        moments = _moments(data.rows, self._clock, rows)
        known_target = np.where(is_known, target[rows], np.nan)
        placed = laying.place(own, moments, ~np.isnan(known_target), self._clock.frequency, len(case))
        # Placed rows are in another order than the given ones; asked rows behind the origin are the steps.
        reach = placed.place - placed.origin[placed.case]
        steps = np.zeros(len(case), dtype=np.int64)
        only_asked = (kind == 2)[placed.row]
        np.maximum.at(steps, placed.case[only_asked], reach[only_asked])
        steps = np.clip(steps, 0, self._shape.horizon)
        whole = laying.lay(placed, self._clock.frequency, 0, np.zeros(len(case), dtype=np.int64))
        layout = whole
        if steps.any():
            layout = laying.lay(placed, self._clock.frequency, np.where(steps > 0, self._shape.history, 0), steps)
        return Question(
            rows=rows,
            known=is_known,
            asked=kind & 2 > 0,
            target=target[rows],
            case=case,
            ids=[names[one] for one in case.tolist()],
            steps=steps,
            layout=layout,
            whole=whole,
        )

    def queries(self, data: Dataset, question: Question) -> list[Query]:
        """Return the question as a client would ask it: one query per case, history then what is known of the rows ahead."""
        layout = question.layout
        columns = self._contract.columns
        told = [column.name for column in columns if column.role in ("id", "time", "target", "feature")]
        known_ahead = [
            column.name
            for column in columns
            if column.role in ("id", "time") or (column.role == "feature" and (column.ahead or column.part == STATIC))
        ]
        ahead = layout.ahead[layout.line]
        records = data.rows.records(question.rows[layout.row])
        made: list[list[dict[str, object]]] = [[] for _ in question.case]
        for case, row, is_ahead, known in zip(
            layout.case[layout.line].tolist(), records, ahead.tolist(), question.known[layout.row].tolist(), strict=True
        ):
            sent = {name: row[name] for name in (known_ahead if is_ahead else told) if name in row}
            if not is_ahead and not known:
                sent[self._contract.having("target")[0].name] = None
            made[case].append(sent)
        return [
            Query(rows=rows, options={"horizon": int(steps)} if steps else {})
            for rows, steps in zip(made, question.steps.tolist(), strict=True)
        ]


def _moments(rows: Rows, clock: Clock, index: Array) -> Array:
    values, _ = rows.column(clock.column.name)
    return np.asarray(values[index].astype("datetime64[ns]").astype(np.int64))
