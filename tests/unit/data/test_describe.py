"""Descriptions: bars that hold every row, by class and against a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from seaway.core.contract import Column, Contract
from seaway.core.settings import Settings
from seaway.data import build, infer, read
from seaway.data.describe import describe, target_shares
from seaway.data.rows import Table

ROWS = Table(
    pl.DataFrame(
        {
            "n": [0.5, 1.5, None, 100.0] * 25,
            "i": [1, 2, 3, 3] * 25,
            "c": [f"k{place % 40}" for place in range(100)],
            "t": pl.Series(np.datetime64("2024-01-01") + np.arange(100)),
            "e": pl.Series([None] * 100, dtype=pl.Float64),
            "y": ["no", "yes", "no", "no"] * 25,
        }
    )
)


def contract(target: str) -> Contract:
    kinds = {"n": "number", "i": "integer", "c": "category", "t": "time", "e": "number", "y": "category"}
    return Contract(
        task="any",
        per="row",
        columns=tuple(
            Column(name=name, kind=kind, role="target" if name == target else "feature")  # type: ignore[arg-type]
            for name, kind in kinds.items()
        ),
    )


def test_bars_hold_every_row_and_every_class() -> None:
    for found in describe(ROWS, contract("y")):
        assert sum(found.counts) == found.rows - found.missing
        if found.counts:
            whole = np.sum(list(found.by_class.values()), axis=0)
            assert whole.tolist() == list(found.counts)
            assert len(found.edges) in (0, len(found.counts) + 1)


def test_whole_numbers_get_a_bar_each_and_many_categories_share_one() -> None:
    found = {one.name: one for one in describe(ROWS, contract("y"))}
    assert found["i"].edges == (0.5, 1.5, 2.5, 3.5)
    assert found["i"].counts == (25, 25, 50)
    assert found["i"].by_class == {"no": (25, 0, 50), "yes": (0, 25, 0)}
    assert len(found["c"].labels) == 21
    assert found["c"].labels[-1] == "other"
    assert found["n"].quantiles[0] == 0.5
    assert found["n"].missing == 25
    assert found["t"].labels[0] == "2024-01-01"
    assert found["e"].counts == ()
    assert found["e"].missing == 100


def test_a_numeric_target_is_shown_as_a_mean_per_bar() -> None:
    found = {one.name: one for one in describe(ROWS, contract("n"))}
    assert found["i"].relation[:2] == (0.5, 1.5)
    assert found["i"].relation[2] == 100.0
    assert found["i"].by_class == {}
    assert all(
        math.isnan(value) for value, count in zip(found["t"].relation, found["t"].counts, strict=True) if not count
    )


def test_shares_of_the_target() -> None:
    assert target_shares(ROWS, contract("y")) == {"no": 0.75, "yes": 0.25}
    assert target_shares(ROWS, contract("n")) == {}
    assert target_shares(ROWS, contract("")) == {}


def test_real_columns_are_described(shared_data: Callable[[str], Path]) -> None:
    rows = read.table(shared_data("tabular/adult_test.csv"))
    made, _ = infer.draft(rows, target="income")
    data = build.dataset(rows, made, Settings())
    found = {one.name: one for one in describe(data.rows, made)}
    ages = found["age"]
    steps = np.diff(ages.edges)
    assert (steps[1:-1] == np.floor(steps[1:-1])).all()  # no comb: every bar holds as many whole years
    assert sum(ages.counts) == len(data.rows)
    assert set(ages.by_class) == {"<=50K", ">50K"}
