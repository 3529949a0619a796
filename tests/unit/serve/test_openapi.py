from __future__ import annotations

import json
from typing import Any

import msgspec

from seaway.core.contract import Column, Map
from seaway.serve import openapi, schemas, v2
from seaway.serve.routes import ROUTES


def test_every_example_works_as_pasted(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        document = json.loads(msgspec.json.encode(openapi.document(desk.models.by_name, "0")))
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
        document = json.loads(msgspec.json.encode(openapi.document(desk.models.by_name, "0")))
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
        for path, doors in openapi.document(desk.models.by_name, "0")["paths"].items():
            template = path.replace("/models/credit", "/models/{model}").replace("/versions/1", "/versions/{version}")
            described |= {(method.upper(), template) for method in doors}
        assert described == {(route.method, route.path) for route in ROUTES}

    at_desk(script)


def test_every_answer_has_a_closed_form(at_desk: Any) -> None:
    """An object whose fields are not all listed would let an undocumented answer pass as a documented one."""

    async def script(desk: Any) -> None:
        document = openapi.document(desk.models.by_name, "0")
        for path, doors in document["paths"].items():
            for door in doors.values():
                assert set(door["responses"]) >= {"200", "403", "429", "431"}
                assert "503" in door["responses"] or not path.startswith("/v1/models/")
                for reply in door["responses"].values():
                    for content in reply["content"].values():
                        assert _is_closed(content["schema"]), path
        for name, schema in document["components"]["schemas"].items():
            assert name == "Document" or _is_closed(schema), name

    at_desk(script)


def _is_closed(schema: Any) -> bool:
    if schema.get("type") == "object":
        return "additionalProperties" in schema and all(map(_is_closed, schema.get("properties", {}).values()))
    return all(map(_is_closed, schema.get("anyOf", ())))


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
