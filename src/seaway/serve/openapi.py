"""OpenAPI 3.1 made from the contracts of the served models: every door, every answer it can give, examples that work as pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seaway.core.batch import Json
from seaway.core.settings import ServeSettings
from seaway.serve import replies, schemas, v2
from seaway.serve.releases import Loaded, Serving
from seaway.serve.replies import closed, json_reply, listed, named

DIALECT = "3.1.0"

ABOUT = (
    "Models served by Seaway. What is no proper HTTP/1.1 is refused before any route is looked up: 400, 414 (path too long), "
    "431 or 505, in the form of all errors. HEAD is taken wherever GET is; another method is told by 405 which there are."
)


def document(models: Mapping[str, Serving], version: str, limits: ServeSettings) -> dict[str, Json]:
    """Return the whole document but for rights, which `rights.add` knows; `limits` are what requests are held to."""
    paths: dict[str, Json] = _pages()
    described: dict[str, Json] = replies.components()
    for name, serving in sorted(models.items()):
        described |= _described(name, serving, limits)
        doors = _doors(name, serving, limits)
        paths |= {f"/v1/models/{name}/{door}": found for door, found in doors.items()}
        if len(models) == 1:
            paths |= {f"/v1/{door}": found for door, found in doors.items()}
        if v2.is_table(serving.champion.contract):
            paths |= _tensor_doors(name, serving, limits)
    return {
        "openapi": DIALECT,
        "info": {"title": "Seaway", "version": version, "description": ABOUT},
        "paths": paths,
        "components": {"schemas": described},
    }


def _described(name: str, serving: Serving, limits: ServeSettings) -> dict[str, Json]:
    """Describe what comes and goes under a model's contract; of releases that differ in it, each one's answers."""
    contracts = {one.contract.digest: one.contract for one in serving.releases}.values()
    answers = [schemas.prediction_schema(contract) for contract in contracts]
    return {
        f"{name}.Row": schemas.row_schema(serving.champion.contract, limits.max_text),
        f"{name}.Prediction": answers[0] if len(answers) == 1 else {"anyOf": answers},
    }


# ------------------------------------------------------------------------------------------------------------ doors


def _get(about: str, form: str, refused: Sequence[str] = replies.OF_PAGES, error: str = "Error") -> dict[str, Any]:
    told = {"200": json_reply(about, named(form)), **replies.refusals(error, refused)}
    return {"get": {"summary": about, "responses": told}}


def _page(about: str, form: str, *, down: str = "", error: str = "Error") -> dict[str, Any]:
    """Describe a page of the server itself; `down` is the form in which a 503 is told."""
    page = _get(about, form, ("403", "429", "431"), error)
    if down:
        page["get"]["responses"]["503"] = json_reply("Not ready", named(down), "503")
    return page


def _metrics() -> dict[str, Any]:
    page = _page("Metrics for Prometheus", "Error")
    page["get"]["responses"]["200"]["content"] = {"text/plain": {"schema": replies.TEXT}}
    return page


def _pages() -> dict[str, Any]:
    """Return the pages that are there whatever is served."""
    return {
        "/v1/models": _page("The models and which releases answer", "Models"),
        "/health/live": _page("200 while the process answers", "Live"),
        "/health/ready": _page("200 where requests should come here, 503 where not", "Ready", down="Ready"),
        "/openapi.json": _page("This document", "Document"),
        "/metrics": _metrics(),
        "/v2": _page("Open Inference Protocol: the server", "TensorServer", error="TensorError"),
        "/v2/health/live": _page("200 while the process answers", "Live", error="TensorError"),
        "/v2/health/ready": _page(
            "Whether requests should come here", "TensorReady", down="TensorReady", error="TensorError"
        ),
    }


def _doors(name: str, serving: Serving, limits: ServeSettings) -> dict[str, Any]:
    """Return what there is below /v1 for a model."""
    loaded = serving.champion
    doors = {
        "predict": _predict(name, loaded, limits),
        "contract": _get("What a row must look like, and what the answers mean", "Served"),
    }
    if loaded.is_explainable:
        doors["explain"] = _explain(name, loaded, limits)
    if loaded.contract.truth is not None:
        doors["labels"] = _label(name, loaded, limits)
    return doors


def _tensor_doors(name: str, serving: Serving, limits: ServeSettings) -> dict[str, Any]:
    """Return what there is below /v2 for a model whose cases are rows, for it and for each version that is held."""
    model = _get("Open Inference Protocol: inputs and outputs", "TensorModel", error="TensorError")
    ready = _get("Whether the model answers", "TensorModelReady", error="TensorError")
    down = {"anyOf": [named("TensorModelReady"), named("TensorError")]}
    ready["get"]["responses"]["503"] = json_reply("Not ready", down, "503")
    infer = _infer(name, serving.champion, limits)
    prefix = f"/v2/models/{name}"
    versions = dict.fromkeys(str(loaded.version) for loaded in serving.releases)
    return {
        f"{place}{door}": found
        for place in (prefix, *(f"{prefix}/versions/{version}" for version in versions))
        for door, found in (("", model), ("/ready", ready), ("/infer", infer))
    }


def example(loaded: Loaded) -> dict[str, Json]:
    """Return a request that the release answers without a flag."""
    query = loaded.example
    return {"rows": query.rows, **({"options": query.options} if query.options else {})}


def _request(name: str, loaded: Loaded, limits: ServeSettings) -> dict[str, Json]:
    short = {"type": "string", "maxLength": 128}
    options = {option.name: schemas.option_schema(option) for option in loaded.contract.options}
    return {
        "type": "object",
        "required": ["rows"],
        "additionalProperties": False,
        "properties": {
            "rows": {"type": "array", "items": named(f"{name}.Row"), "minItems": 1, "maxItems": limits.max_rows},
            "options": {"type": ["object", "null"], "properties": options, "additionalProperties": False},
            "ids": {
                "type": ["array", "null"],
                "maxItems": limits.max_rows,
                "items": {"type": ["string", "integer", "null", "object"]},
                "description": "One per prediction; joins late labels.",
            },
            "request_id": {**short, "description": "A repeat returns the first answer."},
            "key": {**short, "description": "The same key meets the same arm of a canary."},
            "explain": {"type": "boolean"},
            "partial": {
                "type": "boolean",
                "description": "Answer the cases that hold; else one that is refused refuses all.",
            },
        },
    }


def _predict(name: str, loaded: Loaded, limits: ServeSettings) -> dict[str, Json]:
    told = closed(
        {
            "request_id": replies.TEXT,
            "client_id": {"type": "string", "description": "The request_id that was sent."},
            "model": replies.TEXT,
            "release": replies.TEXT,
            "predictions": listed(named(f"{name}.Prediction")),
        },
        ("client_id",),
    )
    return _post(f"Predictions of {name}", _request(name, loaded, limits), told, example(loaded))


def _explain(name: str, loaded: Loaded, limits: ServeSettings) -> dict[str, Json]:
    told = closed({"model": replies.TEXT, "release": replies.TEXT, "explanations": listed(named("Explanation"))})
    return _post(f"Why {name} answers as it does", _request(name, loaded, limits), told, example(loaded))


def _infer(name: str, loaded: Loaded, limits: ServeSettings) -> dict[str, Json]:
    parameters: dict[str, Json] = {"type": "object"}
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"type": "string"},
            "data": {"type": "array", "maxItems": limits.max_rows},
            "parameters": parameters,
        },
    }
    wanted = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": [output.name for output in loaded.contract.outputs]}, "parameters": parameters},
    }
    asked = {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "maxLength": 128, "description": "A repeat returns the first answer."},
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {"type": "array", "items": wanted},
            "parameters": parameters,
        },
    }
    told = closed(
        {
            **dict.fromkeys(("model_name", "model_version", "id"), replies.TEXT),
            "outputs": listed(named("Tensor")),
            "parameters": closed(dict.fromkeys(("request_id", "release", "flags"), replies.TEXT), ("flags",)),
        },
        ("id",),
    )
    given = {"inputs": v2.tensors(loaded.example.rows, loaded.contract)}
    return _post(f"Predictions of {name} as tensors", asked, told, given, error="TensorError")


def _label(name: str, loaded: Loaded, limits: ServeSettings) -> dict[str, Json]:
    contract = loaded.contract
    value: Json = contract.classes[0] if contract.classes else 1.5
    given = {"labels": [{**_about(loaded), "value": value}]}
    return _post(
        f"What came true, for {name}", schemas.labels_schema(contract, limits.max_rows), named("Labelled"), given
    )


def _about(loaded: Loaded) -> dict[str, Json]:
    """Return the part of a label that says which case it is about."""
    contract, row = loaded.contract, loaded.example.rows[-1]
    if contract.series is None:
        return {"id": "case-1"}
    ids: dict[str, Json] = {column.name: row[column.name] for column in contract.having("id")}
    named_by = {"id": ids if len(ids) > 1 else next(iter(ids.values()))} if ids else {}
    return {**named_by, "at": row[contract.having("time")[0].name]}


def _post(summary: str, asked: Json, told: Json, given: Json, *, error: str = "Error") -> dict[str, Json]:
    body = {"required": True, "content": {"application/json": {"schema": asked, "example": given}}}
    codes = list(replies.ABOUT_REFUSALS)
    responses = {"200": json_reply("Done", told), **replies.refusals(error, codes)}
    return {"post": {"summary": summary, "requestBody": body, "responses": responses}}
