"""Which witness requests ship with a bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seaway.release.vectors import LIMIT, choose

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from("xyz"),
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abc"), CELLS), min_size=1, max_size=120)


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
def test_every_kind_of_cell_is_kept_and_no_request_comes_twice(rows: list[dict[str, Any]], limit: int) -> None:
    chosen = choose(rows, limit)
    assert len(chosen) == min(limit, len(rows))
    assert (np.diff(chosen) > 0).all()
    kept = [rows[place] for place in chosen]
    assert kinds(kept) == kinds(rows)
    for name in "abc":
        all_numbers = numbers(rows, name)
        if all_numbers:
            assert min(numbers(kept, name)) == min(all_numbers)
            assert max(numbers(kept, name)) == max(all_numbers)


def test_few_requests_all_ship() -> None:
    assert choose([{"a": 1.0}] * 5).tolist() == [0, 1, 2, 3, 4]


def test_many_requests_are_thinned_evenly() -> None:
    chosen = choose([{"a": float(number)} for number in range(10 * LIMIT)])
    assert len(chosen) == LIMIT
    assert np.diff(chosen).max() <= 12


def test_more_kinds_than_places_fill_every_place() -> None:
    chosen = choose([{"a": f"text {number}"} for number in range(100)], limit=10)
    assert len(chosen) == 10
