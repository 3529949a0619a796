"""What the server sends, as JSON Schema, where no contract decides it: errors, health, models, tensors, counts of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seaway.core.contract import Contract

COMPONENTS = "#/components/schemas/"

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}


def closed(properties: Mapping[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    """Return the schema of an object that holds just these fields."""
    needed = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": needed, "additionalProperties": False}


def listed(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def named(name: str) -> dict[str, Any]:
    """Return a reference to a component."""
    return {"$ref": f"{COMPONENTS}{name}"}


_ERROR = {
    "code": {"type": "string", "description": "Stable; match on it."},
    "message": TEXT,
    "path": {"type": "string", "description": "The place in the request, as JSON path; empty where there is none."},
    "fix": {"type": "string", "description": "What to do next."},
    "count": {"type": "integer", "description": "Broken cells in all, where not all are listed."},
    "cells": listed(named("Cell")),
}

_TENSOR = {"name": TEXT, "datatype": TEXT, "shape": listed(COUNT), "data": {"type": "array"}}

_RELEASE = {
    "release": {"type": "string", "description": "The digest of its bundle."},
    "version": COUNT,
    "contract": TEXT,
}

_ARM = {
    "arm": {"enum": ["champion", "canary", "shadow"]},
    **_RELEASE,
    "engine": {"type": "string", "description": "What runs it: native, onnx or series."},
}

_MODEL = {
    "name": TEXT,
    "release": TEXT,
    "version": COUNT,
    "sequence": COUNT,
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "arms": listed(closed(_ARM)),
}

_FOLLOWED = closed(
    {
        "sequence": COUNT,
        "following": {"type": "boolean", "description": "Whether the newest assignment is the one that answers."},
        "code": {"type": "string", "description": "Why it is not followed."},
        "message": {"type": "string", "description": "The same in words, on a server that asks for no keys."},
    },
    ("code", "message"),
)

_DESCRIBED = closed({"name": TEXT, "datatype": TEXT, "shape": listed({"type": "integer"})})

_ANY = {"type": "object", "additionalProperties": True}

SHARED: Mapping[str, Any] = {
    "Error": closed({"error": closed(_ERROR, ("count", "cells"))}),
    "Cell": closed({"row": COUNT, **dict.fromkeys(("column", "value", "rule", "fix"), TEXT)}),
    "Flag": closed({"column": TEXT, "rule": TEXT}),
    "Explanation": closed(
        {
            "of": {"type": "string", "description": "The class whose margin is explained."},
            "base": {"type": "number"},
            "attributions": {"type": "object", "additionalProperties": {"type": "number"}},
            "margin": {"type": "number", "description": "base + attributions"},
            "reasons": listed(closed({"column": TEXT, "value": {}, "attribution": {"type": "number"}})),
        },
        ("of",),
    ),
    "Unexplained": closed({"outcome": {"const": "not-applicable"}, "message": TEXT, "fix": TEXT}),
    "TensorError": closed({"error": TEXT}),
    "Tensor": closed(_TENSOR),
    "Live": closed({"live": {"const": True}}),
    "Ready": closed(
        {
            "ready": {"type": "boolean"},
            "keys": {"type": "boolean", "description": "Whether callers are asked for keys."},
            "insecure": {"type": "boolean", "description": "Open to other machines without keys over TLS, by a flag."},
            "reasons": listed(TEXT),
            "models": {"type": "object", "additionalProperties": _FOLLOWED},
        },
        ("keys", "insecure", "reasons", "models"),
    ),
    "Models": closed({"models": listed(closed(_MODEL))}),
    "Labelled": closed(
        {"model": TEXT, "taken": COUNT, "refused": COUNT, "cells": listed(named("Cell"))}, optional=("cells",)
    ),
    "TensorServer": closed({"name": TEXT, "version": TEXT, "extensions": listed(TEXT)}),
    "TensorReady": closed({"ready": {"type": "boolean"}}),
    "TensorModelReady": closed({"name": TEXT, "ready": {"type": "boolean"}}),
    "TensorModel": closed(
        {
            "name": TEXT,
            "versions": listed(TEXT),
            "platform": TEXT,
            "inputs": listed(_DESCRIBED),
            "outputs": listed(_DESCRIBED),
        }
    ),
    "Served": closed({"model": TEXT, "release": TEXT, "digest": TEXT, "contract": named("Contract")}),
    "Document": closed(
        {
            "openapi": TEXT,
            "info": closed(dict.fromkeys(("title", "version", "description"), TEXT)),
            "paths": {"type": "object", "additionalProperties": _ANY},
            "components": closed(
                {"schemas": _ANY, "securitySchemes": _ANY},
                ("securitySchemes",),
            ),
        }
    ),
}
"""The components that every document has, by name."""


def components() -> dict[str, Any]:
    """Return the shared components, those that the form of a contract needs included."""
    (_,), forms = msgspec.json.schema_components([Contract], ref_template=f"{COMPONENTS}{{name}}")
    return {**SHARED, **{name: {"additionalProperties": False, **form} for name, form in forms.items()}}


ABOUT_REFUSALS: Mapping[str, str] = {
    "400": "No JSON, or not of this form",
    "403": "Sent by a page of another site, or with a key that has no right to this",
    "404": "No such model or request",
    "408": "The body came too slowly",
    "413": "Too large",
    "415": "Not application/json",
    "422": "Breaks the contract: every broken cell is listed",
    "429": "Too many requests",
    "431": "The head of the request is too large",
    "500": "The model gave no answer that may be sent",
    "503": "Not ready, or the event log cannot be written",
}
"""Every status but 200 and those of keys, with what it means."""

OF_PAGES = ("403", "404", "429", "431", "503")
"""The refusals of what is only read."""

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "429": {"Retry-After": {"required": True, "schema": COUNT}},
    "503": {"Retry-After": {"schema": COUNT}},
}
"""Headers that a status brings."""


def json_reply(about: str, schema: Mapping[str, Any], status: str = "200") -> dict[str, Any]:
    """Return how one reply in JSON is described."""
    found: dict[str, Any] = {"description": about, "content": {"application/json": {"schema": schema}}}
    return {**found, "headers": HEADERS[status]} if status in HEADERS else found


def refusals(form: str, codes: Sequence[str]) -> dict[str, Any]:
    """Return how refusals are described; `form` is the component that they have."""
    return {code: json_reply(ABOUT_REFUSALS[code], named(form), code) for code in sorted(codes)}
