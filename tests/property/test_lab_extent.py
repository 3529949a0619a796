"""A sample of the rows never cuts a case, never takes a row twice, and stays within its count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seaway.lab.extent import chosen


@given(
    cases=st.lists(st.integers(-3, 12), min_size=1, max_size=80),
    count=st.integers(1, 100),
    seed=st.integers(0, 20),
)
def test_cases_are_drawn_whole(cases: list[int], count: int, seed: int) -> None:
    of_row = np.array(cases)
    rows = np.arange(len(cases)) * 2 + 5
    some = chosen(rows, of_row, count, seed)
    assert (np.diff(some) > 0).all()
    drawn = of_row[(some - 5) // 2]
    assert sorted(some) == sorted(rows[np.isin(of_row, drawn)])
    assert len(some) <= max(count, (of_row == drawn[0]).sum())
    assert len(some) >= 1
    assert np.array_equal(some, chosen(rows, of_row, count, seed))
