"""Requests about series: what is accepted, what becomes of it, what is said of what is not, and how answers look."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from seaway.core.contract import Column, Contract, Output, Series
from seaway.core.errors import BadInput, BrokenContract, Malformed
from seaway.data.encode.scale import of_history
from seaway.data.encode.series import SeriesEncoder, SeriesRequest, moment_text, scales, split_rows

DAILY = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="shop", kind="text", role="id"),
        Column(name="day", kind="time", role="time", encode="none"),
        Column(name="size", kind="number", part="static", ahead=True),
        Column(name="promo", kind="boolean", ahead=True),
        Column(name="visits", kind="integer", range=(0, 50), absent="error"),
        Column(name="sold", kind="number", role="target", encode="array", range=(0, 10)),
    ),
    series=Series(frequency="1d", season=2, history=4, horizon=3),
    options=(Column(name="horizon", kind="integer", range=(1, 3), hard=True),),
    truth=Column(name="sold", kind="number"),
    outputs=(
        Output(name="mean", kind="number", axes=("step",)),
        Output(name="quantiles", kind="number", axes=("step", "level"), labels=("0.05", "0.95")),
    ),
)


def changed(**fields: Any) -> Contract:
    """Return the contract with other fields of its series."""
    assert DAILY.series is not None
    return msgspec.structs.replace(DAILY, series=msgspec.structs.replace(DAILY.series, **fields))


def day(number: int, sold: float | None = None, shop: Any = "a", **more: Any) -> dict[str, Any]:
    row = {"shop": shop, "day": f"2024-03-{number:02d}", **more}
    return row if sold is None else {"visits": 1, "sold": sold, **row}


def ask(*rows: dict[str, Any], contract: Contract = DAILY, **more: Any) -> SeriesRequest:
    request = SeriesEncoder(contract).decode(json.dumps({"rows": rows, **more}).encode())
    assert isinstance(request, SeriesRequest)
    return request


def refused(*rows: dict[str, Any], contract: Contract = DAILY) -> list[tuple[int, str, str]]:
    with pytest.raises(BrokenContract) as caught:
        ask(*rows, contract=contract)
    assert caught.value.fix
    return [(cell.row, cell.column, cell.rule) for cell in caught.value.cells]


# ------------------------------------------------------------------------------------------------------- what is made


def test_rows_become_history_and_steps() -> None:
    batch = ask(day(2, 2.0, size=7.0, promo=True), day(1, 1.0), day(3, promo=False, visits=9)).batch
    assert (batch.starts.tolist(), batch.seen.tolist(), batch.steps.tolist()) == ([0, 5], [2], [3])
    assert np.array_equal(batch.arrays["sold"], [1.0, 2.0, np.nan, np.nan, np.nan], equal_nan=True)
    size, promo, visits = batch.x.T
    assert np.array_equal(size, [np.nan, 7, 7, 7, 7], equal_nan=True), "what never changes is carried on, never back"
    assert np.array_equal(promo, [np.nan, 1, 0, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(visits, [1, 1, np.nan, np.nan, np.nan], equal_nan=True), "nobody knows visits ahead"
    assert batch.options == [{"horizon": 3, "ids": {"shop": "a"}}]


def test_history_is_trimmed_and_gaps_are_opened() -> None:
    rows = [day(1, 1.0), day(2, 2.0), day(5, 5.0), day(7, 7.0)]
    batch = ask(*rows, options={"horizon": 1}).batch
    assert np.array_equal(batch.arrays["sold"], [5.0, np.nan, 7.0, np.nan], equal_nan=True), "windows begin with a row"
    zero = ask(*rows, options={"horizon": 1}, contract=changed(gaps="zero")).batch
    assert np.array_equal(zero.arrays["sold"], [5.0, 0.0, 7.0, np.nan], equal_nan=True)
    assert {(flag.column, flag.rule) for flag in batch.flags} == {("day", "gap")}
    assert refused(*rows, contract=changed(gaps="error")) == [(3, "day", "gap")]


def test_a_row_without_a_value_is_a_gap_in_history_and_a_step_behind_it() -> None:
    batch = ask(day(1, 1.0), day(2), day(3, 3.0), day(4, promo=True), options={"horizon": 1}).batch
    assert np.array_equal(batch.arrays["sold"], [1.0, np.nan, 3.0, np.nan], equal_nan=True)
    assert batch.x[3, 1] == 1.0


def test_series_may_be_mixed_and_stand_in_the_order_of_their_first_row() -> None:
    request = ask(day(2, 5.0, "b"), day(1, 1.0, 7), day(1, 4.0, "b"), day(2, 2.0, "7"))
    assert request.ids == [{"shop": "b"}, {"shop": "7"}]
    assert request.batch.arrays["sold"][~np.isnan(request.batch.arrays["sold"])].tolist() == [4.0, 5.0, 1.0, 2.0]


def test_soft_breaks_are_told_once_and_only_where_they_matter() -> None:
    rows = [day(n, 99.0, visits=80) for n in range(1, 5)]
    flags = ask(*rows, day(5, visits=-3), day(9, promo=True)).batch.flags
    assert [(flag.row, flag.column, flag.rule) for flag in flags] == [
        (0, "visits", "outside"),
        (6, "day", "beyond-horizon"),
    ]


def test_a_contract_without_ids_is_about_one_series() -> None:
    contract = msgspec.structs.replace(DAILY, columns=DAILY.columns[1:])
    rows = [{key: value for key, value in day(n, 1.0).items() if key != "shop"} for n in (1, 2)]
    request = ask(*rows, contract=contract)
    assert (request.batch.cases, request.ids) == (1, ())
    named = ask(*rows, contract=contract, ids=["mine"])
    assert SeriesEncoder(contract).render({"mean": np.ones((1, 3))}, named.batch)[0]["id"] == "mine"


def test_offsets_mean_nothing_to_dates() -> None:
    rows = [day(30, 1.0) | {"day": "2024-03-30T00:00:00+01:00"}, day(31, 1.0) | {"day": "2024-03-31T00:00:00+01:00"}]
    rows.append(day(1, 1.0) | {"day": "2024-04-01T00:00:00+02:00"})
    assert ask(*rows).batch.seen.tolist() == [3]


# -------------------------------------------------------------------------------------------------- what is refused


def test_every_broken_cell_is_named_by_its_row() -> None:
    assert refused(day(1, 1.0), day(2, 2.0), day(1, 3.0)) == [(2, "day", "duplicate")]
    assert refused(day(1, 1.0), {**day(2, 2.0), "day": "2024-03-02T05:00:00"}) == [(1, "day", "frequency")]
    assert refused(day(1, 1.0, "a"), day(1, shop="b"), day(2, shop="b")) == [(2, "sold", "history")]
    assert refused(day(1, 1.0), {"shop": "a", "sold": 2.0, "visits": 1}) == [(1, "day", "required")]
    assert refused({**day(1, 1.0), "sold": "5"}, {**day(2, 1.0), "day": "soon"}) == [
        (0, "sold", "type"),
        (1, "day", "time"),
    ]
    assert refused(day(1, 1.0, shop=[1]), day(2, 1.0)) == [(0, "shop", "id")]
    assert refused(day(1, 1.0, colour="red")) == [(0, "colour", "unknown")]
    assert refused({"shop": "a", "day": "2024-03-01", "sold": 1.0}) == [(0, "visits", "required")]


def test_partial_answers_the_series_that_are_whole() -> None:
    request = ask(
        day(1, 1.0, "a"),
        day(1, 1.0, "b"),
        day(2, 2.0, "b"),
        day(2, 2.0, "a"),
        day(1, 9.0, "b"),
        day(1, 1.0, "c"),
        partial=True,
    )
    assert request.kept == [0, 2]
    assert [(case, cell.row, cell.rule) for case, cells in request.refused.items() for cell in cells] == [
        (1, 4, "duplicate")
    ]
    assert request.ids == [{"shop": "a"}, {"shop": "c"}]
    assert request.batch.seen.tolist() == [2, 1]
    assert [row["shop"] for row in request.rows] == ["a", "a", "c"]
    with pytest.raises(BrokenContract, match="1 cell in 1 row"):
        ask(day(1), partial=True)


def test_options_and_ids_are_held_to_the_contract() -> None:
    assert ask(day(1, 1.0), options={"horizon": 2.0}).batch.steps.tolist() == [2]
    for body in ({"options": {"horizon": 4}}, {"options": {"horizon": 0}}, {"options": {"steps": 1}}):
        with pytest.raises(Malformed, match="option"):
            ask(day(1, 1.0), **body)
    with pytest.raises(Malformed, match="one id per prediction"):
        ask(day(1, 1.0), day(2, 1.0), ids=["a", "b"])
    with pytest.raises(BadInput, match="no rows"):
        ask()


def test_a_contract_that_is_no_series_is_refused() -> None:
    for broken in (
        msgspec.structs.replace(DAILY, series=None),
        msgspec.structs.replace(DAILY, columns=tuple(c for c in DAILY.columns if c.role != "time")),
        msgspec.structs.replace(DAILY, columns=tuple(c for c in DAILY.columns if c.role != "target")),
        changed(frequency="1 day"),
    ):
        with pytest.raises(BadInput):
            SeriesEncoder(broken)


# ------------------------------------------------------------------------------------------------------------ zones

HOURLY = msgspec.structs.replace(DAILY, series=Series(frequency="1h", zone="Europe/Berlin", history=30, horizon=3))


def hour(text: str, sold: float = 1.0) -> dict[str, Any]:
    return {"shop": "a", "day": text, "visits": 1, "sold": sold}


@pytest.mark.parametrize("turned", [False, True])
def test_an_hour_that_stands_twice_is_two_hours_by_order(turned: bool) -> None:
    rows = [hour(f"2024-10-27T{at}:00:00", n) for n, at in enumerate(["01", "02", "02", "03"])]
    request = ask(*(rows[::-1] if turned else rows), contract=HOURLY)
    assert np.array_equal(request.batch.arrays["sold"][:4], [0, 1, 2, 3])
    assert not request.batch.flags
    assert refused(*rows, hour("2024-10-27T02:00:00"), contract=HOURLY) == [(4, "day", "duplicate")]


def test_an_hour_that_never_was_is_refused_and_none_is_missing_there() -> None:
    assert refused(hour("2024-03-31T01:00:00"), hour("2024-03-31T02:00:00"), contract=HOURLY) == [(1, "day", "zone")]
    request = ask(hour("2024-03-31T01:00:00"), hour("2024-03-31T03:00:00"), contract=HOURLY)
    assert request.batch.seen.tolist() == [2]
    told = SeriesEncoder(HOURLY).render({"mean": np.ones((1, 3))}, request.batch)[0]
    assert told["at"] == [f"2024-03-31T0{at}:00:00+02:00" for at in (4, 5, 6)]


def test_moments_are_brought_to_the_text_of_predictions() -> None:
    for text in ("2024-07-01T10:00:00", "2024-07-01T08:00:00Z", "2024-07-01T03:00:00-05:00"):
        assert moment_text(HOURLY, text) == "2024-07-01T10:00:00+02:00"
    assert moment_text(DAILY, "2024-07-01T00:00:00+02:00") == "2024-07-01"
    for text in ("2024-03-31T02:30:00", "yesterday", ""):
        with pytest.raises(BrokenContract, match="no moment of these series"):
            moment_text(HOURLY, text)


# --------------------------------------------------------------------------------------------------- answers and log


def test_predictions_stand_by_step_with_ids_moments_and_levels_first() -> None:
    request = ask(day(1, 1.0, "a"), day(3, 1.0, "a"), day(1, 1.0, "b"), options={"horizon": 2})
    answers = {"mean": np.arange(6.0).reshape(2, 3), "quantiles": np.arange(12.0).reshape(2, 3, 2)}
    assert SeriesEncoder(DAILY).render(answers, request.batch) == [
        {
            "id": "a",
            "at": ["2024-03-04", "2024-03-05"],
            "mean": [0.0, 1.0],
            "quantiles": {"0.05": [0.0, 2.0], "0.95": [1.0, 3.0]},
            "flags": [{"column": "day", "rule": "gap"}],
        },
        {
            "id": "b",
            "at": ["2024-03-02", "2024-03-03"],
            "mean": [3.0, 4.0],
            "quantiles": {"0.05": [6.0, 8.0], "0.95": [7.0, 9.0]},
        },
    ]


def test_several_id_columns_are_an_object() -> None:
    contract = msgspec.structs.replace(DAILY, columns=(Column(name="dept", kind="integer", role="id"), *DAILY.columns))
    request = ask(day(1, 1.0, dept=3), contract=contract)
    assert SeriesEncoder(contract).render({"mean": np.ones((1, 3))}, request.batch)[0]["id"] == {
        "dept": "3",
        "shop": "a",
    }


def test_the_log_keeps_what_tells_series_apart() -> None:
    rows = [day(1, 1.0, 5), day(1, 2.0, "b"), day(2, 3.0, 5)]
    assert msgspec.json.decode(SeriesEncoder(DAILY).logged(ask(*rows))) == rows
    hidden = tuple(msgspec.structs.replace(c, personal="name") if c.name == "shop" else c for c in DAILY.columns)
    contract = msgspec.structs.replace(DAILY, columns=hidden)
    logged = msgspec.json.decode(SeriesEncoder(contract).logged(ask(*rows, contract=contract)))
    assert all(len(row["shop"]) == 16 for row in logged)
    cut = split_rows(contract, logged)
    assert [[row["sold"] for row in case] for case in cut] == [[1.0, 3.0], [2.0]]
    assert ask(*cut[0], contract=contract).batch.arrays["sold"][:2].tolist() == [1.0, 3.0]


def test_another_contracts_request_is_read_again() -> None:
    request = ask(day(1, 1.0), day(2, 2.0))
    assert SeriesEncoder(changed(gaps="zero")).encode(request).seen.tolist() == [2]
    assert SeriesEncoder(DAILY).encode(request) is request.batch


# ------------------------------------------------------------------------------------------------------------ scale


def test_the_scale_is_the_seasonal_naive_error_of_the_history() -> None:
    batch = ask(day(1, 1.0), day(2, 5.0), day(3, 2.0), day(4, 9.0)).batch
    assert scales(batch, DAILY).tolist() == [2.5]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 5.0, 1.0, 5.0], 4.0), ([7.0, 7.0, 7.0], 7.0), ([3.0], 3.0), ([np.nan], np.nan), ([0.0, 0.0], np.nan)],
)
def test_a_history_that_tells_no_season_falls_back(values: list[float], expected: float) -> None:
    found = of_history(np.array(values), np.array([0]), np.array([len(values)]), 2)
    assert np.array_equal(found, [expected], equal_nan=True)
