"""Series a client could send, made from a contract: every length of history and every way in which one can be odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np

from seaway.core.batch import Array, Json, Query
from seaway.core.chance import rng
from seaway.core.contract import Column, Contract
from seaway.core.errors import BrokenContract
from seaway.data import sample_rows
from seaway.data.encode.cell import ABSENT
from seaway.data.encode.clock import Clock
from seaway.data.encode.filling import STATIC
from seaway.data.encode.frequency import Grid
from seaway.data.encode.series import SeriesEncoder
from seaway.data.encode.times import SECOND

MOST_ROWS, SHORT = 9_000, 60
"""Rows of all queries together, about 0.7 MB of JSON; most histories are short, a few are as long as the contract's."""
STARTS = (
    datetime(2024, 2, 26, tzinfo=UTC),  # over a leap day
    datetime(2023, 12, 18, tzinfo=UTC),  # over a year's end
    datetime(2024, 3, 30, tzinfo=UTC),  # clocks are set forward in Europe
    datetime(2024, 10, 26, tzinfo=UTC),  # and back
    datetime(2024, 11, 2, tzinfo=UTC),  # and back in America
    datetime(2021, 7, 5, tzinfo=UTC),
)
Shape = Callable[[Array, np.random.Generator], Array]

SHAPES: Mapping[str, Shape] = {
    "season": lambda t, g: 100 + 20 * np.sin(t / 3.7) + g.normal(0, 3, len(t)),
    "walk": lambda t, g: 50 + np.cumsum(g.normal(0, 1, len(t))),
    "constant": lambda t, g: np.full(len(t), 7.25),
    "zero": lambda t, g: np.zeros(len(t)),
    "rare": lambda t, g: np.where(g.random(len(t)) < 0.2, g.integers(1, 9, len(t)), 0).astype(np.float64),
    "negative": lambda t, g: -40 + g.normal(0, 5, len(t)),
    "huge": lambda t, g: 1e12 * (1 + 0.1 * g.normal(0, 1, len(t))),
    "tiny": lambda t, g: 1e-9 * (1 + 0.1 * g.normal(0, 1, len(t))),
    "step": lambda t, g: np.where(t < len(t) / 2, 5.0, 500.0),
    "outlier": lambda t, g: 10 + g.normal(0, 1, len(t)) + 1e5 * (t == len(t) // 2),
}


def queries(contract: Contract, seed: int) -> list[Query]:
    """Return queries of one series each, all of which the contract accepts; fixed by the seed."""
    return _Maker(contract, seed).queries()


class _Maker:
    def __init__(self, contract: Contract, seed: int) -> None:
        assert contract.series is not None  # the encoder looks
        self._contract, self._shape = contract, contract.series
        self._encoder, self._clock = SeriesEncoder(contract), Clock(contract)
        self._generator = rng("sample-series", seed)
        self._features = [column for column in contract.columns if column.role == "feature" and column.encoded]
        # Features are dealt out once over more rows than any series has: every telling value stands somewhere.
        self._pool = sample_rows.rows(self._features, {}, 400, seed)
        self._used = 0

    def queries(self) -> list[Query]:
        """Return the queries in the order of their kinds."""
        made: list[Query] = []
        rows = 0
        for number, (shape, length, horizon) in enumerate(self._kinds()):
            query = self._query(number, shape, length, horizon)
            if rows + len(query.rows) > MOST_ROWS or not self._accepts(query):
                continue
            made.append(query)
            rows += len(query.rows)
        return made

    def _kinds(self) -> list[tuple[str, int, int]]:
        """List (shape, rows of history, horizon): every shape with short and longer histories, then every short length."""
        history, season, most = max(self._shape.history, 1), self._shape.season, self._shape.horizon
        horizons = list(dict.fromkeys((most, 1, max(1, most // 2), min(most, season))))
        short = [1, 2, 3, 5, 8, 13, 21, 34]
        telling = [season - 1, season, season + 1, 2 * season, 2 * season + 1, history - 1, history, history + 3]
        lengths = list(dict.fromkeys(max(1, min(length, history + 3)) for length in [*short, *telling]))
        shapes = list(SHAPES)
        found = [("season", length, horizons[place % len(horizons)]) for place, length in enumerate(lengths)]
        found += [(shape, min(SHORT, history), horizons[place % len(horizons)]) for place, shape in enumerate(shapes)]
        found += [(shape, 3, most) for shape in shapes]
        found += [
            (shapes[int(self._generator.integers(len(shapes)))], int(length), horizons[place % len(horizons)])
            for place, length in enumerate(self._generator.integers(1, min(SHORT, history) + 1, 120))
        ]
        return found

    def _query(self, number: int, shape: str, length: int, horizon: int) -> Query:
        generator = self._generator
        values = SHAPES[shape](np.arange(length, dtype=np.float64), generator)
        moments = self._moments(number, length + horizon)
        ids = self._ids(number)
        static = {
            column.name: value for column in self._features if column.part == STATIC for value in [self._draw(column)]
        }
        told = generator.random(length) >= (0.15 if number % 3 == 1 else 0.0)
        sent = generator.random(length) >= (0.15 if number % 4 == 2 and self._shape.gaps != "error" else 0.0)
        told[-1] = sent[0] = sent[-1] = True
        target = self._contract.having("target")[0].name
        rows = []
        for place in np.flatnonzero(sent).tolist():
            row = {
                **ids,
                self._clock.column.name: moments[place],
                target: float(values[place]) if told[place] else None,
            }
            rows.append(row | self._row(static, self._features))
        ahead = [column for column in self._features if column.ahead or column.part == STATIC]
        if ahead and number % 5 != 4:  # now and then a client knows nothing ahead
            rows += [{**ids, self._clock.column.name: moment} | self._row(static, ahead) for moment in moments[length:]]
        if number % 7 == 3:
            rows = rows[::-1]
        options = {"horizon": horizon} if horizon != self._shape.horizon or number % 2 else {}
        return Query(rows=rows, options=options)

    def _moments(self, number: int, count: int) -> list[str]:
        """Return times on the grid that begin before something the calendar does."""
        frequency = self._clock.frequency
        start = int(STARTS[number % len(STARTS)].timestamp()) * SECOND
        if self._clock.zone is not None:
            start += 20 * 3600 * SECOND  # clocks are set in the night: even a short history sees it
        anchor = np.array([start], dtype=np.int64)
        zero = np.zeros(count, dtype=np.int64)
        day = frequency.grid(anchor, np.array([0, 1])).day
        return self._clock.texts(frequency.moments(np.arange(count), Grid(anchor, day).take(zero)))

    def _ids(self, number: int) -> dict[str, Json]:
        return {
            column.name: number if number % 4 == 1 else f"series {number}" for column in self._contract.having("id")
        }

    def _row(self, static: Mapping[str, Json], columns: list[Column]) -> dict[str, Json]:
        row = self._pool[self._used % len(self._pool)]
        self._used += 1
        found = {column.name: row[column.name] for column in columns if column.name in row and column.part != STATIC}
        return found | {name: value for name, value in static.items() if value is not ABSENT}

    def _draw(self, column: Column) -> Json:
        row = self._pool[int(self._generator.integers(len(self._pool)))]
        return row.get(column.name, ABSENT)

    def _accepts(self, query: Query) -> bool:
        """Say whether the contract has an answer: limits made hard leave some shapes out."""
        try:
            self._encoder.request(query.rows, query.options)
        except BrokenContract:
            return False
        return True
