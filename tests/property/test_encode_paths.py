"""One contract, three ways in: a request's JSON, a file of texts, a typed frame. All give the same bits and flags."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from seaway.core.batch import Array, Flag
from seaway.core.contract import Blank, Clip, Column, Contract, Map, Rule, Trim
from seaway.core.errors import BrokenContract
from seaway.data.encode.table import TableEncoder, TableRequest
from seaway.data.pieces import Piece
from seaway.data.rows import Table
from seaway.data.validate import validate
from seaway.workflow.sent import parted

BLANK = ("?", "NA", "")
WORDS = ("red", "green", "blue", "Rot", " red", "7", "12")
GARBAGE = ("abc", "?", " NA ", "", "  ", "low", "high", "none")
finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
numbers = st.one_of(
    finite,
    st.floats(-100, 100),
    st.sampled_from(
        [0.0, -0.0, 1e-45, 5e-324, 3.4028234663852886e38, 3.4028235e38, 1e39, -1e300, 16_777_217.0, 0.1, 5.0]
    ),
    st.integers(-100, 100),
    st.sampled_from([2**53, 2**53 + 1, -(2**53), 2**63, 2**64, 10**38, 10**39, 1_700_000_001]),
)
MOMENTS = """2024-02-29T13:05:59|1970-01-01|1969-12-31T23:59:59|2001-01-01 00:00:01.5|2024-02-30|tomorrow|?
2024-06-01T12:00:00+02:00|2024-06-01T12:00:00Z|1500-01-01|2300-01-01|2261-12-31T23:00:00""".replace("\n", "|")
moments = st.sampled_from(MOMENTS.split("|"))


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind = draw(st.sampled_from(["number", "integer", "boolean", "category", "time"]))
    clean: list[Rule] = []
    if draw(st.booleans()):
        clean.append(Trim())
    if draw(st.booleans()):
        clean.append(Blank(words=BLANK[: draw(st.integers(1, 3))]))
    extra: dict[str, Any] = {}
    if kind in ("number", "integer"):
        if draw(st.booleans()):
            clean.append(Map(to={"low": "1", "high": "1e3"} if kind == "number" else {"low": "-3"}))
        if draw(st.booleans()):
            clean.append(
                Clip(low=draw(st.sampled_from([None, -50.0, 0.0])), high=draw(st.sampled_from([None, 10.0, 1e20])))
            )
        if draw(st.booleans()):
            extra["range"] = (-10.0, draw(st.sampled_from([10.0, 90.0, 1e39])))
        extra["outside"] = draw(st.sampled_from(["flag", "missing", "error"]))
        extra["shift"] = draw(st.sampled_from([0.0, 0.0, 1_700_000_000.0, 0.3, -3e38]))
    if kind == "category":
        extra["categories"] = tuple(draw(st.lists(st.sampled_from(["red", "green", "7", "abc"]), unique=True)))
        extra["unseen"] = draw(st.sampled_from(["other", "missing", "error"]))
        if draw(st.booleans()):
            clean.append(Map(to={"Rot": "red", "none": "NA"} if Blank in map(type, clean) else {"Rot": "red"}))
    if kind == "time":
        extra["parts"] = tuple(
            draw(
                st.lists(
                    st.sampled_from(["year", "month", "day", "dayofyear", "weekday", "hour", "minute", "second"]),
                    unique=True,
                    min_size=1,
                )
            )
        )
    return Column(
        name=name,
        kind=kind,
        clean=tuple(draw(st.permutations(clean))),
        null=draw(st.sampled_from(["missing", "missing", "error"])),
        hard=draw(st.booleans()) and draw(st.booleans()),
        **extra,
    )


def cells(column: Column) -> st.SearchStrategy[Any]:
    """Draw JSON values, legal and not, whose file text means the same: "5" in quotation marks is left out."""
    odd = st.sampled_from(GARBAGE)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "number": numbers,
        "integer": numbers,
        "boolean": st.booleans(),
        "category": st.one_of(st.sampled_from(WORDS), st.integers(-2, 12)),
        "time": moments,
    }
    return st.one_of(kinds[column.kind], kinds[column.kind], st.none(), odd)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Contract, list[dict[str, Any]]]:
    names = [f"c{place}" for place in range(draw(st.integers(1, 4)))]
    made = [draw(columns(name)) for name in names]
    row = st.fixed_dictionaries({}, optional={column.name: cells(column) for column in made})
    return Contract(task="any", per="row", columns=tuple(made)), draw(st.lists(row, min_size=1, max_size=6))


def as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def text_table(contract: Contract, rows: list[dict[str, Any]]) -> Table:
    return Table(
        pl.DataFrame(
            {column.name: [as_text(row.get(column.name)) for row in rows] for column in contract.columns},
            schema={column.name: pl.String for column in contract.columns},
        )
    )


def bits(x: Array) -> Array:
    return np.ascontiguousarray(x).view(np.uint32)


def ask(encoder: TableEncoder, rows: list[dict[str, Any]]) -> TableRequest | None:
    """Return the request with its accepted rows; None where every row is refused."""
    try:
        request = encoder.decode(json.dumps({"rows": rows, "partial": True}).encode())
    except BrokenContract:
        return None
    assert isinstance(request, TableRequest)
    return request


def seen(flags: Any) -> set[Flag]:
    return set(flags)


@given(tables())
def test_a_file_and_a_request_are_encoded_alike(case: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = case
    encoder = TableEncoder(contract)
    request = ask(encoder, rows)
    found = validate(text_table(contract, rows), contract)
    accepted = list(request.kept) if request else []
    assert sorted(set(range(len(rows))) - set(accepted)) == found.broken.tolist()
    if request is None:
        return
    again = validate(text_table(contract, [rows[number] for number in accepted]), contract)
    batch = encoder.batch(again.rows, again.flags)
    assert again.count == 0
    assert np.array_equal(bits(batch.x), bits(request.x))
    assert seen(batch.flags) == seen(request.flags)
    assert np.array_equal(bits(encoder.batch(found.whole).x), bits(request.x))


@given(tables())
def test_the_same_broken_cells_are_counted_in_a_file_and_in_a_request(
    case: tuple[Contract, list[dict[str, Any]]],
) -> None:
    contract, rows = case
    found = validate(text_table(contract, rows), contract)
    cells: set[tuple[int, str]] = set()
    try:
        TableEncoder(contract).request(rows)
    except BrokenContract as error:
        cells = {(cell.row, cell.column) for cell in error.cells}
    assert cells == {(cell.row, cell.column) for cell in found.cells}


@given(tables())
def test_rows_that_leave_as_json_come_back_as_the_same_numbers(case: tuple[Contract, list[dict[str, Any]]]) -> None:
    """The rows of a data set, asked over the live path, are what the model was trained on."""
    contract, rows = case
    whole = validate(text_table(contract, rows), contract).whole
    assume(len(whole))
    encoder = TableEncoder(contract)
    request = encoder.request(json.loads(json.dumps(whole.records())))
    assert np.array_equal(bits(request.x), bits(encoder.batch(whole).x))


LIMITS = st.sampled_from([None, -50.0, 0.0, 10.0, 90.5])
NEAR = sorted({limit + step for limit in (-50.0, 0.0, 10.0, 90.5) for step in (-7.0, -0.5, 0.0, 0.5, 7.0)})


@given(
    st.sampled_from(["number", "integer"]),
    st.tuples(LIMITS, LIMITS),
    st.tuples(LIMITS, LIMITS),
    st.sampled_from(["flag", "missing", "error"]),
    st.sampled_from([0.0, 3.0, 0.1]),
)
def test_numbers_on_and_beside_every_limit(
    kind: Any, clip: tuple[Any, Any], limits: tuple[Any, Any], outside: Any, shift: float
) -> None:
    low, high = clip if None in clip else sorted(clip)
    assume(not (kind == "integer" and low == high == 90.5))  # no whole number is left, which Rules refuses
    expected = None if None in limits else tuple(sorted(limits))
    column = Column(
        name="v", kind=kind, clean=(Clip(low=low, high=high),), range=expected, outside=outside, shift=shift
    )
    contract = Contract(task="any", per="row", columns=(column,))
    rows = [{"v": value} for value in [*NEAR, *map(int, NEAR), None]]
    encoder = TableEncoder(contract)
    request = ask(encoder, rows)
    assert request is not None
    found = validate(text_table(contract, rows), contract)
    batch = encoder.batch(found.whole)
    assert [number for number in range(len(rows)) if number not in request.kept] == found.broken.tolist()
    assert np.array_equal(bits(batch.x), bits(request.x))
    assert seen(batch.flags) == seen(request.flags)
    least, most = -1e9 if low is None else low, 1e9 if high is None else high
    if kind == "integer":
        least, most = math.ceil(least), math.floor(most)
    given_values = [rows[number]["v"] for number in request.kept if rows[number]["v"] is not None]
    held = [min(max(value, least), most) - shift for value in given_values]
    shown = request.x[: len(held), 0]
    assert np.array_equal(shown[~np.isnan(shown)], np.array(held, dtype=np.float32)[~np.isnan(shown)])
    cleaned = found.rows.frame["v"].drop_nulls().to_list()
    assert all(least <= value <= most for value in cleaned)


@given(st.lists(st.one_of(finite, st.none()), min_size=1, max_size=20), st.sampled_from([0.0, 1.5e9, 0.1]))
def test_a_typed_frame_is_encoded_like_a_request(values: list[float | None], shift: float) -> None:
    contract = Contract(
        task="any", per="row", columns=(Column(name="v", kind="number", shift=shift, range=(-5.0, 5.0)),)
    )
    encoder = TableEncoder(contract)
    rows = [{"v": value} for value in values]
    found = validate(Table(pl.DataFrame({"v": values}, schema={"v": pl.Float64})), contract)
    request = ask(encoder, rows)
    assert found.broken.tolist() == [n for n in range(len(rows)) if request is None or n not in request.kept]
    if request is not None:
        batch = encoder.batch(found.whole)
        assert np.array_equal(bits(batch.x), bits(request.x))
        assert seen(batch.flags) == seen(request.flags)


@given(tables(), st.randoms(use_true_random=False))
def test_a_row_is_encoded_alike_alone_and_among_others(
    case: tuple[Contract, list[dict[str, Any]]], random: Any
) -> None:
    contract, rows = case
    encoder = TableEncoder(contract)
    request = ask(encoder, rows)
    if request is None:
        return
    for place, number in enumerate(request.kept):
        alone = encoder.request([rows[number]])
        assert np.array_equal(bits(alone.x[0]), bits(request.x[place]))
        assert {(flag.column, flag.rule) for flag in alone.flags} == {
            (flag.column, flag.rule) for flag in request.flags if flag.row == place
        }


@given(tables())
def test_no_number_that_is_none_enters_the_matrix(case: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = case
    request = ask(TableEncoder(contract), rows)
    if request is not None:
        assert not np.isinf(request.x).any()
        assert all(math.isnan(v) or abs(v) < math.inf for v in request.x.ravel().tolist())


@given(tables())
def test_a_scored_file_has_the_flags_of_its_requests(case: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = case
    encoder = TableEncoder(contract)
    request = ask(encoder, rows)
    block = parted(Piece(rows=text_table(contract, rows), first=0), contract)
    if request is None:
        assert len(block.rows) == 0
        return
    batch = encoder.batch(block.rows, block.flags)
    assert sorted(block.broken) == sorted(set(range(len(rows))) - set(request.kept))
    assert np.array_equal(bits(batch.x), bits(request.x))
    assert seen(batch.flags) == seen(request.flags)
