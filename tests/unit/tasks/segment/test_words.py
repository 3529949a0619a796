from __future__ import annotations

import msgspec
import numpy as np

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.engines.clusters import points
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.portrait import portrait
from seaway.tasks.segment.standardise import space_of
from seaway.tasks.segment.words import notes
from tests.unit.tasks.segment.groups import CONTRACT, fitted, kinds, sample


def told(x: Array, segment: Array, segments: int = 2, contract: Contract = CONTRACT) -> tuple[str, ...]:
    space = space_of(x, contract)
    found = notes(portrait(space, x, points(space, x), segment, segments), contract)
    return tuple(note.replace("\u00a0", " ") for note in found)  # units stay on the line of their number


def plain(rows: int = 200) -> Array:
    """Rows in which nothing but the constant differs by segment, until a test changes a column."""
    x, _ = kinds(rows, 3)
    x[:, 0], x[:, 1] = 170 + np.arange(rows) % 10, 100 + np.arange(rows) % 7
    x[:, 2], x[:, 3] = 2 + np.arange(rows) % 3, np.arange(rows) % 2
    return x


def halves(rows: int = 200) -> Array:
    return (np.arange(rows) >= rows * 3 // 4).astype(np.int64)


def test_money_is_told_in_times_with_its_unit() -> None:
    x = plain()
    x[halves() == 1, 1] = 900.0
    large, small = told(x, halves())
    assert small.startswith("25% of the rows (50): spent 3.0 times the average (900 against 302 GBP)")
    assert large.startswith("75% of the rows (150): spent 34% of the average (103 against 302 GBP)")


def test_what_may_be_below_zero_is_above_or_below() -> None:
    x = plain()
    x[halves() == 1, 0] = 199.0
    _, small = told(x, halves())
    assert "height above the average (199 against 181 cm)" in small


def test_categories_and_yes_and_no_are_told_in_shares() -> None:
    x = plain()
    x[halves() == 1, 2], x[halves() == 1, 3] = 5, 1
    _, small = told(x, halves())
    assert "country Malta in 100% against 25%" in small
    assert "member in 100% against 62%" in small


def test_a_missing_category_has_a_word() -> None:
    x = plain()
    x[halves() == 1, 2] = 0
    assert "country missing in 100% against 25%" in told(x, halves())[1]


def test_segments_that_do_not_differ_and_those_without_rows_say_so() -> None:
    x = plain()
    (everyone,) = told(x, np.zeros(200, dtype=np.int64), 1)
    assert everyone == "100% of the rows (200): much like the rows as a whole"
    assert told(x, halves(), 3)[2] == "0% of the rows (0): no training row is here"


def test_a_shift_is_put_back() -> None:
    shifted = msgspec.structs.replace(
        CONTRACT,
        columns=(Column(name="height", kind="number", shift=1000.0, unit="m"), *CONTRACT.columns[1:]),
    )
    x = plain()
    x[halves() == 1, 0] = 199.0
    assert "height above the average (1199 against 1181 m)" in told(x, halves(), contract=shifted)[1]


def test_what_sets_known_kinds_apart_is_what_made_them() -> None:
    found = notes(fitted(KMeans(), sample(), {"segments": 3}).portrait, CONTRACT)
    assert len(found) == 3
    sizes = [float(note.split("%")[0]) for note in found]
    assert sizes == sorted(sizes, reverse=True)
    assert "member in" in found[2]
    assert "times the average" in found[2]
    assert all("constant" not in one and "empty" not in one for one in found)
