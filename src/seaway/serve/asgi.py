"""The server as a bare ASGI application, to be mounted elsewhere.

Guards, keys, rights, limits of a body and of what it holds are kept here as everywhere. What a protocol does is then the
host's: the size of a head, deadlines of heads and idle connections, how many connections there may be, framing, TLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from seaway.core.errors import SeawayError
from seaway.serve import http, receive
from seaway.serve.app import App
from seaway.serve.head import Head
from seaway.serve.http import Reply

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Gone(Exception):
    """The caller has left before the body was whole."""


class Asgi:
    """Callable as ASGI 3."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receiving: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        is_unread = receive.is_sent(scope["headers"])
        admitted = self._app.admit(_head(scope))
        if isinstance(admitted, Reply):
            await self._write(send, admitted, receiving if is_unread else None)
            return
        try:
            data = b""
            if admitted.route.method == "POST":
                data = await _body(receiving, self._app.settings.max_body)
                is_unread = False
            waits: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

            def done(reply: Reply) -> None:
                if not waits.done():
                    waits.set_result(reply)

            self._app.answer(admitted, data, done)
            reply = await waits
        except SeawayError as error:
            reply = self._app.refuse(admitted, error)
        except Gone:
            return
        await self._write(send, reply, receiving if is_unread else None)
        if reply.after is not None:
            reply.after()

    async def _write(self, send: Send, reply: Reply, unread: Receive | None) -> None:
        """Send the reply. Where a body is `unread`, the connection ends after what still comes was thrown away."""
        headers = [*reply.headers, *http.SAFE, (b"content-length", b"%d" % len(reply.body))]
        if reply.status == 204:
            headers.pop()
        if unread or self._app.is_draining:
            headers += http.CLOSE
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": unread is not None})
        if unread:
            await _throw_away(unread)
            await send({"type": "http.response.body", "body": b""})


def _head(scope: Scope) -> Head:
    client, server = scope.get("client"), scope.get("server")
    return Head(
        method=scope["method"],
        path=scope["path"],
        is_plain=b"%" not in scope.get("raw_path", b""),
        headers=scope["headers"],
        client=client[0] if client else "",
        server=server[0] if server else "",
    )


async def _body(receiving: Receive, most: int) -> bytes:
    """Read the body whole within its time; raises `TooLarge`, or `BadInput` where it comes too slowly."""
    parts, is_more = bytearray(), True
    try:
        async with asyncio.timeout(receive.RECEIVE_S):
            while is_more:
                message = await receiving()
                if message["type"] == "http.disconnect":
                    raise Gone
                parts += message["body"]
                if len(parts) > most:
                    raise receive.too_large(most)
                is_more = message.get("more_body", False)
    except TimeoutError:
        raise receive.too_slow() from None
    return bytes(parts)


async def _throw_away(receiving: Receive) -> None:
    """Read on for a moment, so that a caller who is still sending gets to see the reply rather than a broken connection."""
    try:
        async with asyncio.timeout(receive.LINGER_S):
            while True:
                message = await receiving()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
