"""No split leaks: not by a row, not by a group, not by time, not by the order of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array
from seaway.core.contract import Column, Contract
from seaway.core.dataset import Split
from seaway.core.settings import SplitSettings
from seaway.data.rows import Table
from seaway.data.split import folds, split

shares = st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.8])
seeds = st.integers(0, 5)


def contract(**roles: str) -> Contract:
    kinds: dict[str, Any] = {"x": "number", "y": "category", "g": "category", "t": "integer"}
    columns = tuple(Column(name=name, kind=kind, role=roles.get(name, "feature")) for name, kind in kinds.items())  # type: ignore[arg-type]
    return Contract(task="any", per="row", columns=columns)


@st.composite
def tables(draw: st.DrawFn, fewest: int = 8) -> Table:
    """Draw rows that are all different in x, with classes, groups and moments that repeat."""
    rows = draw(st.integers(fewest, 60))
    numbers = draw(st.lists(st.integers(-1000, 1000), min_size=rows, max_size=rows, unique=True))
    return Table(
        pl.DataFrame(
            {
                "x": [float(number) for number in numbers],
                "y": draw(st.lists(st.sampled_from("abc"), min_size=rows, max_size=rows)),
                "g": draw(st.lists(st.sampled_from(["p", "q", "r", "s", "u", None]), min_size=rows, max_size=rows)),
                "t": draw(st.lists(st.integers(0, 20), min_size=rows, max_size=rows)),
            },
            schema_overrides={"g": pl.String},
        )
    )


def whole(parts: Split, rows: int) -> None:
    assert sorted([*parts.train, *parts.test]) == list(range(rows))
    assert len(parts.train)
    assert len(parts.test)


@given(tables(), shares, seeds)
def test_random_takes_its_share_and_no_row_twice(rows: Table, share: float, seed: int) -> None:
    parts = split(rows, contract(), SplitSettings(rule="random", test=share), seed)
    whole(parts, len(rows))
    assert abs(len(parts.test) - share * len(rows)) <= 1


@given(tables(), shares, seeds, st.randoms(use_true_random=False))
def test_the_same_rows_judge_whatever_the_order_of_the_file(rows: Table, share: float, seed: int, random: Any) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    settings = SplitSettings(rule="random", test=share)
    before = split(rows, contract(), settings, seed)
    after = split(rows.take(np.array(order)), contract(), settings, seed)
    assert {order[place] for place in after.test} == set(before.test.tolist())


@given(tables(), shares, seeds)
def test_equal_rows_never_stand_on_both_sides(rows: Table, share: float, seed: int) -> None:
    doubled = Table(pl.concat([rows.frame, rows.frame]))
    parts = split(doubled, contract(), SplitSettings(rule="random", test=share), seed)
    assert not {place % len(rows) for place in parts.test} & {place % len(rows) for place in parts.train}


@given(tables(), shares, seeds)
def test_stratified_keeps_the_share_of_every_class(rows: Table, share: float, seed: int) -> None:
    parts = split(rows, contract(y="target"), SplitSettings(test=share), seed)
    assert parts.rule == "stratified"
    labels, _ = rows.column("y")
    for label in set(labels):
        members = np.flatnonzero(labels == label)
        judged = np.isin(members, parts.test).sum()
        wanted = share * len(members)
        if len(members) > 1:
            assert 1 <= judged <= len(members) - 1
            assert abs(judged - wanted) <= max(1, 1 - wanted, wanted - (len(members) - 1))


@given(tables(), shares, seeds)
def test_no_group_stands_on_both_sides(rows: Table, share: float, seed: int) -> None:
    groups, missing = rows.column("g")
    if len(set(groups)) < 2:
        return
    parts = split(rows, contract(g="group", y="target"), SplitSettings(test=share), seed)
    whole(parts, len(rows))
    assert parts.rule == "group"
    assert not set(groups[parts.test][~missing[parts.test]]) & set(groups[parts.train][~missing[parts.train]])


@given(tables(), shares)
def test_every_test_row_is_later_than_every_training_row(rows: Table, share: float) -> None:
    moments, _ = rows.column("t")
    if len(np.unique(moments)) < 2:
        return
    parts = split(rows, contract(t="time"), SplitSettings(test=share), 0)
    whole(parts, len(rows))
    assert parts.rule == "time"
    assert moments[parts.test].min() > moments[parts.train].max()


def known_and_asked(rows: Table, made: Contract, rule: str, seed: int, count: int = 3) -> list[tuple[Array, Array]]:
    index = np.arange(0, len(rows), 1)[::-1][: len(rows) - 1].copy()
    found = folds(rows, made, index, count, rule, seed)
    for known, asked in found:
        assert not set(known) & set(asked)
        assert set(known) | set(asked) <= set(index)
    return found


@given(tables(12), seeds, st.sampled_from(["random", "stratified"]))
def test_every_row_is_asked_once(rows: Table, seed: int, rule: str) -> None:
    found = known_and_asked(rows, contract(y="target"), rule, seed)
    assert sorted(number for _, asked in found for number in asked) == list(range(1, len(rows)))
    sizes = [len(asked) for _, asked in found]
    assert max(sizes) - min(sizes) <= 1 + (2 if rule == "stratified" else 0)
    for known, asked in found:
        assert set(known) == set(range(1, len(rows))) - set(asked)


@given(tables(20), seeds)
def test_folds_keep_groups_together(rows: Table, seed: int) -> None:
    groups, missing = rows.column("g")
    if len(set(groups[1:][~missing[1:]])) < 3:
        return
    for known, asked in known_and_asked(rows, contract(g="group"), "group", seed):
        assert not set(groups[asked][~missing[asked]]) & set(groups[known][~missing[known]])


@given(tables(20))
def test_folds_by_time_know_the_past_only(rows: Table) -> None:
    moments, _ = rows.column("t")
    if len(np.unique(moments[1:])) < 5:
        return
    found = known_and_asked(rows, contract(t="time"), "time", 0)
    for known, asked in found:
        assert moments[known].max() < moments[asked].min()
    later = [moments[asked].min() for _, asked in found]
    assert later == sorted(later)


@given(tables(), shares, seeds)
def test_the_seed_fixes_the_split(rows: Table, share: float, seed: int) -> None:
    settings = SplitSettings(rule="random", test=share)
    one, two = (split(rows, contract(), settings, seed) for _ in range(2))
    assert np.array_equal(one.part, two.part)
