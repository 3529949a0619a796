"""Validation: exact counts, every broken cell up to a cap, the same rules as a request meets."""

from __future__ import annotations

import polars as pl
import pytest

from seaway.core.contract import Blank, Clip, Column, Contract, Map, Trim
from seaway.core.errors import NotFound
from seaway.data.rows import Table
from seaway.data.validate import validate

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="age", kind="integer", range=(18, 99), hard=True, clean=(Blank(words=("?",)),)),
        Column(name="income", kind="number", null="error", clean=(Map(to={"low": "100"}), Clip(low=0.0))),
        Column(name="city", kind="category", categories=("Bonn",), unseen="error", clean=(Trim(),)),
        Column(name="since", kind="time", format="%d.%m.%Y"),
        Column(name="owner", kind="boolean"),
        Column(name="note", kind="integer", role="ignore"),
    ),
)


def table(**columns: list[str | None]) -> Table:
    rows = len(next(iter(columns.values())))
    ordinary: dict[str, list[str | None]] = {
        "age": ["20"] * rows, "income": ["5.5"] * rows, "city": ["Bonn"] * rows, "since": ["01.02.2024"] * rows,
        "owner": ["true"] * rows, "note": ["1"] * rows,
    }  # fmt: skip
    return Table(pl.DataFrame(ordinary | columns, schema=dict.fromkeys(ordinary, pl.String)))


def test_good_rows_are_typed() -> None:
    found = validate(table(city=[" Bonn", "Bonn "], income=["low", "-3"], age=["?", "20.0"]), CONTRACT)
    assert found.count == 0
    assert found.rows.frame.rows() == [
        (None, 100.0, "Bonn", found.rows.frame["since"][0], True, 1),
        (20, 0.0, "Bonn", found.rows.frame["since"][1], True, 1),
    ]
    assert found.rows.records()[0]["since"] == "01.02.2024"
    assert dict(found.soft) == {("age", "blank"): 1}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("age", "abc", "type"),
        ("age", "20.5", "type"),
        ("age", "17", "range"),
        ("age", "9007199254740993", "exact"),
        ("age", "1e39", "finite"),
        ("income", "inf", "finite"),
        ("income", "1e400", "finite"),
        ("income", "nan", "type"),
        ("income", "1_000", "type"),
        ("income", None, "null"),
        ("city", "Ulm", "category"),
        ("since", "2024-02-01", "time"),
        ("since", "30.02.2024", "time"),
        ("owner", "yes", "type"),
        ("owner", "1", "type"),
    ],
)
def test_a_broken_cell_is_named(column: str, value: str | None, rule: str) -> None:
    good: dict[str, str] = {"age": "20", "income": "5.5", "city": "Bonn", "since": "01.02.2024", "owner": "true"}
    found = validate(table(**{column: [good[column], value, good[column]]}), CONTRACT)
    (cell,) = found.cells
    assert (cell.row, cell.column, cell.rule) == (1, column, rule)
    assert cell.value == ("null" if value is None else repr(value))
    assert cell.fix
    assert found.broken.tolist() == [1]
    assert len(found.whole) == 2
    assert found.by_rule == {(column, rule): 1}


def test_counts_are_exact_and_the_list_has_a_cap() -> None:
    found = validate(table(age=["x"] * 300 + ["20"], city=["Ulm"] * 300 + ["Bonn"]), CONTRACT)
    assert found.count == 600
    assert len(found.broken) == 300
    assert len(found.cells) == 100
    assert [cell.row for cell in found.cells[:4]] == [0, 0, 1, 1]
    assert len(validate(table(age=["x"] * 300), CONTRACT, cap=7).cells) == 7


def test_what_feeds_no_model_breaks_no_row() -> None:
    assert validate(table(note=["anything"]), CONTRACT).count == 0


def test_typed_frames_are_held_to_the_same_rules() -> None:
    frame = pl.DataFrame(
        {
            "age": [20.0, 20.5],
            "income": [1, 2],
            "city": [None, "Bonn"],
            "since": [None, None],
            "owner": [True, None],
            "note": [1, 1],
        },
        schema_overrides={"since": pl.Date},
    )
    found = validate(Table(frame), CONTRACT)
    assert [(cell.row, cell.column, cell.rule) for cell in found.cells] == [(1, "age", "type")]
    wrong = frame.with_columns(pl.lit(5).alias("since"), pl.lit(1).alias("owner"))
    assert {(cell.column, cell.rule) for cell in validate(Table(wrong), CONTRACT).cells} >= {
        ("since", "type"),
        ("owner", "type"),
    }


def test_numbers_of_a_category_are_their_text() -> None:
    contract = Contract(task="any", per="row", columns=(Column(name="c", kind="category", categories=("1", "2")),))
    for values in ([1, 2, None], [1.0, 2.0, None]):
        found = validate(Table(pl.DataFrame({"c": values})), contract)
        assert found.rows.frame["c"].to_list() == ["1", "2", None]
        assert not found.soft


def test_unknown_columns_are_named_and_a_missing_one_is_asked_for() -> None:
    rows = table(age=["20"])
    found = validate(Table(rows.frame.with_columns(new=pl.lit("x")).drop("owner")), CONTRACT)
    assert found.unknown == ("new",)
    assert found.rows.frame["owner"].to_list() == [None]
    required = Contract(task="any", per="row", columns=(Column(name="agee", kind="integer", absent="error"),))
    with pytest.raises(NotFound, match="no column 'agee'") as caught:
        validate(rows, required)
    assert "Did you mean 'age'" in caught.value.fix
    with pytest.raises(NotFound, match="no column 'other'"):
        validate(rows, Contract(task="any", per="row", columns=(Column(name="other", kind="integer"),)))
