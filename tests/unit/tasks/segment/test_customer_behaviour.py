from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seaway.core.batch import Json
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.data import infer, read
from seaway.data.rows import Table
from seaway.tasks.segment.recipes.customer_behaviour import CustomerBehaviour

HEAD = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID"
LINES = (
    "536370,22728,10,12/1/2010 08:00,2.50,12583.0",
    "536370,22727,4,12/1/2010 08:00,5.00,12583.0",
    "536380,22727,2,12/11/2010 08:00,5.00,12583.0",
    "C536381,22728,-2,12/12/2010 08:00,2.50,12583.0",
    "536390,POST,1,12/21/2010 20:00,18.00,12600.0",
    "536391,22728,1,12/22/2010 10:00,9.00,",
    "C536400,22728,-3,12/20/2010 00:00,4.00,12700.0",
)


def table(*lines: str, head: str = HEAD, tmp: Path) -> Rows:
    path = tmp / "lines.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    return read.table(path)


def prepared(rows: Rows, told: Mapping[str, Json] | None = None) -> dict[str, dict[str, Any]]:
    recipe = CustomerBehaviour()
    made = recipe.prepare(rows, recipe.settings(rows) if told is None else told).records()
    return {next(iter(row.values())): row for row in made}


def test_columns_are_found_by_name_and_kind_and_recorded(tmp_path: Path) -> None:
    assert CustomerBehaviour().settings(table(*LINES, tmp=tmp_path)) == {
        "customer": "CustomerID",
        "time": "InvoiceDate",
        "order": "InvoiceNo",
        "quantity": "Quantity",
        "price": "UnitPrice",
        "product": "StockCode",
        "amount": "",
        "time_format": "%m/%d/%Y %H:%M",
        "now": "2010-12-23",
    }


def test_each_customer_is_one_row_of_figures(tmp_path: Path) -> None:
    found = prepared(table(*LINES, tmp=tmp_path))
    assert list(found) == ["12583", "12600", "12700"]
    assert found["12583"] == {
        "CustomerID": "12583",
        "recency_days": pytest.approx(11.6667),
        "tenure_days": pytest.approx(21.6667),
        "frequency": 2,
        "monetary": 50.0,
        "average_order": 27.5,
        "items": 16.0,
        "products": 2,
        "days_between_orders": 10.0,
        "cancelled_share": pytest.approx(5 / 55),
    }
    assert found["12600"]["days_between_orders"] is None
    assert found["12600"]["frequency"] == 1


def test_who_only_cancels_is_a_customer_without_orders(tmp_path: Path) -> None:
    gone = prepared(table(*LINES, tmp=tmp_path))["12700"]
    assert (gone["frequency"], gone["items"], gone["average_order"]) == (0, 0.0, 0.0)
    assert (gone["monetary"], gone["cancelled_share"], gone["recency_days"]) == (-12.0, 1.0, 3.0)


def test_lines_that_say_nothing_about_a_customer_are_counted(tmp_path: Path) -> None:
    rows = table(*LINES, tmp=tmp_path)
    left, cancelled = CustomerBehaviour().verdicts(rows, CustomerBehaviour().settings(rows))
    assert (left.outcome, left.value) == ("warn", 1.0)
    assert left.message == "Left out: 1 of 7 transactions (1 without customer)"
    assert cancelled.message.startswith("2 of 6 transactions are cancellations")
    whole = table(*LINES[:4], tmp=tmp_path)
    assert CustomerBehaviour().verdicts(whole, CustomerBehaviour().settings(whole))[0].outcome == "pass"


def test_an_amount_alone_is_enough_and_orders_without_numbers_go_by_their_moment(tmp_path: Path) -> None:
    rows = table(
        "a,2024-01-01,10.5",
        "a,2024-01-01,4.5",
        "a,2024-01-05,20",
        "b,2024-01-03,7",
        head="client,date,total",
        tmp=tmp_path,
    )
    found = prepared(rows)
    assert (found["a"]["frequency"], found["a"]["monetary"], found["a"]["average_order"]) == (2, 35.0, 17.5)
    assert found["a"]["items"] == 3.0
    assert "products" not in found["a"]


def test_figures_of_one_customer_are_the_same_in_any_file(tmp_path: Path) -> None:
    """`now` is recorded: a file with one customer's lines alone does not make them recent."""
    rows = table(*LINES, tmp=tmp_path)
    told, whole = CustomerBehaviour().settings(rows), prepared(rows)
    assert prepared(rows.take(np.arange(4)), told)["12583"] == whole["12583"]


def test_newer_transactions_move_now_along(tmp_path: Path) -> None:
    rows = table(*LINES, tmp=tmp_path)
    told = CustomerBehaviour().settings(rows)
    later = table(*LINES, "536999,22728,1,1/5/2011 09:00,2.00,12600.0", tmp=tmp_path)
    found = prepared(later, told)
    assert found["12600"]["recency_days"] == 0.625
    assert found["12583"]["recency_days"] == pytest.approx(25.6667)


def test_typed_files_are_read_as_texts_are(tmp_path: Path) -> None:
    path = tmp_path / "lines.parquet"
    rows = table(*LINES, tmp=tmp_path)
    assert isinstance(rows, Table)
    rows.frame.with_columns(
        pl.col("InvoiceDate").str.to_datetime("%m/%d/%Y %H:%M"),
        pl.col("CustomerID").cast(pl.Float64, strict=False),
        pl.col("Quantity").cast(pl.Int64),
        pl.col("UnitPrice").cast(pl.Float64),
    ).write_parquet(path)
    assert prepared(read.table(path)) == prepared(rows)


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("shop,date,total", "a,2024-01-01,3", "No column looks like the customer's id"),
        ("client,day,total", "a,b,3", "No column looks like the moment of the transaction"),
        ("client,date,age", "a,2024-01-01,3", "No column looks like the money"),
    ],
)
def test_what_is_not_found_is_asked_for(head: str, line: str, words: str, tmp_path: Path) -> None:
    lines = [line.replace("2024-01-01", f"2024-01-{day:02d}").replace(",3", f",{day * day}") for day in range(1, 29)]
    rows = table(*lines, head=head, tmp=tmp_path)
    with pytest.raises(BadInput, match=words) as refusal:
        CustomerBehaviour().settings(rows)
    assert "The columns are:" in refusal.value.fix


def test_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    rows = table(*LINES, tmp=tmp_path)
    told = dict(CustomerBehaviour().settings(rows))
    with pytest.raises(BadInput, match="no column 'Customer', which is to be the customer"):
        CustomerBehaviour().prepare(rows, {**told, "customer": "Customer"})
    with pytest.raises(BadInput, match="Nothing says what the transactions were worth"):
        CustomerBehaviour().prepare(rows, {**told, "price": ""})
    with pytest.raises(BadInput, match="'soon' is no moment"):
        CustomerBehaviour().prepare(rows, {**told, "now": "soon"})
    with pytest.raises(BadInput, match="None of the 1 transactions has a customer"):
        CustomerBehaviour().prepare(rows.take(np.array([5])), told)
    renamed = Table(rows.frame.rename({"CustomerID": "monetary"})) if isinstance(rows, Table) else rows
    with pytest.raises(BadInput, match="is called 'monetary', as one of the figures is"):
        CustomerBehaviour().prepare(renamed, {**told, "customer": "monetary"})


def test_real_transactions_become_customers(shared_data: Callable[[str], Path]) -> None:
    rows = read.table(shared_data("retail/online_retail_france.csv"))
    told = CustomerBehaviour().settings(rows)
    made = CustomerBehaviour().prepare(rows, told)
    assert len(made) == 87
    left, cancelled = CustomerBehaviour().verdicts(rows, told)
    assert (left.value, cancelled.value) == (66.0, 149.0)
    contract, _ = infer.draft(made)
    assert len(contract.encoded) == 9
    money, _ = made.column("monetary")
    assert money.sum() == pytest.approx(196712.84, abs=0.01)
