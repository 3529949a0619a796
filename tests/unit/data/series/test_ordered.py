"""Series as they are learnt from: in order, one row for each time, up to the newest known value; and their checks."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Column, Contract, Series
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.settings import Settings, SplitSettings
from seaway.data import build, checks, split
from seaway.data.rows import Table
from seaway.data.validate import validate

CONTRACT = Contract(
    task="any",
    per="series",
    columns=(
        Column(name="id", kind="text", role="id"),
        Column(name="at", kind="time", role="time", encode="none"),
        Column(name="price", kind="number", ahead=True),
        Column(name="visits", kind="number"),
        Column(name="y", kind="number", role="target", encode="array"),
    ),
    series=Series(frequency="1d", season=7, history=14, horizon=3),
    truth=Column(name="y", kind="number"),
)


def rows_of(name: str, count: int = 40, first: str = "2024-01-01") -> list[dict[str, Any]]:
    days = [str(np.datetime64(first) + np.timedelta64(n, "D")) for n in range(count)]
    # The price is no function of the value, as a known-ahead column that tells it would be found out.
    return [
        {"id": name, "at": day, "price": float(n % 5), "visits": 2.0 * n % 7, "y": float(n % 7) + n / 100}
        for n, day in enumerate(days)
    ]


def built(rows: list[dict[str, Any]], contract: Contract = CONTRACT, **more: Any) -> Dataset:
    return build.dataset(Table(pl.DataFrame(rows, infer_schema_length=None)), contract, Settings(), **more)


def told(rows: list[dict[str, Any]], contract: Contract = CONTRACT) -> dict[str, str]:
    found = checks.run((Table(pl.DataFrame(rows, infer_schema_length=None)), contract))
    return {verdict.code: verdict.outcome for verdict in found}


def test_rows_stand_by_series_and_time() -> None:
    rows = [*rows_of("b"), *rows_of("a")]
    order = np.random.default_rng(3).permutation(len(rows))
    data = built([rows[0], *(rows[n] for n in order if n)])
    assert data.rows.column("id")[0].tolist() == ["b"] * 40 + ["a"] * 40
    assert (np.diff(data.rows.column("at")[0][:40].astype(np.int64)) > 0).all()
    assert data.fingerprint == built([rows[0], *reversed(rows[1:])]).fingerprint


def test_equal_rows_are_one_and_unlike_ones_of_one_time_are_refused() -> None:
    rows = rows_of("a")
    assert len(built([*rows, rows[3]]).rows) == 40
    with pytest.raises(BadInput, match=r"1 rows stand at the time of another row.*2024-01-04 of a") as caught:
        built([*rows, {**rows[3], "y": 99.0}])
    assert "Keep one row per series and time" in caught.value.fix


def test_rows_nothing_is_known_of_yet_are_left_out_and_holes_in_history_stay() -> None:
    rows = rows_of("a")
    rows[10]["y"] = rows[38]["y"] = rows[39]["y"] = None
    data = built(rows)
    assert len(data.rows) == 38
    assert int(data.rows.column("y")[1].sum()) == 1
    (note,) = [note for note in data.notes if note.code == "N005"]
    assert "2 of 40 rows" in note.message


def test_gaps_are_told_and_rows_between_two_steps_left_out() -> None:
    rows = [row for row in rows_of("a", 100) if row["at"] != "2024-02-01"]
    rows[50]["at"] += "T06:00:00"
    data = built(rows)
    notes = {note.code: (note.outcome, note.message) for note in data.notes}
    assert "2 periods" in notes["N006"][1]
    assert notes["N004"][0] == "warn"
    assert len(data.rows) == 98
    odd = [{**row, "at": row["at"] + "T06:00:00"} if n % 5 == 1 else row for n, row in enumerate(rows_of("a"))]
    with pytest.raises(BadInput, match="do not lie a whole number of steps"):
        built(odd)


def test_given_test_rows_must_follow() -> None:
    rows = rows_of("a")
    data = built(rows[:30], test=Table(pl.DataFrame(rows[30:33])))
    assert (data.split.rule, data.split.test.tolist()) == ("given", [30, 31, 32])
    with pytest.raises(BadInput, match=r"1 of the 3 test rows are not later.*2024-01-30 of a"):
        built(rows[:30], test=Table(pl.DataFrame([{**rows[29], "y": 5.0}, *rows[30:32]])))


@pytest.mark.parametrize("rule", ["random", "stratified", "group", "time"])
def test_series_are_split_by_nothing_else(rule: Any) -> None:
    with pytest.raises(BadInput, match="their future would teach their past"):
        split.split(validate(Table(pl.DataFrame(rows_of("a"))), CONTRACT).rows, CONTRACT, SplitSettings(rule=rule), 0)


# --------------------------------------------------------------------------------------------------------- checks


def test_whole_series_pass_every_check() -> None:
    found = told([*rows_of("a"), *rows_of("b")])
    assert {found[f"D{number:03d}"] for number in range(15, 21)} == {"pass", "not-applicable"}
    assert found["D006"] == "not-applicable"


def test_each_fault_of_time_has_its_check() -> None:
    rows = rows_of("a", 100)
    assert told([*rows, {**rows[3], "y": 99.0}])["D017"] == "fail"
    assert told(rows[:1] + rows[60:])["D016"] == "warn"
    strict = msgspec.structs.replace(CONTRACT, series=Series(frequency="1d", horizon=3, history=9, gaps="error"))
    assert told(rows[:50] + rows[51:], strict)["D016"] == "fail"
    assert told([{**row, "at": row["at"] + f"T{n % 3:02d}:00:00"} for n, row in enumerate(rows)])["D015"] == "fail"
    assert told([*rows, *rows_of("b", 4)])["D020"] == "warn"
    assert told(rows_of("b", 4))["D020"] == "fail"


def test_only_what_is_known_ahead_can_give_the_target_away() -> None:
    rows = [{**row, "visits": row["y"] * 2} for row in rows_of("a", 200)]
    assert told(rows)["D002"] == "pass"
    assert told([{**row, "price": row["y"] * 2} for row in rows])["D002"] == "fail"


def test_tables_are_no_series() -> None:
    table = Contract(
        task="any",
        per="row",
        columns=(Column(name="price", kind="number"), Column(name="y", kind="number", role="target")),
    )
    assert told([{"price": 1.0 * n, "y": 2.0} for n in range(30)], table)["D015"] == "not-applicable"


# ------------------------------------------------------------------------------------------------------ typed times


def test_zoned_times_are_typed_once_and_leave_with_their_offset() -> None:
    contract = msgspec.structs.replace(CONTRACT, series=Series(frequency="1h", zone="Europe/Berlin", history=9))
    texts = [
        "2024-03-31T02:30:00",
        "2024-10-27T01:00:00",
        "2024-10-27T02:00:00",
        "2024-10-27T02:00:00",
        "2024-10-27T02:00:00Z",
        None,
    ]
    frame = pl.DataFrame({"id": ["a"] * 6, "at": texts, "y": [1.0] * 6, "price": [1.0] * 6, "visits": [1.0] * 6})
    found = validate(Table(frame), contract)
    assert dict(found.by_rule) == {("at", "zone"): 1, ("at", "null"): 1}
    whole = found.whole
    assert [row["at"][11:] for row in whole.records()] == [
        "01:00:00+02:00",
        "02:00:00+02:00",
        "02:00:00+01:00",
        "03:00:00+01:00",
    ]
    again = validate(whole, contract).rows
    assert again.frame.equals(whole.frame)
    plain = validate(Table(frame.with_columns(pl.col("at").str.replace("Z", "").str.to_datetime())), contract)
    assert plain.rows.series("at").dtype == whole.series("at").dtype
    assert dict(plain.by_rule) == {("at", "zone"): 1, ("at", "null"): 1}
