from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from seaway.core.batch import Glance
from seaway.core.contract import Column, Contract, Output
from seaway.core.settings import ServeSettings
from seaway.data.encode.table import TableEncoder

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="age", kind="integer", range=(0.0, 120.0), null="error"),
        Column(name="income", kind="number"),
        Column(name="town", kind="category", categories=("Aue", "Bern"), unseen="other"),
        Column(name="member", kind="boolean"),
        Column(name="since", kind="time", parts=("year", "month")),
        Column(name="customer", kind="text", role="id"),
        Column(name="paid", kind="boolean", role="target"),
    ),
    outputs=(Output(name="mean", kind="number"),),
)
ROW: dict[str, Any] = {"age": 30, "income": 1.5, "town": "Bern", "member": True, "since": "2024-02-29"}


def read(contract: Contract = CONTRACT, limits: ServeSettings | None = None, **asked: Any) -> Glance | None:
    quick = TableEncoder(contract, limits).quick
    assert quick is not None
    return quick.read(json.dumps(asked).encode())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"income": None},
        {"income": 7},
        {"income": -0.0},
        {"town": None},
        {"member": False},
        {"customer": "c-1"},
        {"customer": 7},
    ],
)
def test_ordinary_rows_are_read(changed: dict[str, Any]) -> None:
    found = read(rows=[ROW | changed], request_id="r", key="k")
    assert found is not None
    assert (found.rows, found.request_id, found.key) == (1, "r", "k")
    assert len(found.x) == 6 * 4


def test_a_field_may_be_left_out() -> None:
    assert read(rows=[{"age": 1}]) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"age": None},
        {"age": 121},
        {"age": 30.0},
        {"age": 1.5},
        {"age": "1"},
        {"age": True},
        {"income": "1"},
        {"income": 1e39},
        {"town": "Chur"},
        {"town": 5},
        {"town": "Be\\rn"},
        {"member": 1},
        {"since": "tomorrow"},
        {"customer": "c" * 257},
        {"customer": 1.5},
        {"paid": True},
        {"other": 1},
        {"income": [1]},
    ],
)
def test_what_is_to_be_said_of_a_row_is_left_to_the_long_way(changed: dict[str, Any]) -> None:
    assert read(rows=[ROW, ROW | changed]) is None


@pytest.mark.parametrize(
    "asked",
    [
        {"rows": []},
        {"rows": [ROW], "explain": True},
        {"rows": [ROW], "partial": True},
        {"rows": [ROW], "ids": ["a"]},
        {"rows": [ROW], "options": {}},
        {"rows": [ROW], "key": "k" * 129},
        {"rows": [ROW], "key": "\u200b"},
        {"rows": [ROW], "key": None},
        {},
    ],
)
def test_what_is_rarely_asked_is_left_to_the_long_way(asked: dict[str, Any]) -> None:
    assert read(**asked) is None


def test_limits_are_left_to_the_long_way() -> None:
    assert read(limits=ServeSettings(max_rows=1), rows=[ROW]) is not None
    assert read(limits=ServeSettings(max_rows=1), rows=[ROW, ROW]) is None
    assert read(limits=ServeSettings(max_text=50), rows=[ROW]) is None


def test_masked_columns_are_masked() -> None:
    columns = (*CONTRACT.columns[:2], Column(name="town", kind="category", categories=("Bern",), personal="name"))
    found = read(msgspec.structs.replace(CONTRACT, columns=columns), rows=[{"age": 1, "town": "Bern"}])
    assert found is not None
    assert b"Bern" not in found.logged


def test_contracts_with_options_documents_or_names_that_json_escapes_have_no_short_way() -> None:
    options = (Column(name="days", kind="integer"),)
    assert TableEncoder(msgspec.structs.replace(CONTRACT, options=options)).quick is None
    outputs = (Output(name="text", kind="document"),)
    assert TableEncoder(msgspec.structs.replace(CONTRACT, outputs=outputs)).quick is None
    columns = (*CONTRACT.columns, Column(name='the "true" age', kind="number"))
    assert TableEncoder(msgspec.structs.replace(CONTRACT, columns=columns)).quick is None
