"""Series, three ways in: a request's rows, a table of texts, a data set that is asked about. All give the same batch."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch
from seaway.core.contract import Column, Contract, Output, Series
from seaway.core.dataset import Dataset, Split
from seaway.data.encode.frequency import Grid, frequency
from seaway.data.encode.series import SeriesEncoder, split_rows
from seaway.data.rows import Table
from seaway.data.validate import validate

FREQUENCIES = ["30s", "15m", "1h", "1d", "1bd", "1w", "1mo", "1q", "1y", "2h", "2w"]
HORIZON = 4


def contract_of(word: str, zone: str, gaps: Any, history: int) -> Contract:
    return Contract(
        task="any",
        per="series",
        series=Series(frequency=word, zone=zone, season=3, history=history, horizon=HORIZON, gaps=gaps),
        columns=(
            Column(name="shop", kind="text", role="id"),
            Column(name="at", kind="time", role="time", parts=("month", "weekday", "hour")),
            Column(name="size", kind="category", categories=("big", "small"), part="static", ahead=True),
            Column(name="promo", kind="integer", ahead=True),
            Column(name="visits", kind="number", range=(0.0, 50.0)),
            Column(name="sold", kind="number", role="target", encode="array"),
        ),
        options=(Column(name="horizon", kind="integer", range=(1, HORIZON), hard=True),),
        truth=Column(name="sold", kind="number"),
        outputs=(Output(name="mean", kind="number", axes=("step",)),),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Contract, list[dict[str, Any]]]:
    """Draw a contract and the rows of a few series with gaps and missing cells, in any order."""
    word = draw(st.sampled_from(FREQUENCIES))
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]))
    contract = contract_of(word, zone, draw(st.sampled_from(["missing", "zero"])), draw(st.integers(2, 12)))
    clock = SeriesEncoder(contract)._clock
    rows = []
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)):
        start = draw(
            st.sampled_from(["2024-02-27", "2024-03-29", "2024-10-25", "2024-11-01", "2023-12-29", "2024-01-31"])
        )
        anchor = np.array([np.datetime64(start, "ns")]).astype(np.int64)
        step = frequency(word)
        count = draw(st.integers(1, 9))
        grid = Grid(anchor, step.grid(anchor, np.array([0, 1])).day).take(np.zeros(count, dtype=np.int64))
        texts = clock.texts(step.moments(np.arange(count), grid))
        size = draw(st.sampled_from(["big", "small", "huge", None]))
        for text in texts:
            if draw(st.integers(0, 5)) == 0:
                continue
            row = {"shop": name, "at": text, "size": draw(st.sampled_from([size, None]))}
            row |= {"promo": draw(st.sampled_from([0, 1, None])), "visits": draw(st.sampled_from([3.5, 70.0, None]))}
            rows.append(row | {"sold": draw(st.sampled_from([1.0, 0.0, -2.5, 1e9, None]))})
    known = {row["shop"] for row in rows if row["sold"] is not None}
    rows = [row for row in rows if row["shop"] in known]
    if not rows:
        rows = [{"shop": "a", "at": texts[0], "size": None, "promo": 1, "visits": None, "sold": 1.0}]
    return contract, draw(st.permutations(rows))


def table_of(rows: list[dict[str, Any]], contract: Contract) -> Table:
    names = [column.name for column in contract.columns]
    frame = pl.DataFrame(
        {n: [None if r.get(n) is None else str(r[n]) for r in rows] for n in names},
        schema=dict.fromkeys(names, pl.String),
    )
    found = validate(Table(frame), contract)
    assert not found.count, found.cells
    return found.rows


def same(one: Batch, other: Batch) -> None:
    assert np.array_equal(one.x, other.x, equal_nan=True)
    assert one.arrays.keys() == other.arrays.keys()
    assert all(np.array_equal(one.arrays[name], other.arrays[name], equal_nan=True) for name in one.arrays)
    for name in ("starts", "seen", "time"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert list(one.options) == list(other.options)


@given(worlds())
def test_a_table_gives_the_batch_of_its_rows_as_a_request(world: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = world
    encoder = SeriesEncoder(contract)
    table = table_of(rows, contract)
    batch, asked = encoder.batch(table), encoder.request(rows).batch
    same(batch, asked)
    assert batch.flags == asked.flags
    same(batch, encoder.request(table.records()).batch)


@given(worlds(), st.data())
def test_what_is_asked_of_a_data_set_is_what_a_client_would_ask(
    world: tuple[Contract, list[dict[str, Any]]], data: st.DataObject
) -> None:
    contract, rows = world
    table = table_of(rows, contract)
    encoder = SeriesEncoder(contract)
    part = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    moments = table.column("at")[0]
    cut = np.sort(moments)[data.draw(st.integers(0, len(rows) - 1))]
    known = np.flatnonzero(moments <= cut)
    asked = np.flatnonzero((moments > cut) & (np.array(part) > 0))
    sample, queries = asks(encoder, table, contract, known, asked)
    assert len(queries) == sample.batch.cases == len(sample.case)
    for place, query in enumerate(queries):
        own = sample.batch.take(np.array([place]))
        if own.steps[0]:
            same(own, encoder.request(query.rows, query.options).batch)
    assert (sample.batch.steps <= HORIZON).all()
    times = sample.batch.time
    assert times is not None
    ahead = np.concatenate(
        [np.arange(e - s, e) for e, s in zip(sample.batch.starts[1:], sample.batch.steps, strict=True)]
        or [np.zeros(0, int)]
    )
    assert np.isnan(sample.batch.arrays["sold"][ahead]).all(), "the answer is not told"
    assert np.isnan(sample.batch.x[ahead][:, contract.encoded.index("visits")]).all(), "nobody knows visits ahead"
    assert sample.truth is not None
    assert (times[~np.isnan(sample.truth)] > cut.astype(np.int64)).all(), "truth is of asked rows alone"


@given(worlds())
def test_what_may_be_learnt_from_is_every_row_and_its_truth(world: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = world
    table = table_of(rows, contract)
    every = np.arange(len(rows))
    sample, _ = asks(SeriesEncoder(contract), table, contract, every, every)
    assert not sample.batch.steps.any()
    assert sample.truth is not None
    assert np.array_equal(sample.truth, sample.batch.arrays["sold"], equal_nan=True)
    given_values = sorted(row["sold"] for row in rows if row["sold"] is not None)
    held = sorted(sample.truth[~np.isnan(sample.truth)].tolist())
    if contract.series is not None and contract.series.gaps == "missing":
        assert held == given_values


@given(worlds())
def test_logged_rows_can_be_asked_again_case_by_case(world: tuple[Contract, list[dict[str, Any]]]) -> None:
    contract, rows = world
    encoder = SeriesEncoder(contract)
    request = encoder.request(rows, {"horizon": 2})
    logged = msgspec.json.decode(encoder.logged(request))
    cases = split_rows(contract, logged)
    assert len(cases) == request.batch.cases
    for place, own in enumerate(cases):
        same(encoder.request(own, request.options).batch, request.batch.take(np.array([place])))


def asks(encoder: SeriesEncoder, table: Table, contract: Contract, known: Array, asked: Array) -> tuple[Any, Any]:
    split = Split(rule="given", seed=0, shares=(1.0, 0.0), part=np.zeros(len(table), dtype=np.int8))
    data = Dataset(rows=table, contract=contract, fingerprint="", split=split)
    return encoder.ask(data, known, asked), encoder.queries(data, known, asked)
