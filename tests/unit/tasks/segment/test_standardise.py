from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.errors import BadInput
from seaway.engines.clusters import points
from seaway.tasks.segment.standardise import space_of
from tests.unit.tasks.segment.groups import CONTRACT, kinds


def test_every_number_is_centered_and_of_unit_spread() -> None:
    x, _ = kinds()
    space = space_of(x, CONTRACT)
    z = points(space, x)
    assert space.numbers.tolist() == [0, 1, 3], "constant and empty columns have no say"
    known = ~np.isnan(x[:, 0])
    assert np.allclose([z[known, 0].mean(), z[:, 1].mean()], 0, atol=1e-9)
    assert np.allclose([z[known, 0].std(), z[:, 1].std()], 1)
    assert z[~known, 0] == pytest.approx((np.median(x[known, 0].astype(float)) - space.center[0]) / space.scale[0])


def test_a_long_tail_counts_in_times_and_an_even_column_in_steps() -> None:
    x, _ = kinds()
    space = space_of(x, CONTRACT)
    assert space.unit[0] == 0.0
    assert space.unit[1] > 0.0
    steps = np.tile(x[:1], (4, 1))
    steps[:, 1] = [10, 100, 1000, 10000]
    gaps = np.diff(points(space, steps)[:, 1])
    assert np.allclose(gaps[1:], gaps[1], rtol=0.1)


def test_different_categories_lie_one_apart_and_so_do_yes_and_no() -> None:
    x, _ = kinds()
    space = space_of(x, CONTRACT)
    rows = np.tile(x[:1], (5, 1))
    rows[:, 2] = [2, 3, 4, 1, 17]  # France, Spain, Italy, other, a code nobody knows
    z = points(space, rows)
    apart = np.linalg.norm(z[:, None] - z[None], axis=2)
    assert np.allclose(apart[:3, :3], 1 - np.eye(3))
    assert np.allclose(apart[3, :3], 1)
    assert apart[3, 4] == 0, "unseen counts as other"
    rows[:2, 2], rows[:2, 3] = 2, [0, 1]
    z = points(space, rows[:2])
    assert np.linalg.norm(z[0] - z[1]) == pytest.approx(1)


def test_rare_categories_lie_together() -> None:
    x, _ = kinds(2000)
    x[:, 2] = 2 + (np.arange(2000) % 2)
    x[:3, 2] = 5
    space = space_of(x, CONTRACT)
    (table,) = space.tables
    assert table.shape == (6, 3)
    assert (table[5] == table[1]).all()


@settings(max_examples=25)
@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 50))
def test_no_unit_matters(factor: float, seed: int) -> None:
    """Pounds or pence, metres or feet: the points are the same, long tail or not."""
    x, _ = kinds(120, seed)
    other = x.copy()
    other[:, :2] = x[:, :2] * np.float32(factor)
    first, second = (points(space_of(one, CONTRACT), one) for one in (x, other))
    assert np.allclose(first, second, atol=1e-4)


def test_rows_that_are_all_alike_are_refused() -> None:
    x = np.tile(kinds(1)[0], (80, 1))
    with pytest.raises(BadInput, match="No column varies"):
        space_of(x, CONTRACT)
