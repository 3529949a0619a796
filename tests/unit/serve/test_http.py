from __future__ import annotations

import json

import pytest

from seaway.core.errors import (
    BadInput,
    BrokenContract,
    Cell,
    Conflict,
    Denied,
    Malformed,
    NotFound,
    SeawayError,
    TooLarge,
    Unavailable,
    Untrusted,
)
from seaway.serve import http

CELL = Cell(row=0, column="a", value="x", rule="type", fix="Send a number.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput("x", where="$", fix="y"), 400),
        (Malformed("x", where="$", fix="y"), 400),
        (Malformed("x", where="$", fix="y", code="duplicate-key"), 400),
        (Denied("x", where="$", fix="y"), 403),
        (NotFound("x", where="$", fix="y"), 404),
        (Conflict("x", where="$", fix="y"), 409),
        (TooLarge("x", where="$", fix="y"), 413),
        (BrokenContract("x", cells=(CELL,), where="$", fix="y"), 422),
        (Unavailable("x", where="$", fix="y"), 503),
        (Untrusted("x", where="$", fix="y"), 500),
        (SeawayError("x", where="$", fix="y"), 500),
    ],
)
def test_every_error_has_a_status_and_the_stated_form(error: SeawayError, status: int) -> None:
    reply = http.refusal(error)
    assert reply.status == status
    told = json.loads(reply.body)["error"]
    assert {"code", "message", "path", "fix"} <= set(told) <= {"code", "message", "path", "fix", "cells"}
    assert all(told[name] for name in ("code", "message", "fix"))
    assert (b"retry-after" in dict(reply.headers)) == (status == 503)


def test_every_broken_cell_is_listed_and_counted() -> None:
    told = json.loads(http.error_body(BrokenContract("x", cells=(CELL,), count=7, where="$.rows[0].a", fix="y")))[
        "error"
    ]
    assert told["cells"] == [{"row": 0, "column": "a", "value": "x", "rule": "type", "fix": "Send a number."}]
    assert told["count"] == 7
    assert told["path"] == "$.rows[0].a"


@pytest.mark.parametrize("place", ["/srv/state/bundles", "registry.db", "engines.onnx"])
def test_places_inside_the_server_are_not_told(place: str) -> None:
    for error in (
        BadInput("x", where=place, fix="y"),
        Untrusted(f"broken in {place}", where=place, fix=f"look at {place}"),
        Unavailable(f"broken in {place}", where=place, fix=f"look at {place}"),
    ):
        assert place.encode() not in http.error_body(error)
