"""Rows on polars: values and missing cells as arrays, and rows as JSON."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from seaway.core.errors import NotFound
from seaway.data.rows import Table

ROWS = Table(
    pl.DataFrame(
        {
            "n": [1.5, float("nan"), None],
            "i": [1, None, 3],
            "b": [True, None, False],
            "s": ["x", "", None],
            "t": [datetime(2024, 3, 1, 12), None, datetime(1970, 1, 1)],
            "d": [date(2024, 3, 1), None, date(1969, 12, 31)],
            "m": [Decimal("1.25"), None, Decimal("2")],
            "u": pl.Series([2**64 - 1, None, 1], dtype=pl.UInt64),
        }
    ),
    formats={"d": "%d.%m.%Y"},
)


@pytest.mark.parametrize(
    ("name", "kind", "missing"),
    [
        ("n", "f8", [False, True, True]),
        ("i", "i8", [False, True, False]),
        ("b", "?", [False, True, False]),
        ("s", "O", [False, False, True]),
        ("t", "M8[ns]", [False, True, False]),
        ("d", "M8[ns]", [False, True, False]),
        ("m", "f8", [False, True, False]),
        ("u", "f8", [False, True, False]),
    ],
)
def test_columns_come_in_their_own_type(name: str, kind: str, missing: list[bool]) -> None:
    values, gone = ROWS.column(name)
    assert values.dtype == np.dtype(kind)
    assert gone.tolist() == missing


def test_values() -> None:
    assert ROWS.column("i")[0].tolist()[::2] == [1, 3]
    assert ROWS.column("t")[0][0] == np.datetime64("2024-03-01T12")
    assert ROWS.column("d")[0][2] == np.datetime64("1969-12-31")
    assert ROWS.column("s")[0].tolist() == ["x", "", None]


def test_records_are_what_a_client_would_send() -> None:
    first, second, third = ROWS.records()
    assert first == {
        "n": 1.5, "i": 1, "b": True, "s": "x", "t": "2024-03-01T12:00:00", "d": "01.03.2024", "m": 1.25, "u": 2**64 - 1,
    }  # fmt: skip
    assert set(second.values()) == {None, ""}
    assert third["d"] == "31.12.1969"
    assert third["t"] == "1970-01-01"


def test_rows_are_taken_by_place_or_mask() -> None:
    assert ROWS.take(np.array([2, 0])).column("i")[0].tolist() == [3, 1]
    assert len(ROWS.take(np.array([True, False, False]))) == 1
    assert ROWS.records(np.array([2]))[0]["d"] == "31.12.1969"


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no column 'z'") as caught:
        ROWS.column("z")
    assert "n, i, b" in caught.value.fix
