"""Drafts: kinds, roles, blanks, shifts and times guessed right, on made-up columns and on real data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Blank, Column, Contract, Trim
from seaway.core.errors import BadInput, NotFound
from seaway.core.verdict import Verdict
from seaway.data import infer, read
from seaway.data.rows import Table

RNG = np.random.default_rng(0)
ROWS = 200
FILLER = RNG.normal(size=ROWS).round(3).tolist()


def draft(values: Sequence[Any], **said: Any) -> tuple[Column, list[Verdict]]:
    repeated = (list(values) * (ROWS // len(values) + 1))[:ROWS]
    contract, notes = infer.draft(Table(pl.DataFrame({"c": repeated, "filler": FILLER}, strict=False)), **said)
    return contract.by_name["c"], [note for note in notes if note.subject == "c"]


def words(column: Column) -> tuple[str, ...]:
    return tuple(word for rule in column.clean if isinstance(rule, Blank) for word in rule.words)


@pytest.mark.parametrize(
    ("values", "kind", "blank"),
    [
        (["1", "2", "-3", "4"], "integer", ()),
        (["1", "2.5", "1e3"], "number", ()),
        (["1.0", "2.0", "3.0"], "number", ()),
        (["1", "", "3", "?"], "integer", ("", "?")),
        (["29.85", " ", "108.15", "NA", "None", "-"], "number", ("", "-", "NA", "None")),
        (["true", "FALSE", ""], "boolean", ("",)),
        (["yes", "no"], "category", ()),
        (["none", "guarantor", "?"], "category", ("?",)),
        (["00123", "04567", "12345"], "category", ()),
        (["2024-01-05", "2023-02-06", ""], "time", ("",)),
        (["2024-01-05T10:00:00", "2023-02-06T11:30:00"], "time", ()),
        (["1,234.5", "12.5", "1,000"], "number", ()),
        (["1.234,5", "12,5", "7,25"], "number", ()),
        (["DE", "FR", "NA", "US", "GB", "IT"], "category", ()),
    ],
)
def test_kinds_and_blank_words(values: list[str], kind: str, blank: tuple[str, ...]) -> None:
    column, _ = draft(values)
    assert column.kind == kind
    assert column.role == "feature"
    assert words(column) == blank


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["31-12-2024", "01-02-2023"], "%d-%m-%Y"),
        (["31/12/2024", "01/02/2023"], "%d/%m/%Y"),
        (["12/31/2024", "02/01/2023"], "%m/%d/%Y"),
        (["31.12.2024 10:30", "01.02.2023 09:05"], "%d.%m.%Y %H:%M"),
        (["2024/12/31", "2023/2/1"], "%Y/%m/%d"),
        (["2024-12-31", "2023-02-01"], ""),
    ],
)
def test_formats_of_dates(values: list[str], form: str) -> None:
    column, notes = draft(values)
    assert (column.kind, column.format) == ("time", form)
    assert not [note for note in notes if note.code == "I003"]


def test_a_date_that_could_be_two_is_said() -> None:
    column, notes = draft(["01/02/2024", "03/04/2024", "05/06/2023"])
    assert column.format == "%d/%m/%Y"
    (note,) = [note for note in notes if note.code == "I003"]
    assert note.outcome == "warn"
    assert "could be %d/%m/%Y or %m/%d/%Y" in note.message


def test_parts_of_a_time_are_those_that_vary() -> None:
    assert draft(["2024-01-05", "2024-02-06", "2024-02-07"])[0].parts == ("month", "day", "weekday")
    assert draft(["2024-01-05T10:00:00", "2024-01-05T11:00:30"])[0].parts == ("hour", "second")
    assert draft(["2023-01-05", "2024-02-06"])[0].parts == ("year", "month", "day", "dayofyear", "weekday")


def test_a_decimal_comma_is_said_and_read() -> None:
    column, notes = draft(["1.234,5", "12,5", "7,25"])
    assert column.format == "1.234,5"
    assert column.range == (7.25, 1234.5)
    assert [note.code for note in notes] == ["I002"]


def test_a_few_words_among_numbers_are_mistakes_not_categories() -> None:
    rows = Table(pl.DataFrame({"c": [*map(str, range(1, 1000)), "broken"], "f": RNG.normal(size=1000)}))
    contract, notes = infer.draft(rows)
    assert contract.by_name["c"].kind == "integer"
    assert "1 cells are something else" in next(note.message for note in notes if note.code == "I002")


def test_white_space_around_texts_is_trimmed() -> None:
    column, _ = draft(["a", " a", "b "])
    assert Trim() in column.clean
    assert column.categories == ("a", "b")


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("c", list(range(7, 7 + ROWS)), "ignore"),
        ("c", RNG.permutation(ROWS * 3)[:ROWS].tolist(), "id"),
        ("case_id", (RNG.permutation(10_000)[:ROWS] * 997).tolist(), "id"),
        ("c", (RNG.permutation(10_000)[:ROWS] * 997).tolist(), "feature"),
        ("c", [f"K-{number}" for number in range(ROWS)], "id"),
        ("c", [f"a sentence about case {number}" for number in range(ROWS)], "ignore"),
        ("c", ["same"] * ROWS, "ignore"),
        ("c", [None] * ROWS, "ignore"),
        ("c", RNG.normal(size=ROWS).tolist(), "feature"),
    ],
)
def test_roles(name: str, values: list[Any], role: str) -> None:
    contract, notes = infer.draft(Table(pl.DataFrame({name: values, "filler": FILLER}, strict=False)))
    assert contract.by_name[name].role == role
    assert bool([note for note in notes if note.code == "I004" and note.subject == name]) == (role != "feature")


def test_what_the_arguments_say_wins() -> None:
    frame = pl.DataFrame(
        {"a": list(range(ROWS)), "b": FILLER, "t": RNG.integers(0, 9, ROWS), "f": FILLER, "y": ["p", "q"] * (ROWS // 2)}
    )
    contract, _ = infer.draft(Table(frame), target="y", ids=["b"], time="t", ignore=["a"])
    assert [column.role for column in contract.columns] == ["ignore", "id", "time", "feature", "target"]


def test_rows_in_the_order_of_a_date_are_split_by_it() -> None:
    days = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in range(ROWS)]
    contract, notes = infer.draft(Table(pl.DataFrame({"day": days, "f": FILLER})))
    column = contract.by_name["day"]
    assert column.role == "time"
    assert column.parts  # the model still sees the month
    assert "day.month" in contract.encoded
    assert any("order of 'day'" in note.message for note in notes)
    shuffled, _ = infer.draft(Table(pl.DataFrame({"day": days[::-1], "f": FILLER})))
    assert shuffled.by_name["day"].role == "feature"


def test_epoch_seconds_are_shifted_and_plain_numbers_are_not() -> None:
    seconds = 1_700_000_000 + RNG.integers(0, 3_000_000, ROWS)
    column, notes = draft(seconds.tolist())
    assert column.shift == pytest.approx(1_701_500_000, abs=1_000_000)
    assert [note.code for note in notes] == ["I005"]
    assert len(np.unique((seconds - column.shift).astype(np.float32))) == len(np.unique(seconds))
    assert draft(RNG.random(ROWS).tolist())[0].shift == 0.0
    assert draft(RNG.integers(0, 2**24, ROWS).tolist())[0].shift == 0.0


def test_targets_may_have_many_classes_and_floats_that_are_codes_are_integers() -> None:
    many = [f"class {number % 120}" for number in range(ROWS)]
    contract, _ = infer.draft(Table(pl.DataFrame({"y": many, "f": FILLER})), target="y")
    assert contract.by_name["y"].kind == "category"
    for values in (["1.0", "0.0"], [1.0, 0.0]):
        contract, _ = infer.draft(Table(pl.DataFrame({"y": values * (ROWS // 2), "f": FILLER})), target="y")
        assert contract.by_name["y"].kind == "integer"


def test_e_mails_are_marked_personal_and_never_fed() -> None:
    column, notes = draft([f"person{number}@example.org" for number in range(ROWS)])
    assert column.personal == "e-mail"
    assert column.role == "id"
    assert "I007" in [note.code for note in notes]


def test_without_a_target_one_is_proposed() -> None:
    _, notes = infer.draft(Table(pl.DataFrame({"Churn": ["a", "b"] * (ROWS // 2), "f": FILLER})))
    (note,) = [note for note in notes if note.code == "I006"]
    assert "--target 'Churn'" in note.fix


def test_names_that_are_not_there_are_refused_with_the_nearest() -> None:
    rows = Table(pl.DataFrame({"credit_risk": ["a", "b"], "f": [1, 2]}))
    with pytest.raises(NotFound, match="no column 'credit_rsk', which was named as target") as caught:
        infer.draft(rows, target="credit_rsk")
    assert "Did you mean 'credit_risk'" in caught.value.fix
    with pytest.raises(BadInput, match="named as the time but its values are no times"):
        infer.draft(rows, time="credit_risk")


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(BadInput, match="No column is left to learn from"):
        infer.draft(Table(pl.DataFrame({"a": ["same"] * 50, "y": ["p", "q"] * 25})), target="y")


def test_measuring_again_widens_and_keeps_the_order_of_codes() -> None:
    contract = Contract(
        task="any",
        per="row",
        columns=(
            Column(name="c", kind="category", categories=("z", "m")),
            Column(name="n", kind="number", range=(0.0, 5.0)),
            Column(name="h", kind="category", categories=("a",), hard=True),
        ),
    )
    wider = infer.measure(contract, Table(pl.DataFrame({"c": ["b", "m"], "n": [-1.0, 3.0], "h": ["a", "b"]})))
    assert wider.by_name["c"].categories == ("z", "m", "b")
    assert wider.by_name["n"].range == (-1.0, 5.0)
    assert wider.by_name["h"].categories == ("a",)


EXPECTED: dict[str, tuple[str, dict[str, str]]] = {
    "tabular/german_credit.csv": ("credit_risk", {}),
    "tabular/telco_churn.csv": ("Churn", {"customerID": "id"}),
    "tabular/adult_test.csv": ("income", {}),
    "tabular/heart_disease_cleveland.csv": ("diameter_narrowing", {}),
    "tabular/bike_sharing_hour.csv": ("cnt", {"instant": "ignore", "dteday": "time"}),
    "tabular/hr_job_change.csv": ("target", {"enrollee_id": "id"}),
    "manufacturing/ai4i2020.csv": ("Machine failure", {"UDI": "ignore", "Product ID": "id"}),
    "manufacturing/steel_plates_faults.csv": ("Fault", {}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_tables_need_no_hand(name: str, shared_data: Callable[[str], Path]) -> None:
    target, special = EXPECTED[name]
    contract, _ = infer.draft(read.table(shared_data(name)), target=target)
    roles = {column.name: column.role for column in contract.columns if column.role != "feature"}
    assert roles == {target: "target", **special}


def test_telco_charges_are_numbers_with_blanks(shared_data: Callable[[str], Path]) -> None:
    contract, notes = infer.draft(read.table(shared_data("tabular/telco_churn.csv")), target="Churn")
    column = contract.by_name["TotalCharges"]
    assert (column.kind, words(column)) == ("number", ("",))
    assert any(note.subject == "TotalCharges" and "11 cells" in note.message for note in notes)
