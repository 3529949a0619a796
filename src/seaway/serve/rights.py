"""What the OpenAPI document says about access, made from the table that every door asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seaway.core.batch import Json
from seaway.security import access

SCHEMES: dict[str, Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer sw_..."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

REFUSALS: Mapping[str, str] = {
    "401": "No key, or one that is wrong, expired or revoked",
    "403": "The key has no right to this, or another site's page has asked",
    "429": "The key asks too often, or too many wrong keys came from this address",
}

_CHALLENGE = {"description": "Bearer", "schema": {"type": "string"}}
_WAIT = {"description": "Seconds until asking again helps", "schema": {"type": "integer"}}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def add(document: dict[str, Any], operations: Mapping[tuple[str, str], str], *, asks: bool) -> dict[str, Any]:
    """Add to a document, at each operation, which keys it needs and how it refuses; `asks` says that keys are asked for.

    `operations` names the access table's operation by method and path with `{model}` and `{version}` in it.
    """
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            operation = _operation(operations, method.upper(), path)
            rule = access.OPERATIONS[operation]
            _describe(described, rule, operation, asks=asks)
    if asks:
        document["components"]["securitySchemes"] = SCHEMES
    return document


def _describe(described: dict[str, Any], rule: access.Rule, operation: str, *, asks: bool) -> None:
    """Add one operation's rights. Its refusals look as its others do."""
    others = [one["content"] for status, one in described["responses"].items() if status >= "4" and "content" in one]
    content = others[0] if others else _ERROR
    refusals = {"403": {"description": REFUSALS["403"], "content": content}}
    if asks and "anyone" not in rule.roles:
        roles = sorted({*rule.roles, "admin"})
        described["security"] = [{name: []} for name in SCHEMES]
        described["description"] = f"Operation `{operation}`, for keys with the role {' or '.join(roles)}."
        refusals |= {
            "401": {"description": REFUSALS["401"], "headers": {"WWW-Authenticate": _CHALLENGE}, "content": content},
            "429": {"description": REFUSALS["429"], "headers": {"Retry-After": _WAIT}, "content": content},
            "503": {"description": "Not ready, or the keys cannot be read", "content": content},
        }
    described["responses"] = {**refusals, **described["responses"]}


def _operation(operations: Mapping[tuple[str, str], str], method: str, path: str) -> str:
    known = operations.get((method, path))
    if known is not None:
        return known
    named = re.sub(r"/models/[^/]+", "/models/{model}", path)
    return operations[method, re.sub(r"/versions/[^/]+", "/versions/{version}", named)]
