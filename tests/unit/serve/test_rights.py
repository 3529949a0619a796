"""What the OpenAPI document says of keys is what the access table does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seaway.security import access
from seaway.serve import openapi, rights
from seaway.serve.routes import OPERATIONS


@pytest.mark.parametrize("asks", [False, True])
def test_every_door_tells_the_roles_of_the_table(at_desk: Any, asks: bool) -> None:
    async def script(desk: Any) -> None:
        plain = openapi.document(desk.models.by_name, "0", desk.settings)
        document = rights.add(json.loads(json.dumps(plain)), OPERATIONS, asks=asks)
        assert ("securitySchemes" in document["components"]) is asks
        seen = set()
        for path, doors in document["paths"].items():
            for method, door in doors.items():
                place = path.replace("/models/credit", "/models/{model}").replace("/versions/1", "/versions/{version}")
                operation = OPERATIONS[method.upper(), place]
                seen.add(operation)
                rule = access.OPERATIONS[operation]
                is_locked = asks and "anyone" not in rule.roles
                assert ("security" in door) is is_locked, path
                assert ("401" in door["responses"]) is is_locked, path
                assert "403" in door["responses"]
                if is_locked:
                    assert door["security"] == [{"bearer": []}, {"header": []}]
                    assert all(role in door["description"] for role in (*rule.roles, "admin"))
                    assert door["responses"]["429"]["headers"]["Retry-After"]
        assert seen == set(access.OPERATIONS)

    at_desk(script)


def test_refusals_of_tensors_have_the_form_of_their_protocol(at_desk: Any) -> None:
    async def script(desk: Any) -> None:
        plain = openapi.document(desk.models.by_name, "0", desk.settings)
        document = rights.add(json.loads(json.dumps(plain)), OPERATIONS, asks=True)
        told = document["paths"]["/v2/models/credit/infer"]["post"]["responses"]["401"]
        assert told["content"]["application/json"]["schema"]["$ref"].endswith("/TensorError")
        assert told["headers"]["WWW-Authenticate"]
        told = document["paths"]["/v1/predict"]["post"]["responses"]["401"]
        assert told["content"]["application/json"]["schema"]["$ref"].endswith("/Error")

    at_desk(script)
