"""Content hashes: fixed for ever, equal for equal rows, different for different ones."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from seaway.data.hashing import fingerprint, row_hashes
from seaway.data.rows import Table

FRAME = pl.DataFrame(
    {
        "n": [0.5, None, -0.0],
        "i": [1, 2, None],
        "s": ["a", "", None],
        "b": [True, None, False],
        "t": [datetime(2024, 1, 1), None, datetime(1960, 1, 1)],
    }
)


def test_hashes_and_fingerprints_never_change() -> None:
    """A changed value here means that every recorded run would be split anew: raise the format instead."""
    rows = Table(FRAME)
    assert row_hashes(rows, rows.names, "test", 0).tolist() == [
        5749830383469611426,
        16240959780232947947,
        11603510601127287387,
    ]
    assert fingerprint(rows) == "19ff6bad0c30055b92a45f7ad177c6dbd4182352760c6a4a2cc4263d90115f1b"


def test_two_zeros_are_one_number_and_missing_is_no_zero() -> None:
    hashes = row_hashes(Table(pl.DataFrame({"n": [0.0, -0.0, None]})), ["n"])
    assert hashes[0] == hashes[1] != hashes[2]
    hashes = row_hashes(Table(pl.DataFrame({"s": ["", None, "None"]})), ["s"])
    assert len(set(hashes.tolist())) == 3


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=30))
def test_rows_have_one_hash_exactly_when_they_are_equal(cells: list[tuple[int, str, bool]]) -> None:
    rows = Table(pl.DataFrame(cells, schema=["i", "s", "b"], orient="row"))
    hashes = row_hashes(rows, rows.names, 7).tolist()
    assert len(set(hashes)) == len(set(cells))
    assert row_hashes(rows.take(np.arange(len(cells))[::-1]), rows.names, 7).tolist() == hashes[::-1]


def test_the_seed_and_the_columns_count() -> None:
    rows = Table(FRAME)
    seen = {
        tuple(row_hashes(rows, names, seed).tolist()) for names in (["n"], ["i"], ["n", "i"]) for seed in (0, 1, "0")
    }
    assert len(seen) == 9


def test_moving_a_letter_between_cells_changes_the_fingerprint() -> None:
    one, two = Table(pl.DataFrame({"s": ["ab", "c"]})), Table(pl.DataFrame({"s": ["a", "bc"]}))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) != fingerprint(Table(pl.DataFrame({"z": ["ab", "c"]})))
    assert fingerprint(Table(pl.DataFrame({"s": ["", "c"]}))) != fingerprint(Table(pl.DataFrame({"s": [None, "c"]})))


def test_hashes_are_spread_evenly() -> None:
    hashes = row_hashes(Table(pl.DataFrame({"i": range(20_000)})), ["i"], "split", 0)
    shares = np.bincount((hashes >> np.uint64(60)).astype(np.int64), minlength=16) / 20_000
    assert np.abs(shares - 1 / 16).max() < 0.006
