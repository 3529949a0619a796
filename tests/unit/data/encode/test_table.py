"""The table encoder: every way a request can be wrong, what is accepted, flagged, logged and rendered."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from seaway.core.batch import Batch, Request
from seaway.core.chance import monotonic
from seaway.core.contract import Blank, Column, Contract, Output, Trim
from seaway.core.dataset import Dataset, Split
from seaway.core.errors import BadInput, BrokenContract, Malformed, TooLarge
from seaway.core.settings import ServeSettings
from seaway.data.encode.table import TableEncoder, TableRequest
from seaway.data.rows import Table

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="id", kind="text", role="id"),
        Column(name="age", kind="integer", range=(18, 99), clean=(Blank(words=("?",)),)),
        Column(name="income", kind="number", null="error", absent="error"),
        Column(name="owner", kind="boolean"),
        Column(name="city", kind="category", categories=("Bonn", "7"), clean=(Trim(), Blank(words=("", "?")))),
        Column(name="since", kind="time", parts=("year", "month")),
        Column(name="mail", kind="category", categories=("x",), personal="e-mail"),
        Column(name="note", kind="text", role="ignore"),
        Column(name="bad", kind="category", role="target"),
    ),
    truth=Column(name="bad", kind="category", categories=("no", "yes")),
    outputs=(
        Output(name="probabilities", kind="number", axes=("class",), labels=("no", "yes")),
        Output(name="label", kind="code", labels=("no", "yes")),
    ),
)
ENCODER = TableEncoder(CONTRACT)


def ask(*rows: dict[str, Any], **more: Any) -> TableRequest:
    request = ENCODER.decode(json.dumps({"rows": rows, **more}).encode())
    assert isinstance(request, TableRequest)
    return request


def broken(row: dict[str, Any]) -> BrokenContract:
    with pytest.raises(BrokenContract, match="break the contract") as caught:
        ask({"income": 1.0, **row})
    return caught.value


def test_a_row_becomes_numbers() -> None:
    request = ask({"age": 20, "income": 5, "owner": True, "city": " Bonn", "since": "2024-03-01", "mail": "x"})
    assert request.x.dtype == np.float32
    assert request.x.tolist() == [[20.0, 5.0, 1.0, 2.0, 2024.0, 3.0, 2.0]]
    assert request.flags == []
    assert ENCODER.contract.encoded == ("age", "income", "owner", "city", "since.year", "since.month", "mail")


def test_left_out_and_null_are_missing_where_allowed() -> None:
    for row in ({"income": 0.5}, dict.fromkeys(["age", "owner", "city", "since", "mail"]) | {"income": 0.5}):
        x = ask(row).x[0]
        assert np.isnan(x[[0, 2, 4, 5]]).all()
        assert x[3] == x[6] == 0.0


@pytest.mark.parametrize(
    ("row", "rule", "fix"),
    [
        ({"age": "5"}, "type", "send 5, not the text"),
        ({"age": True}, "type", "is an integer"),
        ({"age": 5.5}, "type", "whole number"),
        ({"age": 2**53}, "exact", "mark 'age' as an id"),
        ({"age": 2**63}, "exact", "2\\^53"),
        ({"age": []}, "type", "is an integer"),
        ({"income": "x"}, "type", "is a number"),
        ({"income": False}, "type", "is a number"),
        ({"income": None}, "null", "null is not allowed"),
        ({"income": 1e39}, "finite", "finite number"),
        ({"income": 10**400}, "finite", "finite number"),
        ({"owner": 1}, "type", "true, false or null"),
        ({"owner": "true"}, "type", "true, false or null"),
        ({"city": 5.0}, "type", "as a text"),
        ({"city": True}, "type", "as a text"),
        ({"city": {}}, "type", "as a text"),
        ({"since": 2024}, "type", "is a time"),
        ({"since": "2024-02-30"}, "time", "Write the time like '2025"),
        ({"id": 1.5}, "id", "as a text"),
        ({"id": "x" * 257}, "id", "256 characters"),
        ({"aeg": 5}, "unknown", "Did you mean 'age'"),
    ],
)
def test_a_broken_cell_is_named_with_its_rule_and_remedy(row: dict[str, Any], rule: str, fix: str) -> None:
    error = broken(row)
    (cell,) = error.cells
    assert (cell.row, cell.column, cell.rule) == (0, next(iter(row)), rule)
    assert error.where == f"$.rows[0].{cell.column}"
    assert len(cell.value) <= 80
    assert re.search(fix, cell.fix)


def test_a_required_field_is_asked_for() -> None:
    with pytest.raises(BrokenContract, match="break the contract") as caught:
        ask({"age": 20})
    assert [(cell.column, cell.rule) for cell in caught.value.cells] == [("income", "required")]
    assert "Send 'income' with every row" in caught.value.cells[0].fix


def test_all_broken_cells_of_all_rows_are_listed() -> None:
    with pytest.raises(BrokenContract, match="7 cells in 2 rows break the contract") as caught:
        ask(
            {"age": "5", "income": 1, "x": 1},
            {"income": 2},
            {"owner": 0, "city": 1.5, "since": "x", "y": 2, "income": 1, "age": []},
        )
    assert caught.value.count == 7
    assert {cell.row for cell in caught.value.cells} == {0, 2}


def test_the_list_has_a_cap_and_the_count_is_exact() -> None:
    with pytest.raises(BrokenContract, match="300 cells in 150 rows") as caught:
        ask(*[{"age": "x"} for _ in range(150)])
    assert len(caught.value.cells) == 100
    assert caught.value.count == 300


def test_a_hundred_thousand_unknown_fields_are_counted_quickly() -> None:
    row = {f"field {number}": 1 for number in range(100_000)}
    start = monotonic()
    with pytest.raises(BrokenContract, match="100001 cells in 1 row") as caught:
        ask(row)
    assert len(caught.value.cells) == 100
    assert monotonic() - start < 5


def test_partial_keeps_the_good_rows_and_says_which_were_refused() -> None:
    request = ask(
        {"income": 1, "id": "a"}, {"income": "x", "id": "b"}, {"income": 3, "age": 200, "id": 7}, partial=True
    )
    assert [row["income"] for row in request.rows] == [1, 3]
    assert request.kept == [0, 2]
    assert request.ids == [{"id": "a"}, {"id": "7"}]
    assert {number: [cell.rule for cell in cells] for number, cells in request.refused.items()} == {1: ["type"]}
    assert [(flag.row, flag.rule) for flag in request.flags] == [(1, "outside")]
    with pytest.raises(BrokenContract, match="in 1 row"):
        ask({"income": "x"}, partial=True)


def test_soft_breaks_are_flagged() -> None:
    request = ask(
        {"income": 1, "age": 17, "city": "Ulm"}, {"income": 1, "age": "?", "city": " "}, {"income": 1, "city": 7}
    )
    assert [(flag.row, flag.column, flag.rule) for flag in request.flags] == [
        (0, "age", "outside"),
        (0, "city", "unseen"),
        (1, "age", "blank"),
        (1, "city", "blank"),
    ]
    assert request.x[:, 3].tolist() == [1.0, 0.0, 3.0]


def test_known_columns_that_are_no_features_are_accepted_and_not_fed() -> None:
    request = ask({"income": 1, "id": 12, "note": {"any": ["thing"]}, "bad": "yes"})
    assert request.ids == [{"id": "12"}]
    assert json.loads(ENCODER.logged(request)) == [{"income": 1}]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "`rows` is not a list of objects"),
        ({"rows": {}}, "`rows` is not a list"),
        ({"rows": [1]}, "`rows` is not a list of objects"),
        ({"rows": [], "row": 1}, "A request has no 'row'"),
        ({"rows": [{"income": 1}], "explain": 1}, "`explain` is not true or false"),
        ({"rows": [{"income": 1}], "partial": "yes"}, "`partial` is not true or false"),
        ({"rows": [{"income": 1}], "key": 5}, "`key` is not a text"),
        ({"rows": [{"income": 1}], "request_id": "x" * 129}, "`request_id` is not a text"),
        ({"rows": [{"income": 1}], "request_id": "a\nb"}, "`request_id` is not a text"),
        ({"rows": [{"income": 1}], "ids": ["a", "b"]}, "`ids` is not a list with one id per prediction"),
        ({"rows": [{"income": 1}], "ids": [{"nr": "a"}]}, "An id is not as the contract says"),
        ({"rows": [{"income": 1}], "ids": [[1]]}, "An id is not"),
        ({"rows": [{"income": 1}], "options": []}, "`options` is not an object"),
        ({"rows": [{"income": 1}], "options": {"horizon": 3}}, "no option 'horizon'"),
    ],
)
def test_a_wrong_request_is_malformed(body: dict[str, Any], what: str) -> None:
    with pytest.raises(Malformed, match=what) as caught:
        ENCODER.decode(json.dumps(body).encode())
    assert caught.value.where.startswith("$")


def test_no_rows_and_too_many_rows() -> None:
    with pytest.raises(BadInput, match="has no rows"):
        ask()
    small = TableEncoder(CONTRACT, ServeSettings(max_rows=2, max_text=50, max_body=500))
    with pytest.raises(TooLarge, match="3 rows, 2 are allowed"):
        small.decode(json.dumps({"rows": [{"income": 1}] * 3}).encode())
    with pytest.raises(TooLarge, match="60 characters, 50 are allowed"):
        small.decode(json.dumps({"rows": [{"income": 1, "city": "x" * 60}]}).encode())
    with pytest.raises(TooLarge, match="500 are allowed"):
        small.decode(json.dumps({"rows": [{"income": 1, "city": "x" * 600}]}).encode())
    assert len(small.request([{"income": 1}] * 5).rows) == 5  # limits are for strangers


def test_a_megabyte_of_text_is_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="1000000 characters, 65536 are allowed"):
        ask({"income": 1, "city": "x" * 1_000_000})


def test_ids_beside_the_rows() -> None:
    assert ask({"income": 1}, {"income": 1}, ids=["a", 7]).ids == [{"id": "a"}, {"id": "7"}]
    assert ask({"income": 1, "id": "row"}, ids=[{"id": "beside"}]).ids == [{"id": "beside"}]
    assert list(ask({"income": 1}).ids) == []


def test_options_are_held_to_the_contract() -> None:
    contract = msgspec.structs.replace(CONTRACT, options=(Column(name="top", kind="integer", range=(1, 9)),))
    encoder = TableEncoder(contract)

    def ask_for(options: Any) -> Request:
        return encoder.decode(json.dumps({"rows": [{"income": 1}], "options": options}).encode())

    assert ask_for({"top": 3}).options == {"top": 3}
    assert ask_for(None).options == {}
    with pytest.raises(Malformed, match="'top' breaks the rule 'outside'"):
        ask_for({"top": 30})
    with pytest.raises(Malformed, match="'top' breaks the rule 'type'"):
        ask_for({"top": "3"})
    with pytest.raises(Malformed, match="no option 'tops'") as caught:
        ask_for({"tops": 1})
    assert "Did you mean 'top'" in caught.value.fix


def test_python_values_that_are_no_json_are_refused_too() -> None:
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(BrokenContract, match="rule: finite"):
            ENCODER.request([{"income": value}])
    with pytest.raises(BrokenContract, match="rule: type"):
        ENCODER.request([{"income": object()}])


def test_unknown_columns_may_be_ignored() -> None:
    encoder = TableEncoder(msgspec.structs.replace(CONTRACT, extra="ignore"))
    assert encoder.request([{"income": 1, "new": 5}]).x.shape == (1, 7)


def test_a_request_for_another_contract_is_encoded_again() -> None:
    other = TableEncoder(Contract(task="any", per="row", columns=(Column(name="income", kind="number", shift=1.0),)))
    request = ask({"income": 5})
    assert other.encode(request).x.tolist() == [[4.0]]
    plain = Request(rows=[{"income": 5}])
    assert ENCODER.encode(plain).x[0, 1] == 5.0


def test_hard_categories_refuse_and_list_what_is_known() -> None:
    city = msgspec.structs.replace(CONTRACT.by_name["city"], hard=True)
    encoder = TableEncoder(Contract(task="any", per="row", columns=(city,)))
    with pytest.raises(BrokenContract, match="rule: category") as caught:
        encoder.request([{"city": "Ulm"}])
    assert "Send one of: 'Bonn', '7'." in caught.value.cells[0].fix


def test_what_is_logged_is_masked() -> None:
    request = ask({"income": 1, "mail": "a@b.de", "age": 20}, {"income": 2, "mail": None})
    logged = json.loads(ENCODER.logged(request))
    assert logged[0].keys() == {"income", "mail", "age"}
    assert "a@b.de" not in str(logged)
    assert len(logged[0]["mail"]) == 16
    assert logged[1] == {"income": 2, "mail": None}
    silent = msgspec.structs.replace(CONTRACT.by_name["mail"], log="none")
    encoder = TableEncoder(Contract(task="any", per="row", columns=(silent, CONTRACT.by_name["income"])))
    assert json.loads(encoder.logged(encoder.request([{"income": 1, "mail": "a@b.de"}]))) == [{"income": 1}]


def test_predictions_are_rendered_with_their_flags() -> None:
    request = ask({"income": 1}, {"income": 1, "city": "Ulm", "age": 1})
    answers = {"probabilities": np.array([[0.25, 0.75], [0.5, 0.5]]), "label": np.array([1, 0])}
    assert ENCODER.render(answers, ENCODER.encode(request)) == [
        {"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}},
        {
            "label": "no",
            "probabilities": {"no": 0.5, "yes": 0.5},
            "flags": [{"column": "age", "rule": "outside"}, {"column": "city", "rule": "unseen"}],
        },
    ]
    assert list(ENCODER.render(answers, ENCODER.encode(request))[0]) == ["label", "probabilities"]


def test_other_axes_are_rendered_as_the_interface_says() -> None:
    contract = Contract(
        task="any",
        per="row",
        columns=(Column(name="a", kind="number"),),
        outputs=(
            Output(name="value", kind="number"),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=("0.1", "0.9")),
            Output(name="best", kind="code", axes=("rank",), labels=("x", "y", "z")),
            Output(name="plan", kind="document"),
        ),
    )
    answers = {
        "value": np.array([1.5]),
        "quantiles": np.array([[[1.0, 2.0], [3.0, 4.0]]]),
        "best": np.array([[2, 0]]),
        "plan": np.array([{"stops": [1]}], dtype=object),
    }
    batch = Batch.of_rows(np.zeros((1, 1), dtype=np.float32))
    assert TableEncoder(contract).render(answers, batch) == [
        {
            "value": 1.5,
            "quantiles": [{"0.1": 1.0, "0.9": 2.0}, {"0.1": 3.0, "0.9": 4.0}],
            "best": ["z", "x"],
            "plan": {"stops": [1]},
        }
    ]


@pytest.mark.parametrize(
    "column",
    [Column(name="t", kind="text"), Column(name="t", kind="image"), Column(name="t", kind="number", encode="array")],
)
def test_what_a_table_cannot_feed_is_refused_when_the_encoder_is_made(column: Column) -> None:
    with pytest.raises(BadInput, match=f"cannot feed column 't' of kind '{column.kind}'"):
        TableEncoder(Contract(task="any", per="row", columns=(column,)))
    with pytest.raises(BadInput, match="cannot feed per = 'series'"):
        TableEncoder(Contract(task="any", per="series", columns=()))


def test_every_row_of_a_data_set_is_a_case_and_its_query_asks_about_it() -> None:
    rows = Table(
        pl.DataFrame({"age": [20, None, 61], "income": [5.0, 7.5, 0.25], "y": [1.0, 2.0, 3.0], "w": [1.0, None, 2.0]})
    )
    contract = Contract(
        task="any",
        per="row",
        columns=(
            Column(name="age", kind="integer"),
            Column(name="income", kind="number"),
            Column(name="y", kind="number", role="target"),
            Column(name="w", kind="number", role="weight"),
        ),
        truth=Column(name="y", kind="number"),
    )
    split = Split(rule="given", seed=0, shares=(0.5, 0.5), part=np.zeros(3, dtype=np.int8))
    data = Dataset(rows=rows, contract=contract, fingerprint="", split=split)
    encoder = TableEncoder(contract)
    assert encoder.cases(rows).tolist() == [0, 1, 2]
    asked = np.array([2, 1])
    sample = encoder.ask(data, np.array([0]), asked)
    assert sample.case.tolist() == [2, 1]
    assert sample.truth is not None
    assert sample.weight is not None
    assert (sample.truth.tolist(), sample.weight.tolist()) == ([3.0, 2.0], [2.0, 0.0])
    queries = encoder.queries(data, np.array([0]), asked)
    assert [query.rows for query in queries] == [[{"age": 61, "income": 0.25}], [{"age": None, "income": 7.5}]]
    x = np.concatenate([encoder.request(query.rows, query.options).x for query in queries])
    assert np.array_equal(x, sample.batch.x, equal_nan=True)
