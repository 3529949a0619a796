"""A project's models inside a host of someone else's: real processes' worth of state, a real host, real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from seaway.core.assignment import Assignment
from seaway.core.errors import Unavailable
from seaway.core.settings import ServeSettings
from seaway.registry.store import Registry
from seaway.serve.mounted import FIRST, Mounted
from tests import serving
from tests.serving import ROW


async def hosted(app: Mounted, script: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> None:
    """Run a script against an application in a host."""
    settings: dict[str, Any] = {"log_level": "error", "lifespan": "on", "server_header": False, "access_log": False}
    host = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **settings))  # type: ignore[arg-type]
    running = asyncio.create_task(host.serve())
    while not host.started:
        await asyncio.sleep(0.01)
        assert not running.done(), "the host did not start"
    port = host.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            async with asyncio.timeout(20):
                while (await client.get("/health/ready")).status_code != 200:
                    await asyncio.sleep(0.02)
            await script(client)
    finally:
        host.should_exit = True
        await running


def test_it_answers_logs_and_follows_a_promotion(state: Path, digests: list[str]) -> None:
    async def script(client: httpx.AsyncClient) -> None:
        first = (await client.post("/v1/predict", json={"rows": [ROW]})).json()
        assert first["release"] == digests[0]
        registry = Registry(state)
        now = registry.assignment("credit")
        assert now is not None
        moved = Assignment(model="credit", sequence=now.sequence, champion=digests[1], salt="s")
        registry.move(moved, expect=now.sequence, reason="test", principal="test", evidence=())
        async with asyncio.timeout(20):
            while (await client.post("/v1/predict", json={"rows": [ROW]})).json()["release"] != digests[1]:
                await asyncio.sleep(0.02)

    asyncio.run(hosted(Mounted(state, ServeSettings()), script))
    events = serving.events(state)
    assert {one.release for one in events} == set(digests[:2])  # type: ignore[union-attr]
    assert all(path.name.startswith(f"{FIRST:05d}-") for path in (state / "log" / "credit").glob("*.seg"))


def test_two_hosts_of_one_project_are_two_workers(state: Path) -> None:
    async def both(client: httpx.AsyncClient) -> None:
        async def beside(other: httpx.AsyncClient) -> None:
            asked = {"rows": [ROW], "request_id": "the same"}
            here, there = await client.post("/v1/predict", json=asked), await other.post("/v1/predict", json=asked)
            assert here.content == there.content

        await hosted(Mounted(state, ServeSettings()), beside)

    asyncio.run(hosted(Mounted(state, ServeSettings()), both))


def test_a_host_that_never_started_it_is_told(state: Path) -> None:
    app = Mounted(state, ServeSettings())
    scope = {"type": "http", "method": "GET", "path": "/health/live", "headers": []}

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent")

    with pytest.raises(Unavailable, match="has not started this application"):
        asyncio.run(app(scope, nothing, nothing))
