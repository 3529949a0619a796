"""A served model whose case is a series: histories in, steps ahead out, what came true by id and moment."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core.errors import BadInput
from seaway.core.event import Label, Prediction
from seaway.serve import answering, labels, openapi, v2
from tests import sales


def known(shop: str = "north", days: int = 20) -> list[dict[str, Any]]:
    return sales.rows(shop, days)


def test_a_history_is_answered_up_to_the_horizon_asked(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict(*known(), options={"horizon": 3})
        assert status == 200
        (one,) = told["predictions"]
        assert one["id"] == "north"
        assert one["at"] == [sales.day(20), sales.day(21), sales.day(22)]
        assert one["mean"] == pytest.approx([row["sales"] for row in known()[-7:-4]])
        assert list(one["quantiles"]) == list(sales.NAMES)
        assert all(len(values) == 3 for values in one["quantiles"].values())
        columns = list(one["quantiles"].values())
        assert all(
            low <= high
            for before, after in itertools.pairwise(columns)
            for low, high in zip(before, after, strict=True)
        )
        assert "flags" not in one
        (_, longest) = await desk.predict(*known())
        assert len(longest["predictions"][0]["at"]) == sales.HORIZON

    at_sales(script)


def test_several_series_in_one_request_are_answered_as_each_alone(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        parts = {shop: known(shop, days) for shop, days in (("west", 15), ("north", 30), ("south", 9))}
        alone = [(await desk.predict(*rows))[1]["predictions"][0] for rows in parts.values()]
        mixed = [row for turn in range(30) for rows in parts.values() for row in rows[turn : turn + 1]]
        status, told = await desk.predict(*mixed)
        assert status == 200
        assert told["predictions"] == alone
        event = desk.events()[-1]
        assert isinstance(event, Prediction)
        assert event.ids == tuple({"shop": shop} for shop in parts)
        assert json.loads(event.rows) == mixed

    at_sales(script)


def test_what_is_known_of_the_days_ahead_is_part_of_the_question(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        ahead = [{"shop": "north", "day": sales.day(20 + step), "promo": True} for step in range(7)]
        status, told = await desk.predict(*known(), *ahead, options={"horizon": 2})
        assert status == 200
        assert told["predictions"][0]["at"] == [sales.day(20), sales.day(21)]
        assert {"column": "day", "rule": "beyond-horizon"} in told["predictions"][0]["flags"]

    at_sales(script)


BROKEN: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "a day twice": ([*known(), known()[3]], {}, "duplicate"),
    "no value at all": ([{"shop": "north", "day": sales.day(1), "sales": None}], {}, "history"),
    "no day": ([*known(), {"shop": "north", "sales": 1.0}], {}, "required"),
    "a day that is none": ([*known(), {"shop": "north", "day": "soon", "sales": 1.0}], {}, "time"),
    "a value that is none": ([*known(), {"shop": "north", "day": sales.day(20), "sales": "many"}], {}, "type"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_answered_is_refused_with_its_cells(at_sales: Any, name: str) -> None:
    rows, options, rule = BROKEN[name]

    async def script(desk: Any) -> None:
        status, told = await desk.predict(*rows, **({"options": options} if options else {}))
        assert status == 422, told
        assert rule in {cell["rule"] for cell in told["error"]["cells"]}
        assert all(cell["fix"] for cell in told["error"]["cells"])

    at_sales(script)


@pytest.mark.parametrize("horizon", [0, -1, sales.HORIZON + 1, 10**9, 2.5, "3", None, [1]])
def test_a_horizon_beyond_what_was_proved_is_refused(at_sales: Any, horizon: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict(*known(), options={"horizon": horizon})
        if horizon is None:
            assert status == 200
            assert len(told["predictions"][0]["at"]) == sales.HORIZON
            return
        assert (status, told["error"]["code"], told["error"]["path"]) == (400, "bad-option", "$.options.horizon")

    at_sales(script)


def test_a_gap_is_answered_with_a_flag(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        rows = known()
        status, told = await desk.predict(*rows[:10], *rows[11:])
        assert status == 200
        assert told["predictions"][0]["flags"] == [{"column": "day", "rule": "gap"}]

    at_sales(script)


def test_partial_answers_the_series_that_hold_in_their_places(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        rows = [*known("south"), *known("north"), known("north")[2], *known("west")]
        status, told = await desk.predict(*rows, partial=True)
        assert status == 200
        south, north, west = told["predictions"]
        assert (south["id"], west["id"]) == ("south", "west")
        assert north["error"]["code"] == "broken-contract"
        assert north["error"]["cells"][0]["rule"] == "duplicate"
        assert rows[north["error"]["cells"][0]["row"]]["shop"] == "north"
        event = desk.events()[-1]
        assert event.ids == ({"shop": "south"}, {}, {"shop": "west"})

    at_sales(script)


def test_a_repeat_gets_the_first_forecast(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        first = await desk.predict(*known(), request_id="r1")
        assert await desk.predict(*known("south"), request_id="r1") == first

    at_sales(script)


def test_explanations_that_there_are_none_of_say_why(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        status, told = await desk.predict(*known(), *known("west"), explain=True)
        assert status == 200
        for one in told["predictions"]:
            assert one["explanation"]["outcome"] == "not-applicable"
            assert one["explanation"]["message"]
        with pytest.raises(BadInput) as raised:
            await desk.handlers.explain(json.dumps({"rows": known()}).encode())
        assert raised.value.code == "not-explainable"

    at_sales(script)


# -------------------------------------------------------------------------------------------------------------- labels


def test_what_came_true_is_taken_by_id_and_moment_and_by_request_and_moment(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(*known("north"), *known("south"))
        status, _ = await desk.label(
            {"id": "north", "at": sales.day(20), "value": 101.5},
            {"id": {"shop": "south"}, "at": sales.day(21), "value": 7},
            {"request_id": told["request_id"], "row": 1, "at": sales.day(20), "value": 201.0},
        )
        assert status == 200
        found = [one for one in desk.events() if isinstance(one, Label)]
        assert [(one.id, one.at, one.value) for one in found] == [
            ("north", sales.day(20), 101.5),
            ("south", sales.day(21), 7.0),
            ("", sales.day(20), 201.0),
        ]
        assert found[2].row == 1
        assert told["predictions"][0]["at"][0] == found[0].at

    at_sales(script)


def test_labels_that_name_no_moment_are_refused(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        _, told = await desk.predict(*known())
        broken = [
            {"id": "north", "value": 1.0},
            {"request_id": told["request_id"], "value": 1.0},
            {"id": "north", "at": "soon", "value": 1.0},
            {"at": sales.day(20), "value": 1.0},
            {"id": "north", "at": sales.day(20), "value": "many"},
            {"id": {"store": "north"}, "at": sales.day(20), "value": 1.0},
        ]
        status, answer = await desk.label(*broken)
        assert status == 422
        assert [cell["rule"] for cell in answer["error"]["cells"]] == ["at", "at", "time", "one-key", "type", "id"]
        assert "one of the moments" in answer["error"]["cells"][0]["fix"]
        assert [one for one in desk.events() if isinstance(one, Label)] == []

    at_sales(script)


def test_labels_from_a_file_are_read_as_text(tmp_path: Path) -> None:
    records = [{"id": "north", "at": sales.day(3), "value": "4.5"}, {"id": "north", "at": "", "value": "4.5"}]
    done = labels.write(tmp_path / "log", "sales", records, sales.CONTRACT, principal="p")
    assert (done.taken, done.refused) == (1, 1)
    assert done.cells[0].rule == "at"


def test_one_series_without_an_id_is_labelled_by_its_moment(tmp_path: Path) -> None:
    alone = msgspec.structs.replace(sales.CONTRACT, columns=sales.CONTRACT.columns[1:])
    records = [{"at": sales.day(3), "value": 4.5}, {"id": "north", "at": sales.day(3), "value": 4.5}]
    done = labels.write(tmp_path / "log", "sales", records, alone, principal="p")
    assert (done.taken, done.refused) == (1, 1)
    assert "there is one series" in done.cells[0].fix


# ----------------------------------------------------------------------------------------------------- other protocols


def test_the_open_inference_protocol_says_that_it_has_no_form_for_series(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        with pytest.raises(BadInput, match="has no form for their rows") as raised:
            v2.metadata(desk.serving.champion, "sales")
        assert raised.value.code == "not-applicable"
        with pytest.raises(BadInput, match="has no form for their rows"):
            await v2.infer(desk.handlers, b'{"inputs":[]}', "sales", "", "local")

    at_sales(script)


def test_the_document_describes_series_and_its_examples_work_as_pasted(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        document = json.loads(msgspec.json.encode(openapi.document(desk.models.by_name, "0", desk.settings)))
        assert not any(path.endswith(("/infer", "/explain")) for path in document["paths"])
        handlers = {"predict": desk.handlers.predict, "labels": desk.handlers.label}
        tried = 0
        for path, doors in document["paths"].items():
            if "post" in doors:
                example = doors["post"]["requestBody"]["content"]["application/json"]["example"]
                reply = await handlers[path.rpartition("/")[2]](json.dumps(example).encode())
                assert reply.status == 200, (path, reply.body)
                tried += 1
        assert tried == 4
        schemas = document["components"]["schemas"]
        assert set(schemas["sales.Row"]["properties"]) == {"shop", "day", "promo", "sales"}
        assert "One period (1d) of one series" in schemas["sales.Row"]["description"]
        prediction = schemas["sales.Prediction"]["anyOf"][0]["properties"]
        assert prediction["mean"]["maxItems"] == sales.HORIZON
        assert set(prediction["quantiles"]["properties"]) == set(sales.NAMES)
        assert prediction["quantiles"]["properties"]["0.5"]["type"] == "array"
        labels_ = document["paths"]["/v1/labels"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert labels_["properties"]["labels"]["items"]["required"] == ["value", "at"]
        asked = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert asked["properties"]["options"]["properties"]["horizon"]["maximum"] == sales.HORIZON

    at_sales(script)


def test_one_history_is_short_work_and_many_are_not(at_sales: Any) -> None:
    async def script(desk: Any) -> None:
        loaded = desk.serving.champion

        def is_bulk(rows: list[dict[str, Any]]) -> bool:
            return answering.Taken(loaded, "champion", loaded.front.encoder.request(rows)).is_bulk

        long = [{"shop": "a", "day": sales.day(n), "sales": 1.0} for n in range(answering.SMALL_HISTORY + 1)]
        assert not is_bulk(long[:-1])
        assert is_bulk(long)
        many = [{"shop": f"s{n}", "day": sales.day(0), "sales": 1.0} for n in range(answering.FEW_SERIES + 1)]
        assert not is_bulk(many[:-1])
        assert is_bulk(many)

    at_sales(script)
