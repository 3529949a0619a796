from __future__ import annotations

import polars
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.answer import encoder_of
from seaway.core.contract import Blank, Column, Contract, Map
from seaway.core.errors import BrokenContract
from seaway.data import read
from seaway.data.validate import validate
from seaway.workflow.sent import as_sent

CONTRACT = Contract(
    task="tabular",
    per="row",
    columns=(
        Column(name="id", kind="text", role="id"),
        Column(name="amount", kind="number", null="error", range=(0.0, 100.0), hard=True),
        Column(name="months", kind="integer", clean=(Map(to={"a year": "12"}), Blank(words=("", "?")))),
        Column(name="plan", kind="category", categories=("basic", "plus"), unseen="error", clean=(Blank(words=("",)),)),
        Column(name="owner", kind="boolean", clean=(Blank(words=("",)),)),
        Column(name="since", kind="time", parts=("year",), clean=(Blank(words=("",)),)),
        Column(name="left", kind="category", role="target", categories=("no", "yes")),
    ),
    truth=Column(name="left", kind="category", role="target", categories=("no", "yes")),
)

CELLS = {
    "id": st.sampled_from(["a1", "", "17"]),
    "amount": st.sampled_from(["5", "99.5", "", "101", "-1", "many", "nan", "1e999", "true"]),
    "months": st.sampled_from(["7", "7.0", "7.5", "", "?", "a year", "two", "9007199254740993", "inf"]),
    "plan": st.sampled_from(["basic", "plus", "", "gold"]),
    "owner": st.sampled_from(["true", "False", "", "yes", "1"]),
    "since": st.sampled_from(["2025-11-25", "2025-11-25T10:00:00", "", "soon", "1492-10-12"]),
    "left": st.sampled_from(["no", "yes", "", "perhaps"]),
    "note": st.just("a column that nobody knows"),
}


@given(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=12))
def test_the_encoder_refuses_the_rows_of_a_file_that_validation_finds_broken(rows: list[dict[str, str]]) -> None:
    table = read.table(polars.DataFrame(rows))
    asked = read.table(polars.DataFrame(rows).drop("left"))
    encoder = encoder_of(CONTRACT)
    refused = []
    for number, row in enumerate(as_sent(table, CONTRACT)):
        try:
            encoder.request([row])
        except BrokenContract:
            refused.append(number)
    assert refused == validate(asked, CONTRACT).broken.tolist()


def test_texts_become_values_and_only_what_the_contract_knows_is_sent() -> None:
    row = {"id": "a1", "amount": "5", "months": "a year", "plan": "plus", "owner": "false", "since": "", "left": "no"}
    (sent,) = as_sent(read.table([row | {"note": "x"}]), CONTRACT)
    assert sent == {"id": "a1", "amount": 5.0, "months": 12, "plan": "plus", "owner": False, "since": None}


def test_a_broken_cell_is_sent_as_it_stands() -> None:
    row = {"id": "a1", "amount": "many", "months": "", "plan": "gold", "owner": "", "since": "", "left": ""}
    (sent,) = as_sent(read.table([row]), CONTRACT)
    assert (sent["amount"], sent["plan"], sent["months"]) == ("many", "gold", None)
