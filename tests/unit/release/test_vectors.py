"""Which witness queries ship with a bundle."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Query
from seaway.core.contract import Column, Contract
from seaway.release.vectors import LIMIT, choose

CONTRACT = Contract(
    task="any",
    per="row",
    columns=tuple(Column(name=name, kind="category") for name in "abc"),
)
SERIES = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="shop", kind="category", role="id", encode="none"),
        Column(name="day", kind="time", role="time", encode="none"),
        Column(name="promo", kind="category"),
        Column(name="sales", kind="number", role="target", encode="array"),
    ),
    options=(Column(name="horizon", kind="integer"),),
)

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from("xyz"),
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), CELLS), min_size=1, max_size=120)


def of(rows: list[dict[str, Any]]) -> list[Query]:
    return [Query(rows=[row]) for row in rows]


def kinds(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return every kind of cell: a text, a truth value, null or absence by column."""
    return {
        (name, repr(row.get(name, ...)))
        for row in rows
        for name in {name for row in rows for name in row}
        if not isinstance(row.get(name, ...), int | float) or isinstance(row.get(name), bool)
    }


def numbers(rows: list[dict[str, Any]], name: str) -> list[float]:
    found = [row[name] for row in rows if name in row]
    return [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]


@given(rows=ROWS, limit=st.integers(30, 60))
def test_every_kind_of_cell_is_kept_and_no_query_comes_twice(rows: list[dict[str, Any]], limit: int) -> None:
    chosen = choose(of(rows), CONTRACT, limit=limit)
    assert len(chosen) == min(limit, len(rows))
    assert (np.diff(chosen) > 0).all()
    kept = [rows[place] for place in chosen]
    assert kinds(kept) == kinds(rows)
    for name in "abc":
        all_numbers = numbers(rows, name)
        if all_numbers:
            assert min(numbers(kept, name)) == min(all_numbers)
            assert max(numbers(kept, name)) == max(all_numbers)


def test_few_queries_all_ship() -> None:
    assert choose(of([{"a": 1.0}] * 5), CONTRACT).tolist() == [0, 1, 2, 3, 4]


def test_no_query_is_no_vector() -> None:
    assert choose([], CONTRACT).tolist() == []


def test_many_queries_are_thinned_evenly() -> None:
    chosen = choose(of([{"a": float(number)} for number in range(10 * LIMIT)]), CONTRACT)
    assert len(chosen) == LIMIT
    assert np.diff(chosen).max() <= 12


def test_more_kinds_than_places_fill_every_place() -> None:
    chosen = choose(of([{"a": f"text {number}"} for number in range(100)]), CONTRACT, limit=10)
    assert len(chosen) == 10


def series(number: int, length: int, **changes: Any) -> Query:
    rows = [
        {"shop": f"s{number}", "day": f"day {number}-{at}", "promo": "no", "sales": 1.0 * at} for at in range(length)
    ]
    rows[-1] |= changes
    return Query(rows=rows, options={"horizon": 1 + number % 7})


def test_the_shortest_and_the_longest_history_and_each_horizon_ship() -> None:
    queries = [series(number, 5) for number in range(100)]
    queries[61], queries[62], queries[63] = series(61, 1), series(62, 9), series(63, 5, promo="yes")
    queries[64] = Query(rows=queries[64].rows, options={})
    chosen = choose(queries, SERIES, limit=20)
    assert len(chosen) == 20
    assert {61, 62, 63, 64} <= set(chosen.tolist())
    assert {queries[place].options.get("horizon") for place in chosen} >= {None, 1, 7}


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60), size=st.integers(100, 20_000))
def test_queries_about_long_series_ship_within_the_bytes(lengths: list[int], size: int) -> None:
    queries = [series(number, length) for number, length in enumerate(lengths)]
    chosen = choose(queries, SERIES, size=size)
    assert len(chosen) >= 1
    assert len(chosen) == 1 or sum(len(msgspec.json.encode(queries[place])) for place in chosen) <= size
