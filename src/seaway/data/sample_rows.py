"""Rows a client could send, made from columns: every category, missing, unseen, extreme and edge value, then chance.

Each column's list of telling values
is dealt out over the rows side by side: as many rows as the longest list, not as the product or the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seaway.core.batch import Array, Json
from seaway.core.chance import rng
from seaway.core.contract import Column
from seaway.data.encode import times
from seaway.data.encode.cell import ABSENT, Broken, reader
from seaway.data.encode.rules import EXACT, LARGEST, Rules

UNSEEN = "a category never seen"
Row = dict[str, Json]
Draw = Callable[[np.random.Generator], Json]


def rows(columns: Sequence[Column], edges: Mapping[int, Array], count: int, seed: int) -> list[Row]:
    """Return at least `count` JSON rows of the columns that feed the matrix, each accepted by itself.

    A number's edge comes with both float32 neighbours, written so that they encode to exactly those float32s.
    """
    generator = rng("sample", seed)
    fed = [column for column in columns if column.encoded]
    telling: dict[str, list[Json]] = {}
    draws: dict[str, Draw] = {}
    place = 0
    for column in fed:
        steps = [
            np.asarray(edges[at], dtype=np.float64) for at in range(place, place + len(column.encoded)) if at in edges
        ]
        telling[column.name] = _accepted(column, _telling(column, np.concatenate(steps) if steps else np.zeros(0)))
        draws[column.name] = _draw(column, telling[column.name])
        place += len(column.encoded)
    dealt = _dealt(telling, draws, generator)
    return dealt + [_random(draws, generator) for _ in range(count - len(dealt))]


def reaching(column: Column, wanted: float) -> float | int | None:
    """Return a JSON number that encodes to exactly the float32 `wanted`; None where the column has none."""
    target = np.float32(wanted)
    start = float(target) + column.shift
    candidates = [start, math.nextafter(start, math.inf), math.nextafter(start, -math.inf)]
    if column.kind == "integer":
        candidates = [float(round(value)) for value in (start, start - 0.5, start + 0.5) if math.isfinite(value)]
    for value in candidates:
        if np.float32(value - column.shift) == target and abs(value) <= LARGEST:
            if column.kind == "integer":
                return int(value) if abs(value) <= EXACT else None
            return value
    return None


def _telling(column: Column, edges: Array) -> list[Json]:
    """List the values of one column that may tell a right program from a wrong one."""
    empty: list[Json] = [None, ABSENT]
    if column.kind == "boolean":
        return [True, False, *empty]
    if column.kind == "category":
        return [*column.categories, *empty, UNSEEN]
    if column.kind == "time":
        return [*_moments(column), *empty]
    return [*_numbers(column, edges), *empty]


def _numbers(column: Column, edges: Array) -> list[Json]:
    wanted: list[float] = []
    for edge in np.unique(edges[np.isfinite(edges)]):
        if abs(edge) > LARGEST:
            continue
        nearest = np.float32(edge)
        wanted += [
            float(nearest),
            float(np.nextafter(nearest, np.float32(-np.inf))),
            float(np.nextafter(nearest, np.float32(np.inf))),
        ]
    found: list[Json] = [reaching(column, value) for value in wanted if abs(value) <= LARGEST]
    if column.kind == "integer":  # between two whole numbers an edge has no neighbours of its own: take those numbers
        found += [int(value) for edge in edges[np.isfinite(edges)] for value in _whole_around(edge + column.shift)]
    low, high = column.range or (-1000.0, 1000.0)
    width = high - low or 1.0
    extremes = [low, high, 0.0, low - width, high + width, low - 1000 * width, high + 1000 * width]
    found += [int(value) if column.kind == "integer" else value for value in extremes if abs(value) <= EXACT]
    if column.kind == "number":
        found += [1e-30, LARGEST / 16, -LARGEST / 16]
    return list(dict.fromkeys(value for value in found if value is not None))


def _whole_around(edge: float) -> list[float]:
    if abs(edge) > EXACT:
        return []
    return [math.floor(edge) - 1, math.floor(edge), math.ceil(edge), math.ceil(edge) + 1]


def _moments(column: Column) -> list[Json]:
    """Times that show each part at each of its values: 366 days over the hours, minutes and seconds of a day."""
    first = 1_704_067_200 * times.SECOND  # 2024-01-01, a leap year
    moments = [
        first + day * times.DAY + (day % 24) * 3600 * times.SECOND + (day * 7 % 3600) * times.SECOND
        for day in range(366)
    ]
    far = [0, -1, first - 40 * 366 * times.DAY, first + 40 * 366 * times.DAY]
    return [times.text(moment, column.format) for moment in [*moments, *far]]


def _accepted(column: Column, values: Sequence[Json]) -> list[Json]:
    """Leave out what the contract refuses: a vector must have an answer."""
    read = reader(Rules.of(column))
    kept = []
    for value in values:
        try:
            read(value, 0, [])
        except Broken:
            continue
        kept.append(value)
    return kept


def _draw(column: Column, telling: Sequence[Json]) -> Draw:
    """Return how a random value of the column is drawn: one in ten is a telling one."""
    common = [value for value in telling if value is not None and value is not ABSENT and value != UNSEEN] or [None]
    low, high = column.range or (0.0, 1.0)

    def draw(generator: np.random.Generator) -> Json:
        if column.kind in ("number", "integer") and generator.random() > 0.1:
            return _between(column, generator.uniform(low, high))
        values = telling if telling and generator.random() < 0.1 else common
        return values[int(generator.integers(len(values)))]

    return draw


def _between(column: Column, value: float) -> Json:
    if column.kind == "integer":
        return round(value)
    return value


def _dealt(
    telling: Mapping[str, Sequence[Json]], draws: Mapping[str, Draw], generator: np.random.Generator
) -> list[Row]:
    """Deal each column's telling values over the rows in an order of its own; a column that has run out is drawn."""
    height = max((len(values) for values in telling.values()), default=0)
    rows: list[Row] = [{} for _ in range(height)]
    for name, values in telling.items():
        order = generator.permutation(height)
        for number, at in enumerate(order.tolist()):
            _put(rows[at], name, values[number] if number < len(values) else draws[name](generator))
    return [{name: row[name] for name in telling if name in row} for row in rows]


def _random(draws: Mapping[str, Draw], generator: np.random.Generator) -> Row:
    row: Row = {}
    for name, draw in draws.items():
        _put(row, name, draw(generator))
    return row


def _put(row: Row, name: str, value: Any) -> None:
    if value is not ABSENT:
        row[name] = value
