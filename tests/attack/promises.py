"""Checks of schemathesis as this server's document means them; its configuration names this file as hooks."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
import schemathesis
from schemathesis.specs.openapi import checks

JSON = "application/json"


@schemathesis.check
def broken_data_is_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """Hold what breaks the schema to a refusal, but not with "partial": true, which asks to answer the rest."""
    if isinstance(case.body, dict) and case.body.get("partial") is True:
        return None
    if response.status_code == 413:
        return None  # too many or too long is a refusal too, which the check as it comes does not know
    return checks.negative_data_rejection(ctx, response, case)


@schemathesis.check
def no_field_is_unnamed(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """Hold an answer to a schema in which every object is closed, unless the document says in words that it is open."""
    document = case.operation.schema.raw_schema
    described = document["paths"][case.operation.path][case.operation.method.lower()]["responses"]
    content = described.get(str(response.status_code), {}).get("content", {}).get(JSON)
    if content is None or not response.content:
        return None  # no such status, or no JSON: other checks say so
    strict = json.dumps({"components": document["components"], **content["schema"]}, sort_keys=True)
    unnamed = [
        f"{error.message} (at {error.instance_path})" for error in _validator(strict).iter_errors(response.json())
    ]
    if unnamed:
        raise AssertionError(f"The document does not say so: {'; '.join(unnamed)}")
    return None


@cache
def _validator(text: str) -> Any:
    return jsonschema_rs.Draft202012Validator(_closed(json.loads(text)))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(one) for name, one in schema.items()}
    return {"additionalProperties": False, **closed} if closed.get("type") == "object" else closed
