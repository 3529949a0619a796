"""Real bytes over real sockets to a listener in this process: order, deadlines, caps, and heads that are known by heart."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.core import chance
from seaway.registry.store import Registry
from seaway.serve import connection, receive
from seaway.serve.connection import Connection
from seaway.serve.listener import HEADS, Listener
from tests import credit
from tests.keyed import give
from tests.serving import ROW
from tests.unit.serve.conftest import Desk, opened

HOST = b"Host: localhost\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"rows": [ROW]}).encode()
FLAGGED = json.dumps({"rows": [ROW | {"purpose": "boat"}]}).encode()
MANY = json.dumps({"rows": credit.rows(600)}).encode()
BROKEN = json.dumps({"rows": [ROW | {"months": "two"}]}).encode()


def post(body: bytes = BODY, extra: bytes = b"", path: bytes = b"/v1/predict", version: bytes = b"1.1") -> bytes:
    return b"POST %b HTTP/%b\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path, version, HOST, extra, len(body), body)


def get(path: bytes = b"/health/live", extra: bytes = b"", method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return b"%b %b HTTP/%b\r\n%b%b\r\n" % (method, path, version, HOST, extra)


class Caller:
    """One connection, and the replies that came over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *parts: bytes) -> None:
        """Send parts, each of them by itself."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.002 if len(parts) > 1 else 0)

    async def reply(self, *, has_body: bool = True) -> tuple[int, bytes, bytes]:
        """Return status, head and body of the next reply."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        size = re.search(rb"content-length: (\d+)", head)
        body = await self.reader.readexactly(int(size[1])) if size and has_body else b""
        return int(head.split()[1]), head, body

    async def is_closed(self) -> bool:
        """Say whether the server ended the connection with nothing more to say."""
        return await asyncio.wait_for(self.reader.read(), 5) == b""

    def close(self) -> None:
        """Leave."""
        self.writer.close()


class Place:
    """A listener over a desk."""

    def __init__(self, desk: Desk, listener: Listener, port: int) -> None:
        self.desk, self.listener, self.port = desk, listener, port
        self._callers: list[Caller] = []

    async def call(self) -> Caller:
        """Connect."""
        self._callers.append(Caller(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)))
        return self._callers[-1]

    async def leave(self) -> None:
        """End every connection from the caller's side."""
        for caller in self._callers:
            caller.writer.close()
            with suppress(ConnectionError):
                await caller.writer.wait_closed()

    @property
    def connections(self) -> list[Connection]:
        """The connections that the server holds."""
        return list(self.listener._connections)


@asynccontextmanager
async def listening(state: Path, **settings: Any) -> AsyncIterator[Place]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        async with opened(state, durability="process", **settings) as desk:
            listener = Listener(desk.app)
            await listener.open(door)
            place = Place(desk, listener, door.getsockname()[1])
            try:
                yield place
            finally:
                await place.leave()
                await listener.close(0.0, 2.0)


@pytest.fixture
def at_place(state: Path) -> Callable[..., Any]:
    """Run a coroutine function with a listener of its own."""

    def run(script: Callable[[Place], Awaitable[Any]], **settings: Any) -> Any:
        async def main() -> Any:
            async with listening(state, **settings) as place:
                return await script(place)

        return asyncio.run(main())

    return run


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what has to come, ten seconds at most."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def said(body: bytes) -> Any:
    """Return a reply without what is different every time."""
    found = json.loads(body)
    found.pop("request_id", None)
    return found


# ------------------------------------------------------------------------------------------------------- order


def test_replies_come_in_the_order_of_their_requests_whichever_way_they_go(at_place: Any) -> None:
    sent = (
        (post(), 200, "predictions"),
        (get(), 200, "live"),
        (post(FLAGGED), 200, "predictions"),
        (post(BROKEN), 422, "error"),
        (get(b"/nowhere"), 404, "error"),
        (get(b"/v1/models", method=b"DELETE"), 405, "error"),
        (post(), 200, "predictions"),
        (post(FLAGGED), 200, "predictions"),
    )

    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(b"".join(message for message, _, _ in sent) * 3)
        for _, status, holds in sent * 3:
            found, _, body = await caller.reply()
            assert (found, holds in json.loads(body)) == (status, True)
        caller.close()

    at_place(script)


def test_many_more_than_may_wait_are_answered_in_order(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send((post() + get()) * 400)
        for _ in range(400):
            assert "predictions" in json.loads((await caller.reply())[2])
            assert json.loads((await caller.reply())[2]) == {"live": True}
        caller.close()

    at_place(script)


def test_a_message_cut_anywhere_is_the_same_message(at_place: Any) -> None:
    message = post()

    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(message)
        whole = said((await caller.reply())[2])
        for cut in range(1, len(message)):
            await caller.send(message[:cut])
            await asyncio.sleep(0)
            await caller.send(message[cut:])
            status, _, body = await caller.reply()
            assert (status, said(body)) == (200, whole), cut
        caller.close()

    at_place(script)


MESSAGES = st.sampled_from(
    [
        post(),
        post(FLAGGED),
        post(BROKEN),
        get(),
        get(b"/nowhere"),
        post(b"", path=b"/v1/labels"),
        post(extra=b"Expect: 100-continue\r\n"),
        b"POST /v1/predict HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (HOST, len(BODY), BODY),
        get(method=b"HEAD"),
        b"\r\n" + get(),
    ]
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MESSAGES, min_size=1, max_size=6), st.lists(st.integers(1, 900), max_size=8))
def test_how_messages_are_cut_into_packets_changes_no_reply(
    at_place: Any, messages: list[bytes], cuts: list[int]
) -> None:
    whole = b"".join(messages) + get(extra=b"Connection: close\r\n")
    places = sorted({cut for cut in cuts if cut < len(whole)})
    parts = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]

    async def read(place: Place, sent: Sequence[bytes]) -> bytes:
        caller = await place.call()
        for part in sent:
            await caller.send(part)
            await asyncio.sleep(0.001)
        found = await asyncio.wait_for(caller.reader.read(), 5)
        caller.close()
        found = re.sub(rb"date: [^\r]*", b"date", re.sub(rb'"request_id":"[^"]*"', b'"request_id"', found))
        return found.replace(connection.CONTINUE, b"")  # which is sent where the body has not come yet

    async def script(place: Place) -> None:
        assert await read(place, parts) == await read(place, [whole])

    at_place(script)


# ------------------------------------------------------------------------------------------- heads known by heart


def test_a_head_is_known_after_its_first_request(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        for number in range(3):
            await caller.send(post())
            assert (await caller.reply())[0] == 200
            assert len(place.listener.heads) == 1, number
        ((_, head),) = place.listener.heads
        assert head + BODY == post()
        caller.close()

    at_place(script)


NOT_KNOWN = {
    "another protocol version": post(version=b"1.0"),
    "an end after it": post(extra=b"Connection: close\r\n"),
    "a body sent on demand": post(extra=b"Expect: 100-continue\r\n"),
    "an empty line before it": b"\r\n" + post(),
    "another method": get(),
    "a refused one": post(path=b"/v1/nowhere"),
    "a foreign host": post().replace(b"localhost", b"evil.example"),
    "a very long one": post(extra=b"X-Long: %b\r\n" % (b"a" * 5000)),
    "a body in chunks": post().replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("message", NOT_KNOWN.values(), ids=NOT_KNOWN.keys())
def test_a_head_with_anything_to_be_done_about_it_is_read_each_time(at_place: Any, message: bytes) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(message)
        await caller.reply()
        assert place.listener.heads == {}
        caller.close()

    at_place(script)


def test_a_known_head_before_less_or_more_than_its_body(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(post())
        assert (await caller.reply())[0] == 200
        await caller.send(post()[:-5])
        await asyncio.sleep(0.02)
        await caller.send(post()[-5:] + get() + post())
        assert [(await caller.reply())[0] for _ in range(3)] == [200, 200, 200]
        await caller.send(post() + b"GARBAGE\r\n\r\n")
        assert [(await caller.reply())[0] for _ in range(2)] == [200, 400]
        assert await caller.is_closed()

    at_place(script)


def test_a_head_that_ends_in_a_body_is_not_taken_for_one(at_place: Any) -> None:
    """The next message begins inside the packet that ends a body: its head is not what the packet begins with."""

    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(post()[:-10])
        await asyncio.sleep(0.02)
        await caller.send(post()[-10:] + post())
        assert [(await caller.reply())[0] for _ in range(2)] == [200, 200]
        assert all(head.startswith(b"POST ") and head.count(b"POST") == 1 for _, head in place.listener.heads)
        caller.close()

    at_place(script)


def test_a_key_that_is_revoked_opens_nothing_by_a_known_head(at_place: Any, state: Path) -> None:
    text, key = give(state, "predictor")
    shown = b"Authorization: Bearer %b\r\n" % text.encode()

    async def script(place: Place) -> None:
        caller = await place.call()
        for _ in range(3):
            await caller.send(post(extra=shown))
            assert (await caller.reply())[0] == 200
        assert len(place.listener.heads) == 1
        Registry(state).revoke_key(key.id, "test", "over")
        await place.desk.door.step()
        await caller.send(post(extra=shown))
        assert (await caller.reply())[0] == 401
        caller.close()

    at_place(script)


def test_a_key_for_one_model_is_asked_for_it_each_time(at_place: Any, state: Path) -> None:
    text, _ = give(state, "predictor", models=("credit",))
    other, _ = give(state, "predictor", models=("sales",))

    async def script(place: Place) -> None:
        for shown, status in ((text, 200), (text, 200), (other, 403), (other, 403), (text, 200)):
            caller = await place.call()
            await caller.send(post(extra=b"Authorization: Bearer %b\r\n" % shown.encode()))
            assert (await caller.reply())[0] == status

    at_place(script)


def test_a_rate_holds_for_a_known_head(at_place: Any, state: Path) -> None:
    text, _ = give(state, "predictor", rate=0.5)
    message = post(extra=b"Authorization: Bearer %b\r\n" % text.encode())

    async def script(place: Place) -> None:
        statuses = []
        for _ in range(6):
            caller = await place.call()
            await caller.send(message)
            statuses.append((await caller.reply())[0])
        assert statuses[0] == 200
        assert statuses.count(429) >= 4

    at_place(script)


def test_so_many_heads_are_known_and_no_more(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        for number in range(HEADS + 5):
            await caller.send(post(extra=b"X-Trace: %d\r\n" % number))
            assert (await caller.reply())[0] == 200
        assert len(place.listener.heads) == 5
        caller.close()

    at_place(script)


# ---------------------------------------------------------------------------------------------------- protocol


def test_the_older_protocol_ends_unless_asked_to_stay(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(post(version=b"1.0", extra=b"Connection: keep-alive\r\n"))
        assert b"connection: keep-alive" in (await caller.reply())[1]
        await caller.send(post(version=b"1.0"))
        assert b"connection: close" in (await caller.reply())[1]
        assert await caller.is_closed()

    at_place(script)


def test_a_body_is_asked_for_where_the_caller_waits_to_be(at_place: Any) -> None:
    message = post(extra=b"Expect: 100-continue\r\n")

    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(message[: -len(BODY)])
        assert await caller.reader.readexactly(len(connection.CONTINUE)) == connection.CONTINUE
        await caller.send(BODY)
        assert (await caller.reply())[0] == 200
        await caller.send(post(path=b"/nowhere", extra=b"Expect: 100-continue\r\n")[: -len(BODY)])
        assert (await caller.reply())[0] == 404  # nobody asks for a body that would be thrown away
        caller.close()

    at_place(script)


def test_head_tells_the_size_and_sends_nothing(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(get(method=b"HEAD") + get())
        assert (await caller.reply(has_body=False))[0] == 200
        assert json.loads((await caller.reply())[2]) == {"live": True}
        caller.close()

    at_place(script)


# ------------------------------------------------------------------------------------------------- caps and time


def test_more_requests_than_are_taken_at_once_are_turned_away_at_once(at_place: Any) -> None:
    async def script(place: Place) -> None:
        callers = [await place.call() for _ in range(12)]
        for caller in callers:
            caller.writer.write(post(MANY))
        replies = [await caller.reply() for caller in callers]
        statuses = [status for status, _, _ in replies]
        assert statuses.count(200) + statuses.count(503) == 12
        assert statuses.count(200) >= 1
        for status, head, body in replies:
            if status == 503:
                assert b"retry-after: 1" in head
                assert json.loads(body)["error"]["code"] == "overloaded"
        for caller in callers:  # nobody stays busy for ever
            caller.writer.write(post())
            assert (await caller.reply())[0] == 200
            caller.close()

    at_place(script, busy=1)


def test_more_connections_than_may_be_are_turned_away(at_place: Any) -> None:
    async def script(place: Place) -> None:
        held = [await place.call() for _ in range(2)]
        for caller in held:
            await caller.send(get())
            assert (await caller.reply())[0] == 200
        third = await place.call()
        assert (await third.reply())[0] == 503
        assert await third.is_closed()
        held.pop().close()
        await asyncio.sleep(0.05)
        fourth = await place.call()
        await fourth.send(get())
        assert (await fourth.reply())[0] == 200

    at_place(script, connections=2)


LATE = {
    "no head at all": (b"", connection.HEAD_S, None),
    "half a head": (post()[:40], connection.HEAD_S, None),
    "half a body": (post()[:-5], receive.RECEIVE_S, 408),
    "nothing more to ask": (get(), connection.IDLE_S, 200),
}


@pytest.mark.parametrize(("message", "patience", "status"), LATE.values(), ids=LATE.keys())
def test_what_takes_too_long_is_ended(at_place: Any, message: bytes, patience: float, status: int | None) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await caller.send(message)
        await asyncio.sleep(0.05)
        (one,) = place.connections
        one.look(chance.monotonic() + patience - 1)
        await asyncio.sleep(0.02)
        assert place.connections == [one]
        one.look(chance.monotonic() + patience + 1)
        if status is not None:
            assert (await caller.reply())[0] == status
        one.look(chance.monotonic() + 100)  # what lingers behind a refusal ends too
        assert await caller.is_closed()

    at_place(script)


def test_who_takes_nothing_is_answered_no_further(at_place: Any) -> None:
    async def script(place: Place) -> None:
        caller = await place.call()
        await until(lambda: bool(place.connections))
        (one,) = place.connections
        caller.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(1000):
            caller.writer.write(get(b"/openapi.json"))
        await until(lambda: one._is_stuck)
        assert one._transport.get_write_buffer_size() < 4 << 20
        caller.reader._transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(1000):
            assert (await caller.reply())[0] == 200
        assert not one._is_stuck
        caller.reader._transport.pause_reading()
        caller.writer.write(get(b"/openapi.json") * 1000)
        await until(lambda: one._is_stuck)
        one.look(chance.monotonic() + connection.WRITE_S + 1)
        await until(lambda: not place.connections)

    at_place(script)


def test_while_it_drains_each_reply_is_the_last(at_place: Any) -> None:
    async def script(place: Place) -> None:
        idle, busy = await place.call(), await place.call()
        await busy.send(post()[:-5])
        await asyncio.sleep(0.02)
        closing = asyncio.create_task(place.listener.close(0.0, 2.0))
        assert await idle.is_closed()
        await busy.send(post()[-5:])
        status, head, _ = await busy.reply()
        assert (status, b"connection: close" in head) == (200, True)
        await closing

    at_place(script)
