"""Requests about series that are wrong on purpose: each is answered or refused in words, soon, and the server lives."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import sales, serving
from tests.serving import Running, running

SOON_S = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state = tmp_path_factory.mktemp("attacked") / "state"
    state.mkdir()
    serving.make_state(state, 1, sales)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(state, port, durability="process") as started:
        yield started
        assert started.predict(*sales.rows("north", 20))["predictions"][0]["id"] == "north"
        assert "Traceback" not in (state.parent / f"server-{port}.txt").read_text()


def ask(server: Running, rows: list[Any], path: str = "/v1/predict", **fields: Any) -> tuple[int, Any]:
    began = time.monotonic()
    status, _, told = server.ask("POST", path, {"rows": rows, **fields})
    assert time.monotonic() - began < SOON_S
    if status != 200:
        assert set(told["error"]) >= {"code", "message", "path", "fix"}
        assert "Traceback" not in str(told)
        assert "/" not in told["error"]["message"].replace("/v", ""), "no path of the server is shown"
    return status, told


def one(**changes: Any) -> list[dict[str, Any]]:
    """Return a history whose newest row is changed."""
    rows = sales.rows("north", 12)
    return [*rows[:-1], {**rows[-1], **changes}]


ROWS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "one row of history": (sales.rows("north", 1), (200,)),
    "out of order": (list(reversed(sales.rows("north", 20))), (200,)),
    "no rows": ([], (400,)),
    "only days ahead": ([{"shop": "north", "day": sales.day(3)}], (422,)),
    "a day in the year 1": (one(day="0001-01-01"), (422,)),
    "a day in the year 9999": (one(day="9999-12-31"), (422,)),
    "a day of five digits": (one(day="12026-01-01"), (422,)),
    "the 31st of February": (one(day="2026-02-31"), (422,)),
    "a day as a number": (one(day=20260101), (422,)),
    "a day as a list": (one(day=[1]), (422,)),
    "200 years between two rows": (one(day="2226-01-05"), (200, 400, 422)),
    "half a day": (one(day="2026-01-16T12:00:00"), (422,)),
    "an id of 300 characters": (one(shop="x" * 300), (422,)),
    "an id that is an object": (one(shop={"a": 1}), (422,)),
    "an id that is null beside others": ([*sales.rows("north", 9), *one(shop=None)], (200, 422)),
    "ids left out": ([{k: v for k, v in row.items() if k != "shop"} for row in sales.rows("north", 9)], (200, 422)),
    "an integer as an id": (one(shop=7), (200,)),
    "a value beyond float32": (one(sales=1e39), (200, 422)),
    "a value near the end of double": (one(sales=1e308), (200, 422)),
    "a text as a value": (one(sales="NaN"), (422,)),
    "true as a value": (one(sales=True), (422,)),
    "an unknown column": (one(colour="red"), (422,)),
    "no column at all": ([{}], (422,)),
    "10,000 series of one row": ([{"shop": f"s{n}", "day": sales.day(0), "sales": 1.0} for n in range(10_000)], (200,)),
    "10,000 days of one series": (
        [{"shop": "a", "day": sales.day(n), "sales": float(n)} for n in range(10_000)],
        (200,),
    ),
    "more rows than are taken": ([{"shop": "a", "day": sales.day(0)}] * 10_001, (413,)),
    "one day ten thousand times": ([{"shop": "a", "day": sales.day(0), "sales": 1.0}] * 10_000, (422,)),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(server: Running, name: str) -> None:
    rows, wanted = ROWS[name]
    status, told = ask(server, rows)
    assert status in wanted, told
    if status == 422:
        assert told["error"]["cells"]
        assert len(told["error"]["cells"]) <= 100
    if status == 200:
        values = [value for prediction in told["predictions"] for value in prediction["mean"]]
        assert all(isinstance(value, int | float) for value in values)


@pytest.mark.parametrize("horizon", [10**9, 10**30, -1, 0, 6, 1.5, "5", True, [], {}])
def test_horizons(server: Running, horizon: Any) -> None:
    status, told = ask(server, sales.rows("north", 9), options={"horizon": horizon})
    assert status == 400
    assert told["error"]["path"] == "$.options.horizon"


@pytest.mark.parametrize("options", [{"steps": 3}, [], "x", {"horizon": 1, "zone": "UTC"}])
def test_options_that_there_are_none_of(server: Running, options: Any) -> None:
    assert ask(server, sales.rows("north", 9), options=options)[0] == 400


def test_a_thousand_series_at_once_do_not_stop_a_small_one(server: Running) -> None:
    rows = [row | {"shop": f"s{n}"} for n in range(350) for row in sales.rows("north", 28)]
    status, told = ask(server, rows)
    assert status == 200
    assert len(told["predictions"]) == 350
    assert told["predictions"][0]["mean"] == told["predictions"][349]["mean"]


def test_other_doors_say_that_they_have_no_form_for_series(server: Running) -> None:
    for method, path, body in (
        ("POST", "/v2/models/sales/infer", {"inputs": []}),
        ("GET", "/v2/models/sales", None),
    ):
        status, _, told = server.ask(method, path, body)
        assert status == 400
        assert "has no form for their rows" in told["error"]
    status, told = ask(server, sales.rows("north", 9), "/v1/explain")
    assert (status, told["error"]["code"]) == (422, "not-explainable")


LABELS: dict[str, Any] = {
    "no moment": {"id": "north", "value": 1.0},
    "a moment that is none": {"id": "north", "at": "soon", "value": 1.0},
    "a moment beyond range": {"id": "north", "at": "9999-12-31", "value": 1.0},
    "no case": {"at": sales.day(1), "value": 1.0},
    "two cases": {"id": "north", "request_id": "r", "at": sales.day(1), "value": 1.0},
    "a value that is none": {"id": "north", "at": sales.day(1), "value": None},
    "a value beyond double": {"id": "north", "at": sales.day(1), "value": 10**400},
    "an object of other ids": {"id": {"city": "x"}, "at": sales.day(1), "value": 1.0},
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(server: Running, name: str) -> None:
    status, _, told = server.ask("POST", "/v1/labels", {"labels": [LABELS[name]]})
    assert status in (400, 422), told
    assert told["error"]["fix"]
