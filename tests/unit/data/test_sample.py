"""Samples: every telling value is there, each encodes to exactly what it stands for, and the contract accepts all."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.contract import Blank, Clip, Column, Contract, Series
from seaway.data.encode.series import SeriesEncoder
from seaway.data.encode.table import TableEncoder
from seaway.data.sample import sample
from seaway.data.sample_rows import UNSEEN, reaching

CONTRACT = Contract(
    task="any",
    per="row",
    columns=(
        Column(name="amount", kind="number", range=(10.0, 5000.0), shift=1000.0),
        Column(name="months", kind="integer", range=(6.0, 60.0)),
        Column(name="purpose", kind="category", categories=("car", "home")),
        Column(name="owner", kind="boolean"),
        Column(name="since", kind="time", format="%d.%m.%Y", parts=("month", "weekday")),
        Column(name="id", kind="text", role="id"),
    ),
)


def made(contract: Contract, edges: dict[int, Any], count: int, seed: int) -> list[dict[str, Any]]:
    """Return the one row of each query."""
    queries = sample(contract, edges, count, seed)
    assert all(len(query.rows) == 1 and not query.options for query in queries)
    return [query.rows[0] for query in queries]


EDGES = {0: np.array([-123.456, 0.0, 2e-40, 777.25]), 1: np.array([12.5, 24.0]), 4: np.array([6.5])}


def test_every_telling_value_of_every_column_is_there() -> None:
    rows = made(CONTRACT, EDGES, 50, 0)
    assert {row.get("purpose", "absent") for row in rows} == {"car", "home", None, "absent", UNSEEN}
    assert {row.get("owner", "absent") for row in rows} == {True, False, None, "absent"}
    months = {row.get("months", "absent") for row in rows}
    assert {None, "absent", 6, 60, 11, 12, 13, 14, 23, 24, 25} <= months
    assert min(value for value in months if isinstance(value, int)) < 6
    assert all(value is None or isinstance(value, str | int) for value in months)
    encoder = TableEncoder(CONTRACT)
    x = encoder.request(rows).x
    assert set(x[:, 4][~np.isnan(x[:, 4])]) == set(range(1, 13))
    assert set(x[:, 5][~np.isnan(x[:, 5])]) == set(range(7))
    for edge in EDGES[0]:
        nearest = np.float32(edge)
        for value in (nearest, np.nextafter(nearest, np.float32(-np.inf)), np.nextafter(nearest, np.float32(np.inf))):
            if reaching(CONTRACT.columns[0], float(value)) is not None:
                assert value in x[:, 0]
    assert not any("id" in row for row in rows)


def test_the_contract_accepts_every_row_as_json() -> None:
    rows = made(CONTRACT, EDGES, 400, 3)
    assert len(rows) >= 400
    encoder = TableEncoder(CONTRACT)
    for start in range(0, len(rows), 100):
        encoder.decode(json.dumps({"rows": rows[start : start + 100]}).encode())


def test_what_the_contract_refuses_is_left_out() -> None:
    hard = Contract(
        task="any",
        per="row",
        columns=(
            Column(name="n", kind="number", range=(0.0, 1.0), hard=True, null="error", absent="error"),
            Column(name="c", kind="category", categories=("a",), hard=True, null="error"),
        ),
    )
    rows = made(hard, {0: np.array([0.5, 7.0])}, 100, 0)
    TableEncoder(hard).request(rows)
    assert {row["c"] for row in rows} == {"a"}
    assert all(0 <= row["n"] <= 1 for row in rows)
    assert 0.5 in {row["n"] for row in rows}


def test_the_seed_fixes_the_rows() -> None:
    assert sample(CONTRACT, EDGES, 60, 1) == sample(CONTRACT, EDGES, 60, 1)
    assert sample(CONTRACT, EDGES, 60, 1) != sample(CONTRACT, EDGES, 60, 2)


shifts = st.sampled_from([0.0, 1000.0, 0.1, -3.7e5, 1.7e9])


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), shifts)
def test_a_number_that_is_found_encodes_to_exactly_that_float32(wanted: float, shift: float) -> None:
    column = Column(name="n", kind="number", shift=shift)
    value = reaching(column, wanted)
    if value is None:
        assert shift
        return
    x = TableEncoder(Contract(task="any", per="row", columns=(column,))).decode(
        json.dumps({"rows": [{"n": value}]}).encode()
    )
    assert np.array_equal(x.x[0], np.array([wanted + 0.0], dtype=np.float32))


@given(st.floats(-1e6, 1e6, width=32), st.sampled_from([0.0, 1000.0, 1.7e9]))
def test_ordinary_edges_are_always_reached(wanted: float, shift: float) -> None:
    """Where the shifted value's float32 is coarser than the sum's float64, as for every real column, a value exists."""
    if wanted and abs(wanted) < shift * 2.0**-28:
        return
    assert reaching(Column(name="n", kind="number", shift=shift), wanted) is not None


@given(st.integers(-(2**24), 2**24), st.sampled_from([0.0, 500.0]))
def test_whole_numbers_reach_whole_edges(wanted: int, shift: float) -> None:
    value = reaching(Column(name="n", kind="integer", shift=shift), float(wanted))
    assert value == wanted + shift
    assert isinstance(value, int)
    assert reaching(Column(name="n", kind="integer"), wanted + 0.5) is None or abs(wanted) >= 2**23


def test_clipped_blank_and_odd_columns_give_rows_too() -> None:
    columns: list[Any] = [
        Column(name="n", kind="number", clean=(Clip(low=0.0, high=1.0), Blank(words=("?",)))),
        Column(name="c", kind="category", categories=()),
        Column(name="t", kind="time", parts=("second",)),
    ]
    contract = Contract(task="any", per="row", columns=tuple(columns))
    rows = made(contract, {}, 10, 0)
    x = TableEncoder(contract).request(rows).x
    assert np.nanmax(x[:, 0]) <= 1.0
    assert len(set(x[:, 2][~np.isnan(x[:, 2])])) > 30
    assert all(math.isfinite(value) or math.isnan(value) for value in x.ravel())


SERIES = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="shop", kind="text", role="id"),
        Column(name="at", kind="time", role="time", parts=("hour",)),
        Column(name="size", kind="category", categories=("big", "small"), part="static", ahead=True),
        Column(name="promo", kind="integer", range=(0.0, 9.0), ahead=True),
        Column(name="visits", kind="number", range=(0.0, 50.0), absent="error"),
        Column(name="sold", kind="number", role="target", encode="array"),
    ),
    series=Series(frequency="1h", zone="Europe/Berlin", season=24, history=200, horizon=24),
    options=(Column(name="horizon", kind="integer", range=(1, 24), hard=True),),
    truth=Column(name="sold", kind="number"),
)


def test_series_are_made_of_every_length_and_kind() -> None:
    queries = sample(SERIES, {}, 300, 0)
    encoder = SeriesEncoder(SERIES)
    batches = [encoder.request(query.rows, query.options).batch for query in queries]
    assert all(batch.cases == 1 for batch in batches)
    assert {1, 2, 3, 23, 24, 25, 48, 199, 200} <= {int(batch.seen[0]) for batch in batches}
    assert {1, 12, 24} <= {int(batch.steps[0]) for batch in batches}
    values = np.concatenate([batch.arrays["sold"] for batch in batches])
    assert np.nanmin(values) < 0 < 1e11 < np.nanmax(values)
    assert (values == 0).any()
    assert {(f.column, f.rule) for b in batches for f in b.flags} >= {
        ("at", "gap"),
        ("visits", "outside"),
        ("promo", "outside"),
    }
    codes = {float(code) for batch in batches for code in batch.x[:, 1]}
    assert {0.0, 2.0, 3.0} <= codes
    assert {row["at"][-6:] for query in queries for row in query.rows} == {"+01:00", "+02:00"}
    assert len(msgspec.json.encode(queries)) < 1_000_000
    assert queries == sample(SERIES, {}, 300, 0) != sample(SERIES, {}, 300, 1)


def test_series_that_the_contract_refuses_are_left_out() -> None:
    strict = tuple(
        msgspec.structs.replace(column, range=(0.0, 1000.0), hard=True) if column.role == "target" else column
        for column in SERIES.columns
    )
    queries = sample(msgspec.structs.replace(SERIES, columns=strict), {}, 300, 0)
    sold = [row["sold"] for query in queries for row in query.rows if row.get("sold") is not None]
    assert len(queries) > 50
    assert 0 <= min(sold) <= max(sold) <= 1000
