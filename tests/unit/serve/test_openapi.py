from __future__ import annotations

import json
from typing import Any

import msgspec

from seaway.core.contract import Column
from seaway.serve import openapi, schemas, v2


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
        assert tried == 7

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
        assert schemas["credit.Prediction"]["properties"]["label"]["enum"] == ["good", "bad"]
        assert document["openapi"].startswith("3.1")

    at_desk(script)


def test_soft_limits_are_hints_and_hard_ones_are_rules() -> None:
    soft = Column(name="a", kind="category", categories=("x", "y"))
    assert schemas.column_schema(soft)["examples"] == ["x", "y"]
    hard = msgspec.structs.replace(soft, hard=True, null="error")
    assert schemas.column_schema(hard)["enum"] == ["x", "y"]
    number = Column(name="b", kind="number", range=(0.0, 5.0), hard=True, null="error", unit="EUR")
    assert schemas.column_schema(number) == {
        "type": ["number"], "minimum": 0.0, "maximum": 5.0, "description": "unit: EUR",
    }  # fmt: skip
