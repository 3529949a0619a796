"""Splits: what they are chosen by, and what cannot be split. That none leaks is in tests/property."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput
from seaway.core.settings import SplitSettings
from seaway.data import split
from seaway.data.rows import Table

ROWS = Table(pl.DataFrame({"x": range(20), "y": ["p", "q"] * 10, "g": ["a"] * 20, "t": [1, None] * 10}))


def contract(**roles: Any) -> Contract:
    kinds: dict[str, Any] = {"x": "number", "y": "category", "g": "category", "t": "integer"}
    return Contract(
        task="any",
        per="row",
        columns=tuple(Column(name=name, kind=kind, role=roles.get(name, "feature")) for name, kind in kinds.items()),
    )


@pytest.mark.parametrize(
    ("roles", "rule"),
    [
        ({}, "random"),
        ({"x": "target"}, "random"),
        ({"y": "target"}, "stratified"),
        ({"y": "target", "t": "time"}, "time"),
        ({"y": "target", "t": "time", "g": "group"}, "group"),
    ],
)
def test_auto_takes_what_the_contract_marks(roles: dict[str, str], rule: str) -> None:
    assert split.chosen(contract(**roles), "auto") == rule


def test_a_truth_with_classes_is_stratified_whatever_the_kind() -> None:
    made = Contract(
        task="any",
        per="row",
        columns=(Column(name="x", kind="integer", role="target"),),
        truth=Column(name="x", kind="category", categories=("0", "1")),
    )
    assert split.chosen(made, "auto") == "stratified"


@pytest.mark.parametrize(
    ("rule", "roles", "what"),
    [
        ("group", {}, "'group' needs a column with the role 'group'"),
        ("time", {}, "'time' needs a column with the role 'time'"),
        ("stratified", {}, "stratified split needs a target"),
        ("group", {"g": "group"}, "group split leaves no rows to judge on"),
        ("time", {"t": "time"}, "10 rows have no 't'"),
        ("time", {"g": "time"}, "time split leaves no rows"),
    ],
)
def test_what_cannot_be_split_is_refused(rule: Any, roles: dict[str, str], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        split.split(ROWS, contract(**roles), SplitSettings(rule=rule), 0)


def test_given_needs_rows_on_both_sides() -> None:
    parts = split.given(3, 1)
    assert parts.shares == (0.75, 0.25)
    for sizes in ((0, 1), (1, 0)):
        with pytest.raises(BadInput, match="are no split"):
            split.given(*sizes)


@pytest.mark.parametrize(
    ("count", "rule", "roles", "what"),
    [
        (1, "random", {}, "1 folds are no cross-validation"),
        (30, "random", {}, "20 rows cannot be cut into 30 folds"),
        (3, "group", {"g": "group"}, "cannot be cut into 3 folds by the rule 'group'"),
        (3, "time", {"g": "time"}, "1 distinct times cannot be cut into 3 folds"),
    ],
)
def test_folds_that_cannot_be_are_refused(count: int, rule: str, roles: dict[str, str], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        split.folds(ROWS, contract(**roles), np.arange(20), count, rule, 0)


def test_folds_of_a_given_split_are_chosen_anew() -> None:
    found = split.folds(ROWS, contract(y="target"), np.arange(20), 5, "given", 0)
    assert all((ROWS.column("y")[0][asked] == "p").sum() == 2 for _, asked in found)


def test_groups_of_uneven_size_fill_folds_evenly() -> None:
    sizes = [30, 20, 10, 10, 10, 5, 5, 5, 3, 2]
    groups = [f"g{place}" for place, size in enumerate(sizes) for _ in range(size)]
    rows = Table(pl.DataFrame({"x": range(100), "y": ["p"] * 100, "g": groups, "t": range(100)}))
    found = split.folds(rows, contract(g="group"), np.arange(100), 3, "group", 0)
    assert sorted(len(asked) for _, asked in found) == [32, 33, 35]
