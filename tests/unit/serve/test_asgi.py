"""The application under a host that is not ours answers as it does at home."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from seaway.serve.asgi import Asgi
from tests.keyed import bearer, give
from tests.serving import ROW
from tests.unit.serve.test_connection import FLAGGED, MANY, listening, said

JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"rows": [ROW]}).encode()

REQUESTS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "an ordinary one": ("POST", "/v1/predict", BODY, JSON),
    "one with a flag": ("POST", "/v1/predict", FLAGGED, JSON),
    "a long one": ("POST", "/v1/predict", MANY, JSON),
    "no JSON": ("POST", "/v1/predict", b"{", JSON),
    "another type": ("POST", "/v1/predict", BODY, {"Content-Type": "text/plain"}),
    "too large": ("POST", "/v1/predict", b" " * 200_000, JSON),
    "no path": ("POST", "/v1/nowhere", BODY, JSON),
    "no method": ("DELETE", "/v1/models", b"", {}),
    "what is allowed": ("OPTIONS", "/v1/models", b"", {}),
    "models": ("GET", "/v1/models", b"", {}),
    "readiness": ("GET", "/health/ready", b"", {}),
    "the document": ("GET", "/openapi.json", b"", {}),
    "a foreign host": ("GET", "/v1/models", b"", {"Host": "evil.example"}),
    "the other protocol": ("POST", "/v2/models/credit/infer", b"{}", JSON),
    "a wrong key": ("GET", "/v1/models", b"", bearer("sw_wrong")),
}


async def ask(port: int, request: tuple[str, str, bytes, dict[str, str]], headers: dict[str, str]) -> tuple[Any, ...]:
    """Return what is the same for both hosts: status, the headers of ours, and the body."""
    method, path, body, own = request
    async with httpx.AsyncClient() as client:
        reply = await client.request(
            method, f"http://127.0.0.1:{port}{path}", content=body or None, headers={**headers, **own}
        )
    kept = ("content-type", "allow", "retry-after", "www-authenticate", "x-content-type-options", "cache-control")
    found = said(reply.content) if reply.content.startswith(b"{") else reply.content
    return reply.status_code, {name: reply.headers.get(name) for name in kept}, found


@pytest.mark.parametrize("has_key", [False, True], ids=["without a key", "with a key"])
def test_under_another_host_it_answers_alike(state: Path, has_key: bool) -> None:
    text = give(state, "predictor", "viewer")[0] if has_key else ""

    async def main() -> None:
        async with listening(state, max_body=150_000) as place:
            settings = {"log_level": "error", "lifespan": "off", "server_header": False, "access_log": False}
            host = uvicorn.Server(uvicorn.Config(Asgi(place.desk.app), host="127.0.0.1", port=0, **settings))  # type: ignore[arg-type]
            serving = asyncio.create_task(host.serve())
            while not host.started:
                await asyncio.sleep(0.01)
            port = host.servers[0].sockets[0].getsockname()[1]
            try:
                for name, request in REQUESTS.items():
                    headers = bearer(text) if has_key else {}
                    home, away = await ask(place.port, request, headers), await ask(port, request, headers)
                    assert away == home, name
                together = await asyncio.gather(*(ask(port, REQUESTS["an ordinary one"], headers) for _ in range(50)))
                assert {status for status, _, _ in together} == {200}
            finally:
                host.should_exit = True
                await serving

    asyncio.run(main())
