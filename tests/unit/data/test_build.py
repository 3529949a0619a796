"""Data sets: what breaks the contract is left out and said, the rest has one fingerprint and one split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Column, Contract
from seaway.core.errors import BadInput, BrokenContract
from seaway.core.settings import Settings, SplitSettings, TrainSettings
from seaway.data import build, infer, read
from seaway.data.rows import Table

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="x", kind="number"),
        Column(name="c", kind="category", categories=("a", "b")),
        Column(name="y", kind="category", role="target"),
    ),
)


def rows(count: int = 40) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "x": [str(number / 4) for number in range(count)],
            "c": ["a", "b"] * (count // 2),
            "y": ["p", "q"] * (count // 2),
        }
    )


def test_good_rows_become_a_data_set() -> None:
    data = build.dataset(Table(rows()), CONTRACT, Settings(), source="t.csv")
    assert len(data.rows) == 40
    assert data.split.rule == "stratified"
    assert len(data.split.test) == 8
    assert data.source == "t.csv"
    assert [note.outcome for note in data.notes] == ["pass"]


def test_broken_repeated_and_targetless_rows_are_left_out_and_said() -> None:
    odd = pl.DataFrame({"x": ["broken", "0.0", "9"], "c": ["a", "a", "b"], "y": ["p", "p", None]})
    data = build.dataset(Table(pl.concat([rows(), odd])), CONTRACT, Settings())
    assert len(data.rows) == 40
    messages = {note.code: note.message for note in data.notes}
    assert messages == {
        "N002": "Left out, as they break the contract: 1 of 43 rows; 1 x 'x' (type)",
        "N003": "Left out, as they have no 'y': 1 of 42 rows",
        "N001": "Left out, as they repeat an earlier one: 1 of 41 rows",
    }
    kept = build.dataset(Table(pl.concat([rows(), odd])), CONTRACT, Settings(train=TrainSettings(dedupe=False)))
    assert len(kept.rows) == 41


def test_the_fingerprint_is_of_the_content() -> None:
    def digest(frame: pl.DataFrame) -> str:
        return build.dataset(Table(frame), CONTRACT, Settings()).fingerprint

    first = digest(rows())
    assert digest(rows()) == first
    assert digest(rows().with_columns(pl.col("x").cast(pl.Float64))) == first
    assert digest(rows().with_columns(x=pl.when(pl.col("x") == "1.0").then(pl.lit("1.5")).otherwise("x"))) != first
    assert digest(rows().reverse()) != first


def test_rows_of_two_files_are_a_given_split() -> None:
    test = rows(10).with_columns(x=pl.col("x") + "1")
    data = build.dataset(Table(rows()), CONTRACT, Settings(), test=Table(test))
    assert data.split.rule == "given"
    assert data.split.train.tolist() == list(range(40))
    assert data.split.test.tolist() == list(range(40, 50))
    assert data.rows.column("x")[0][40] == 0.01


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (rows().drop("y"), "no target column 'y'"),
        (rows().with_columns(y=pl.lit(None, dtype=pl.String)), "target 'y' is missing in every row"),
    ],
)
def test_without_a_target_nothing_is_built(frame: pl.DataFrame, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        build.dataset(Table(frame), CONTRACT, Settings())
    assert caught.value.code == "no-target"


def test_rows_that_all_break_the_contract_show_the_first_cell() -> None:
    with pytest.raises(BrokenContract, match="Every row breaks the contract; the first cell is 'x' = 'bad'") as caught:
        build.dataset(Table(rows().with_columns(x=pl.lit("bad"))), CONTRACT, Settings())
    assert caught.value.count == 40


def test_one_outcome_in_all_rows_is_refused() -> None:
    with pytest.raises(BadInput, match="has one value only, 'p', in all 40 usable rows") as caught:
        build.dataset(Table(rows().with_columns(y=pl.lit("p"))), CONTRACT, Settings())
    assert caught.value.code == "one-class"


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(BadInput, match="leaves nothing to learn from or nothing to judge on"):
        build.dataset(Table(rows()), CONTRACT, Settings(split=SplitSettings(test=share)))


def test_the_official_split_of_adult(shared_data: Callable[[str], Path]) -> None:
    train, test = (read.table(shared_data(f"tabular/adult_{name}")) for name in ("train.csv.gz", "test.csv"))
    contract, _ = infer.draft(train, target="income")
    data = build.dataset(train, contract, Settings(), test=test)
    assert len(data.split.test) == 16_281
    assert np.isclose(np.mean(data.rows.column("income")[0][data.split.test] == ">50K"), 0.236, atol=0.001)
