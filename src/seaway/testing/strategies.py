"""Hypothesis strategies: what a contract allows, contracts themselves, and series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from seaway.core.batch import Json, Query
from seaway.core.contract import Column, Contract, Output
from seaway.data import sample
from seaway.data.encode import times
from seaway.data.encode.cell import ABSENT, Broken, reader
from seaway.data.encode.rules import EXACT, LARGEST, Rules

POOL = 40
EPOCH = datetime(2024, 1, 1)  # noqa: DTZ001 - wall time: the zone, if any, is the contract's
WORDS = ("red", "green", "blue", "7", "ä", "none")


def values_of(column: Column) -> st.SearchStrategy[Json]:
    """Draw JSON values that a column accepts: common, extreme, unseen; null and `ABSENT` where they may be."""
    read = reader(Rules.of(column))

    def accepted(value: Json) -> bool:
        try:
            read(value, 0, [])
        except Broken:
            return False
        return True

    return st.one_of(_plain(column), st.none(), st.just(ABSENT)).filter(accepted)


def rows_of(contract: Contract) -> st.SearchStrategy[dict[str, Json]]:
    """Draw one row with a value for each column that is fed to the model."""
    return st.fixed_dictionaries({column.name: values_of(column) for column in contract.columns if column.encoded}).map(
        _without_absent
    )


def queries_of(contract: Contract) -> st.SearchStrategy[Query]:
    """Draw what a client could send about one case, and must get an answer to.

    A series is one of those made of the contract, cut short and with other values in the columns that are fed.
    """
    if contract.series is None:
        return rows_of(contract).map(lambda row: Query(rows=[row]))
    return _series_queries(contract, sample.sample(contract, {}, POOL, 0))


@st.composite
def _series_queries(draw: st.DrawFn, contract: Contract, pool: Sequence[Query]) -> Query:
    query = draw(st.sampled_from(pool))
    target = contract.target
    name = target.name if target else ""
    rows = [dict(row) for row in query.rows]
    known = [place for place, row in enumerate(rows) if row.get(name) is not None]
    if len(known) > 1:  # the newest known row stays: without one there is nothing to go on
        rows = rows[draw(st.integers(0, known[-1])) :]
    for column in contract.columns:
        if not column.encoded and column.name != name:
            continue
        if column.kind == "time" or column.part == "static":
            continue
        for place in draw(st.lists(st.integers(0, len(rows) - 1), max_size=3, unique=True)):
            is_future = rows[place].get(name) is None
            if column.name == name:
                if not is_future:
                    rows[place][name] = draw(st.floats(-1e6, 1e6))
            else:
                value = draw(values_of(column))
                rows[place].pop(column.name, None)
                rows[place].update(_without_absent({column.name: value}))
    return Query(rows=rows, options=query.options)


def _without_absent(row: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in row.items() if value is not ABSENT}


def _plain(column: Column) -> st.SearchStrategy[Json]:
    """Draw values of a column's kind."""
    low, high = column.range or (-1000.0, 1000.0)
    if column.kind == "boolean":
        return st.booleans()
    if column.kind == "category":
        return st.one_of(st.sampled_from([*column.categories, *WORDS]), st.text(max_size=8))
    if column.kind == "time":
        moments = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - wall time
        return moments.map(lambda moment: times.text(_nanoseconds(moment), column.format))
    if column.kind == "integer":
        return st.one_of(st.integers(int(low), max(int(low), int(high))), st.integers(-EXACT, EXACT))
    return st.one_of(
        st.floats(low, high),
        st.floats(-LARGEST / 16, LARGEST / 16),
        st.sampled_from([0.0, -0.0, 1e-45, 5e-324, 1e-30]),
        st.integers(-1000, 1000),
    )


def _nanoseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1)).total_seconds()) * times.SECOND  # noqa: DTZ001 - wall time


@st.composite
def contracts_of_rows(draw: st.DrawFn) -> Contract:
    """Draw a contract of a table with one to five features of any kind, and a number as its answer."""
    features = [draw(_feature(f"c{place}")) for place in range(draw(st.integers(1, 5)))]
    return Contract(task="any", per="row", columns=tuple(features), outputs=(Output(name="value", kind="number"),))


@st.composite
def _feature(draw: st.DrawFn, name: str) -> Column:
    kind = draw(st.sampled_from(["number", "integer", "boolean", "category", "time"]))
    extra: dict[str, Any] = {}
    if kind in ("number", "integer"):
        low = draw(st.integers(-100, 100))
        extra["range"] = draw(st.sampled_from([None, (float(low), float(low + draw(st.integers(0, 50))))]))
        extra["outside"] = draw(st.sampled_from(["flag", "missing", "error"]))
        extra["shift"] = draw(st.sampled_from([0.0, 1_700_000_000.0]))
    if kind == "category":
        extra["categories"] = tuple(draw(st.lists(st.sampled_from(WORDS), unique=True)))
        extra["unseen"] = draw(st.sampled_from(["other", "missing", "error"])) if extra["categories"] else "other"
    if kind == "time":
        extra["parts"] = tuple(draw(st.sets(st.sampled_from(["year", "month", "weekday", "hour"]), min_size=1)))
    return Column(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        absent=draw(st.sampled_from(["null", "error"])),
        null=draw(st.sampled_from(["missing", "error"])),
        **extra,
    )


@st.composite
def series_of(
    draw: st.DrawFn, *, step: timedelta = timedelta(days=1), most: int = 60, ids: tuple[str, ...] = ("a", "b")
) -> list[dict[str, Json]]:
    """Draw records {id, at, value} of one or more series on a grid, in any order; some periods and values are missing."""
    records: list[dict[str, Json]] = []
    for name in draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)):
        first, length = draw(st.integers(0, 30)), draw(st.integers(2, most))
        gaps = draw(st.sets(st.integers(1, length - 1), max_size=length // 4))
        for place in range(length):
            if place in gaps:
                continue
            value = draw(st.one_of(st.floats(-1e6, 1e6), st.integers(-1000, 1000), st.none()))
            moment = EPOCH + step * (first + place)
            text = moment.date().isoformat() if step >= timedelta(days=1) else moment.isoformat()
            records.append({"id": name, "at": text, "value": value})
    return draw(st.permutations(records))
