"""The async client: the same answers, order, errors and care as the sync one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seaway.client import AsyncClient, Client, Retries, Timeouts
from seaway.core.errors import BrokenContract, Unavailable
from seaway.core.event import Prediction
from tests import credit
from tests.serving import ROW, Running
from tests.unit.client.conftest import alike, forward, listening, request

QUICK = Retries(times=4, first_s=0.01, most_s=0.05)


def test_every_operation_is_as_the_sync_client_says(url: str) -> None:
    async def ask() -> list[Any]:
        async with AsyncClient(url, model="credit") as client:
            answer = await client.predict([ROW], request_id="async-1")
            told = await client.label([{"request_id": answer.request_id, "row": 0, "value": "bad"}])
            assert told.taken == 1
            assert "seaway_requests_total" in await client.metrics()
            why, models = await client.explain([ROW]), await client.models()
            return [answer, why, models, await client.contract(), await client.health()]

    found = asyncio.run(ask())
    with Client(url, model="credit") as client:
        again = client.predict([ROW], request_id="async-1")
        assert found == [again, client.explain([ROW]), client.models(), client.contract(), client.health()]


def test_many_rows_come_back_in_order_and_errors_count_from_the_first_row(url: str) -> None:
    rows = [dict(row) for row in credit.rows(300)]

    async def flowing() -> AsyncIterator[dict[str, Any]]:
        for row in rows:
            yield row

    async def ask(source: Any, partial: bool = False) -> list[Any]:
        async with AsyncClient(url) as client:
            return [one async for one in client.predict_many(source, batch=17, concurrency=5, partial=partial)]

    found = asyncio.run(ask(rows))
    assert asyncio.run(ask(flowing())) == found
    with Client(url) as client:
        assert [one["label"] for one in found] == [one["label"] for one in client.predict(rows).predictions]
    rows[33]["months"] = "x"
    with pytest.raises(BrokenContract, match="break the contract") as caught:
        asyncio.run(ask(rows))
    assert caught.value.cells[0].row == 33
    refused = asyncio.run(ask(rows, partial=True))[33]["error"]
    assert (refused["path"], refused["cells"][0]["row"]) == ("$.rows[33]", 33)


def test_a_broken_connection_is_asked_again_and_answered_once(server: Running) -> None:
    def breaking(connection: socket.socket, number: int) -> None:
        told = forward(connection, server.port, request(connection))
        if number == 2:
            connection.sendall(told)

    async def ask(url: str) -> Any:
        async with AsyncClient(url, retries=QUICK) as client:
            return await client.predict([ROW])

    with listening(breaking) as url:
        answer = asyncio.run(ask(url))
    found = [one for one in server.events() if isinstance(one, Prediction) and one.client_id == answer.client_id]
    assert [one.request_id for one in found] == [answer.request_id]


def test_silence_and_cancellation_leave_no_connection_behind(server: Running) -> None:
    def silent_once(connection: socket.socket, number: int) -> None:
        data = request(connection)
        if number < 2:
            connection.recv(1)
        else:
            connection.sendall(forward(connection, server.port, data))

    async def ask(url: str) -> Any:
        async with AsyncClient(url, timeouts=Timeouts(read_s=0.2), connections=1) as client:
            with pytest.raises(Unavailable, match="silent for too long"):
                await client.predict([ROW])
            task = asyncio.create_task(client.predict([ROW]))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await client.predict([ROW])

    with listening(silent_once) as url:
        assert asyncio.run(ask(url)).predictions


def test_many_tasks_share_one_client(url: str) -> None:
    rows = credit.rows(100)

    async def ask() -> list[Any]:
        async with AsyncClient(url, connections=4) as client:
            return [one.predictions[0] for one in await asyncio.gather(*(client.predict([row]) for row in rows))]

    with Client(url) as client:
        alike(asyncio.run(ask()), [client.predict([row]).predictions[0] for row in rows])
