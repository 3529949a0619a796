"""What goes back over HTTP: replies, and errors as clients see them (DESIGN 5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from seaway.core.errors import (
    BadInput,
    BrokenContract,
    Cell,
    Conflict,
    Denied,
    SeawayError,
    Throttled,
    Unavailable,
)

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Headers = ((b"content-type", b"application/json"),)
TEXT: Headers = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),)
RETRY: Headers = ((b"retry-after", b"1"),)
CHALLENGE: Headers = ((b"www-authenticate", b'Bearer realm="seaway"'),)
SAFE: Headers = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
CLOSE: Headers = ((b"connection", b"close"),)

STATUS: dict[str, int] = {
    # Add a code here where its class does not say enough.
    "malformed": 400,
    "no-key": 401,
    "bad-key": 401,
    "expired-key": 401,
    "revoked-key": 401,
    "not-found": 404,
    "unknown-request": 404,
    "method-not-allowed": 405,
    "too-slow": 408,
    "conflict": 409,
    "too-large": 413,
    "target-too-long": 414,
    "unsupported-media-type": 415,
    "expectation": 417,
    "broken-contract": 422,
    "not-explainable": 422,
    "too-many-bad-keys": 429,
    "too-many-requests": 429,
    "head-too-large": 431,
    "broken-answer": 500,
    "http-version": 505,
}

SHOWN = ("$", "/v1", "/v2", "body", "byte ", "header ")
"""How places in a request begin; any other place is one inside the server, which callers are not told."""

HIDDEN = "The server cannot answer this request now"


class Reply(NamedTuple):
    """A status, headers besides the length, the body, and what metrics count it under.

    `after` is work that waits until the reply was written.
    """

    status: int
    body: bytes
    headers: Headers = JSON
    model: str = ""
    release: str = ""
    after: Callable[[], None] | None = None


_encoder = msgspec.json.Encoder()


INTERNAL = (
    b'{"error":{"code":"internal","message":"The server made a mistake","path":"",'
    b'"fix":"Try again; if it lasts, ask the operator of the server."}}'
)
"""What a caller is told of a fault of ours."""


def status_of(error: SeawayError) -> int:
    """Return the HTTP status of an error."""
    known = STATUS.get(error.code)
    if known:
        return known
    if isinstance(error, BrokenContract):
        return 422
    if isinstance(error, BadInput):
        return 400
    if isinstance(error, Denied):
        return 403
    if isinstance(error, Conflict):
        return 409
    return 503 if isinstance(error, Unavailable) else 500


def told(error: SeawayError) -> dict[str, Any]:
    """Return an error as the caller may see it: what a caller can mend in full, all else without its inside."""
    if isinstance(error, BadInput | Denied | Conflict) or error.code in PUBLIC:
        path = error.where if error.where.startswith(SHOWN) else ""
        fields: dict[str, Any] = {"code": error.code, "message": error.what, "path": path, "fix": error.fix}
        if isinstance(error, BrokenContract):
            fields["cells"] = error.cells
            if error.count > len(error.cells):
                fields["count"] = error.count
        return fields
    code = error.code if error.code in STATUS else "unavailable"
    return {
        "code": code,
        "message": HIDDEN,
        "path": "",
        "fix": "Try again; if it lasts, ask the operator of the server.",
    }


PUBLIC = frozenset(
    {"keys-unavailable", "log-unavailable", "overloaded", "not-ready", "not-explainable", "broken-answer"}
)
"""Errors of the server's own making whose text says nothing about its inside."""


def error_body(error: SeawayError) -> bytes:
    """Return the JSON of an error."""
    return _encoder.encode({"error": told(error)})


def refusal(error: SeawayError, extra: Headers = ()) -> Reply:
    """Return the reply that says no."""
    status = status_of(error)
    headers = JSON + extra
    if status == 401:
        headers += CHALLENGE
    elif isinstance(error, Throttled):
        headers += ((b"retry-after", b"%d" % max(1, math.ceil(error.wait_s))),)
    elif status in (429, 503):
        headers += RETRY
    return Reply(status, error_body(error), headers)


def encode(value: Any) -> bytes:
    """Return JSON; numbers read back equal."""
    return _encoder.encode(value)


def cell(row: int, column: str, value: str, rule: str, fix: str) -> Cell:
    """Name one broken place; long values are cut."""
    return Cell(row=row, column=column, value=value if len(value) <= 80 else value[:77] + "...", rule=rule, fix=fix)
