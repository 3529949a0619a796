from __future__ import annotations

import json
from typing import Any

import msgspec

from seaway.core.contract import Column, Map
from seaway.serve import openapi, schemas, v2
from seaway.serve.routes import ROUTES


def test_every_example_works_as_pasted(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        document = json.loads(msgspec.json.encode(openapi.document(desk.models.by_name, "0", desk.settings)))
        tried = 0
        for path, doors in document["paths"].items():
            if "post" not in doors:
                continue
            example = doors["post"]["requestBody"]["content"]["application/json"]["example"]
            handler = {
                "predict": desk.handlers.predict,
                "explain": desk.handlers.explain,
                "labels": desk.handlers.label,
            }
            sent = json.dumps(example).encode()
            if path.endswith("/infer"):
                reply = await v2.infer(desk.handlers, sent, "credit", "", "local")
            else:
                reply = await handler[path.rpartition("/")[2]](sent)
            assert reply.status == 200, (path, reply.body)
            assert b'"flags"' not in reply.body
            tried += 1
        assert tried == 8

    at_desk(script)


def test_every_reference_resolves_and_every_column_is_described(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        document = json.loads(msgspec.json.encode(openapi.document(desk.models.by_name, "0", desk.settings)))
        schemas = document["components"]["schemas"]
        references = [part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]]
        assert references
        assert {name.removeprefix("#/components/schemas/") for name in references} <= set(schemas)
        row = schemas["credit.Row"]
        assert set(row["properties"]) == {"amount", "months", "purpose", "owner"}
        assert row["additionalProperties"] is False
        assert schemas["credit.Prediction"]["anyOf"][0]["properties"]["label"]["enum"] == ["good", "bad"]
        assert document["openapi"].startswith("3.1")

    at_desk(script)


def test_every_door_is_described_and_nothing_else(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        described = set()
        for path, doors in openapi.document(desk.models.by_name, "0", desk.settings)["paths"].items():
            template = path.replace("/models/credit", "/models/{model}").replace("/versions/1", "/versions/{version}")
            described |= {(method.upper(), template) for method in doors}
        assert described == {(route.method, route.path) for route in ROUTES}

    at_desk(script)


def test_every_answer_has_a_closed_form(at_desk: Any) -> None:
    """An object whose fields are not all listed would let an undocumented answer pass as a documented one."""

    async def script(desk: Any) -> None:
        document = openapi.document(desk.models.by_name, "0", desk.settings)
        for path, doors in document["paths"].items():
            for door in doors.values():
                assert set(door["responses"]) >= {"200", "403", "429", "431"}
                assert "503" in door["responses"] or not path.startswith("/v1/models/")
                for reply in door["responses"].values():
                    for content in reply["content"].values():
                        assert _is_closed(content["schema"]), path
        for name, schema in document["components"]["schemas"].items():
            assert _is_closed(schema), name

    at_desk(script)


def _is_closed(schema: Any) -> bool:
    """Say whether every object in it, however deep, lists its fields or says of what kind others are."""
    if isinstance(schema, list):
        return all(map(_is_closed, schema))
    if not isinstance(schema, dict):
        return True
    is_open = schema.get("type") == "object" and "additionalProperties" not in schema
    return not is_open and all(map(_is_closed, schema.values()))


def test_the_limits_of_the_settings_are_told(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        document = openapi.document(desk.models.by_name, "0", desk.settings)
        asked = {
            path: doors["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
            for path, doors in document["paths"].items()
            if "post" in doors
        }
        assert asked["/v1/predict"]["rows"]["maxItems"] == asked["/v1/predict"]["ids"]["maxItems"] == 3
        assert asked["/v1/explain"]["rows"]["maxItems"] == asked["/v1/labels"]["labels"]["maxItems"] == 3
        tensor = asked["/v2/models/credit/infer"]["inputs"]["items"]["properties"]
        assert tensor["data"]["maxItems"] == 3
        row = document["components"]["schemas"]["credit.Row"]["properties"]
        assert row["purpose"]["maxLength"] == 50
        assert "maxLength" not in row["owner"] or "string" in row["owner"]["type"]
        long = {"amount": 1.0, "months": 1, "purpose": "x" * 51, "owner": True}
        assert (await desk.predict(long))[0] == 413
        assert (await desk.predict({**long, "purpose": "x" * 50}))[0] == 200
        assert (await desk.predict(*[{**long, "purpose": "x"}] * 4))[0] == 413

    at_desk(script, max_rows=3, max_text=50)


def test_what_cleaning_may_change_is_described_by_its_type_alone() -> None:
    column = Column(name="a", kind="number", range=(0.0, 5.0), hard=True, clean=(Map(to={"none": "0"}),))
    found = schemas.column_schema(column)
    assert found["type"] == ["number", "null", "string"]
    assert not {"minimum", "pattern"} & set(found)
    classes = Column(name="b", kind="category", categories=("1", "x", "true"), hard=True, null="error")
    assert schemas.column_schema(classes)["enum"] == ["1", "x", "true", 1, True]


def test_soft_limits_are_hints_and_hard_ones_are_rules() -> None:
    soft = Column(name="a", kind="category", categories=("x", "y"))
    assert schemas.column_schema(soft)["examples"] == ["x", "y"]
    hard = msgspec.structs.replace(soft, hard=True, null="error")
    assert schemas.column_schema(hard)["enum"] == ["x", "y"]
    number = Column(name="b", kind="number", range=(0.0, 5.0), hard=True, null="error", unit="EUR")
    assert schemas.column_schema(number) == {
        "type": ["number"], "minimum": 0.0, "maximum": 5.0, "description": "unit: EUR",
    }  # fmt: skip
