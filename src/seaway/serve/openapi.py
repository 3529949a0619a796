"""OpenAPI 3.1 made from the contracts of the served models; every example works as pasted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seaway.core.batch import Json
from seaway.serve import schemas, v2
from seaway.serve.releases import Loaded, Serving

DIALECT = "3.1.0"

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "path", "fix"],
            "properties": {
                "code": {"type": "string", "description": "Stable; match on it."},
                "message": {"type": "string"},
                "path": {"type": "string", "description": "The place in the request, as JSON path."},
                "fix": {"type": "string", "description": "What to do next."},
                "count": {"type": "integer", "description": "Broken cells in all, where not all are listed."},
                "cells": {"type": "array", "items": {"$ref": "#/components/schemas/Cell"}},
            },
        }
    },
}

CELL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "row": {"type": "integer"},
        **{name: {"type": "string"} for name in ("column", "value", "rule", "fix")},
    },
}

REFUSALS: Mapping[str, str] = {
    "400": "No JSON, or not of this form",
    "404": "No such model or request",
    "408": "The body came too slowly",
    "413": "Too large",
    "415": "Not application/json",
    "422": "Breaks the contract: every broken cell is listed",
    "429": "Too many requests",
    "503": "Not ready, or the event log cannot be written",
}


def document(models: Mapping[str, Serving], version: str) -> dict[str, Json]:
    """Return the whole document."""
    paths: dict[str, Json] = {}
    described: dict[str, Json] = {"Error": ERROR, "Cell": CELL}
    for name, serving in sorted(models.items()):
        loaded = serving.champion
        described |= {
            f"{name}.Row": schemas.row_schema(loaded.contract),
            f"{name}.Prediction": schemas.prediction_schema(loaded.contract),
        }
        prefixes = [f"/v1/models/{name}", *(["/v1"] if len(models) == 1 else [])]
        for prefix in prefixes:
            paths[f"{prefix}/predict"] = {"post": _predict(name, loaded)}
            if loaded.is_explainable:
                paths[f"{prefix}/explain"] = {"post": _explain(name, loaded)}
            if loaded.contract.truth is not None:
                paths[f"{prefix}/labels"] = {"post": _label(name, loaded)}
            paths[f"{prefix}/contract"] = {"get": _page("What a row must look like, and what the answers mean")}
        if v2.is_table(loaded.contract):
            paths[f"/v2/models/{name}/infer"] = {"post": _infer(name, loaded)}
            paths[f"/v2/models/{name}"] = {"get": _page("Open Inference Protocol: inputs and outputs")}
    for path, summary in PAGES.items():
        paths[path] = {"get": _page(summary)}
    info = {"title": "Seaway", "version": version, "description": "Models served by Seaway."}
    return {"openapi": DIALECT, "info": info, "paths": paths, "components": {"schemas": described}}


PAGES: Mapping[str, str] = {
    "/v1/models": "The models and which releases answer",
    "/health/live": "200 while the process answers",
    "/health/ready": "200 where requests should come here, 503 with reasons where not",
    "/openapi.json": "This document",
    "/metrics": "Metrics for Prometheus",
    "/v2": "Open Inference Protocol: the server",
}


def example(loaded: Loaded) -> dict[str, Json]:
    """Return a request that the release answers without a flag."""
    query = loaded.example
    return {"rows": query.rows, **({"options": query.options} if query.options else {})}


def _predict(name: str, loaded: Loaded) -> dict[str, Json]:
    contract = loaded.contract
    asked: dict[str, Json] = {
        "type": "object",
        "required": ["rows"],
        "additionalProperties": False,
        "properties": {
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}.Row"}, "minItems": 1},
            "options": {
                "type": "object",
                "properties": {option.name: schemas.column_schema(option) for option in contract.options},
                "additionalProperties": False,
            },
            "ids": {"type": "array", "description": "One per prediction; joins late labels."},
            "request_id": {"type": "string", "maxLength": 128, "description": "A repeat returns the first answer."},
            "key": {"type": "string", "maxLength": 128, "description": "The same key meets the same arm of a canary."},
            "explain": {"type": "boolean"},
            "partial": {
                "type": "boolean",
                "description": "Answer the cases that hold; else one that is refused refuses all.",
            },
        },
    }
    told = {
        "type": "object",
        "properties": {
            **{field: {"type": "string"} for field in ("request_id", "client_id", "model", "release")},
            "predictions": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}.Prediction"}},
        },
    }
    return _post(f"Predictions of {name}", asked, told, example(loaded))


def _explain(name: str, loaded: Loaded) -> dict[str, Json]:
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}.Row"}, "minItems": 1}
    told = {
        "type": "object",
        "properties": {
            "explanations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "of": {"type": "string", "description": "The class whose margin is explained."},
                        "base": {"type": "number"},
                        "attributions": {"type": "object", "additionalProperties": {"type": "number"}},
                        "margin": {"type": "number", "description": "base + attributions"},
                        "reasons": {"type": "array", "items": {"type": "object"}},
                    },
                },
            }
        },
    }
    asked = {"type": "object", "required": ["rows"], "properties": {"rows": rows}}
    return _post(f"Why {name} answers as it does", asked, told, example(loaded))


def _infer(name: str, loaded: Loaded) -> dict[str, Json]:
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"type": "string"},
            "data": {"type": "array"},
        },
    }
    tensors = {"type": "array", "items": tensor}
    asked = {"type": "object", "required": ["inputs"], "properties": {"id": {"type": "string"}, "inputs": tensors}}
    told = {
        "type": "object",
        "properties": {
            **{field: {"type": "string"} for field in ("model_name", "model_version", "id")},
            "outputs": tensors,
        },
    }
    given = {"inputs": v2.tensors(loaded.example.rows, loaded.contract)}
    return _post(f'Predictions of {name} as tensors; errors are {{"error": text}}', asked, told, given)


def _label(name: str, loaded: Loaded) -> dict[str, Json]:
    contract = loaded.contract
    value: Json = contract.classes[0] if contract.classes else 1.5
    given = {"labels": [{**_about(loaded), "value": value}]}
    told = {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "taken": {"type": "integer"},
            "refused": {"type": "integer"},
            "cells": {"type": "array", "items": {"$ref": "#/components/schemas/Cell"}},
        },
    }
    return _post(f"What came true, for {name}", schemas.labels_schema(contract), told, given)


def _about(loaded: Loaded) -> dict[str, Json]:
    """Return the part of a label that says which case it is about."""
    contract, row = loaded.contract, loaded.example.rows[-1]
    if contract.series is None:
        return {"id": "case-1"}
    ids: dict[str, Json] = {column.name: row[column.name] for column in contract.having("id")}
    named = {"id": ids if len(ids) > 1 else next(iter(ids.values()))} if ids else {}
    return {**named, "at": row[contract.having("time")[0].name]}


def _post(summary: str, asked: Json, told: Json, given: Json) -> dict[str, Json]:
    body = {"required": True, "content": {"application/json": {"schema": asked, "example": given}}}
    done = {"description": "Done", "content": {"application/json": {"schema": told}}}
    return {"summary": summary, "requestBody": body, "responses": {"200": done, **_refusals()}}


def _page(summary: str) -> dict[str, Json]:
    return {"summary": summary, "responses": {"200": {"description": summary}, **_refusals("404", "503")}}


def _refusals(*codes: str) -> dict[str, Json]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": REFUSALS[code], "content": content} for code in codes or REFUSALS}
