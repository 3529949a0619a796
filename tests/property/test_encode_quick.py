"""The short way through an encoder says what the long way says, to the bit, or nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from seaway.core.batch import Batch
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BadInput
from seaway.data.encode.table import TableEncoder, TableRequest
from tests.property.test_encode_paths import bits, tables

KEPT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="a:b", kind="number"),
        Column(name="kind", kind="category", categories=("x:y", "z"), unseen="other"),
        Column(name="who", kind="text", role="id"),
    ),
    outputs=(Output(name="mean", kind="number"),),
)


def numbers_of(logged: bytes) -> Any:
    """Read rows with numbers in double precision, which is all that a column holds of them."""
    return json.loads(logged, parse_int=float)


def compare(contract: Contract, body: bytes) -> bool:
    """Hold what the short way reads to what the long way reads; return whether the short way read anything."""
    encoder = TableEncoder(contract)
    assert encoder.quick is not None
    found = encoder.quick.read(body)
    if found is None:
        return False
    request = encoder.decode(body)
    assert isinstance(request, TableRequest)
    assert not request.flags
    assert not request.refused
    assert not request.explain
    assert not request.options
    assert found.rows == len(request.rows)
    assert np.array_equal(bits(np.frombuffer(found.x, np.float32).reshape(found.rows, -1)), bits(request.x))
    assert (found.request_id, found.key) == (request.request_id, request.key)
    assert list(found.ids) == list(request.ids)
    assert numbers_of(found.logged) == numbers_of(encoder.logged(request))
    return True


@given(tables(), st.booleans(), st.sampled_from([None, (",", ":"), (" , ", " : ")]), st.sampled_from([None, 1]))
def test_the_short_way_reads_what_the_long_way_reads(
    case: tuple[Contract, list[dict[str, Any]]], is_ascii: bool, separators: Any, indent: int | None
) -> None:
    contract, rows = msgspec.structs.replace(case[0], outputs=KEPT.outputs), case[1]
    asked = {"rows": rows, "key": "k:1"}
    compare(contract, json.dumps(asked, ensure_ascii=is_ascii, separators=separators, indent=indent).encode())


TEXTS = st.sampled_from(
    [
        '"a:b"', '"kind"', '"who"', '"rows"', '"key"', '"request_id"', '"z"', '"x:y"', '":"', '"\\u003a"', '""', ":", ":", ":",
        ",", ",", "{", "}", "[", "]", " ", "1", "-0.0", "1e400", "null", "true", "NaN", '{"a:b":1,"a:b":2}', '{"rows":[', "]}",
    ]
)  # fmt: skip


@given(st.lists(TEXTS, max_size=24).map("".join))
@example('{"rows":[{"a:b":1,"kind":"z","a:b" :2,"who":":"}]}')
@example('{"rows":[{"a:b":1,"a:b":2,"kind":"\\u003a"}]}')
@example('{"rows":[{"a:b":1}],"rows":[{"a:b":2}]}')
@example('{"rows":[{"a:b":1}],"key":":","key":"x"}')
@example('{"rows":[{"a:b":1,"who":12345678901234567890123}]}')
def test_no_text_however_odd_is_read_the_short_way_and_refused_the_long_way(text: str) -> None:
    body = text.encode()
    try:
        TableEncoder(KEPT).decode(body)
    except BadInput:
        quick = TableEncoder(KEPT).quick
        assert quick is not None
        assert quick.read(body) is None
    else:
        compare(KEPT, body)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.floats(0, 1), min_size=3, max_size=3)), min_size=1, max_size=5)
)
def test_answers_are_written_alike(cases: list[tuple[int, list[float]]]) -> None:
    labels = ("no", "yes: often", "a ‘third’")
    outputs = (
        Output(name="chances", kind="number", axes=("class",), labels=labels),
        Output(name="label", kind="code", labels=labels),
        Output(name="mean", kind="number"),
    )
    encoder = TableEncoder(msgspec.structs.replace(KEPT, outputs=outputs))
    assert encoder.quick is not None
    answers = {
        "chances": np.array([parts for _, parts in cases]),
        "label": np.array([code for code, _ in cases], dtype=np.int64),
        "mean": np.array([parts[0] * 1e17 for _, parts in cases]),
    }
    batch = Batch.of_rows(np.zeros((len(cases), 2), np.float32))
    shown = encoder.render(answers, batch)
    assert msgspec.json.encode(encoder.quick.cases(answers)) == msgspec.json.encode(shown)
