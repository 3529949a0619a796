"""The server as a bare ASGI application: guards, body, route, reply. It runs under any ASGI server."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from seaway.core import chance
from seaway.core.errors import BadInput, Denied, SeawayError, TooLarge
from seaway.core.settings import ServeSettings
from seaway.security import access
from seaway.serve import http, v2
from seaway.serve.http import Headers, Reply
from seaway.serve.routes import Ask, Found, Route, Server, Table

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

RECEIVE_S, LINGER_S = 10.0, 1.0
"""Seconds in which a body must arrive whole; seconds in which a refused one may still be sent and thrown away."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")

_log = logging.getLogger("seaway.serve")


class App:
    """Callable as ASGI 3. Making one fails where a route has no access rule."""

    def __init__(self, server: Server, settings: ServeSettings, table: Table | None = None) -> None:
        self._server, self._settings = server, settings
        self._table = table or Table()
        self._known_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error always leaves as a reply of the stated form."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        started = chance.monotonic()
        route = None
        try:
            found = self._found(scope, path)
            route = found.methods.get(_method(scope)) or self._other_method(scope, found)
            access.require(route.operation, access.LOCAL, found.model)
            data = await self._body(scope, receive) if route.method == "POST" else b""
            started = chance.monotonic()
            reply = await route.call(self._server, Ask(data, found.model, found.version, access.LOCAL.name))
        except SeawayError as error:
            reply = self._refused(error)
        except _Allowed as allowed:
            reply = allowed.reply
        except _Gone:
            return
        except Exception:  # noqa: BLE001 - a fault of ours must neither kill the connection nor show its inside
            _log.exception("A request could not be answered")
            reply = Reply(500, INTERNAL)
        if path.startswith("/v2") and reply.status >= 400 and b'"error"' in reply.body[:9]:
            reply = v2.refused(reply)
        try:
            await self._write(scope, receive, send, reply)
        finally:
            name = route.path if route else "none"
            seconds = chance.monotonic() - started
            self._server.handlers.tally.request(name, reply.status, reply.model, reply.release, seconds)
        if reply.after is not None:
            reply.after()

    # ------------------------------------------------------------------------------------------------- guards

    def _found(self, scope: Scope, path: str) -> Found:
        self._guard(scope["headers"])
        found = self._table.find(path)
        if found is None:
            raise BadInput(
                f"There is nothing at {path[:200]!r}",
                where="/v1",
                fix="GET /openapi.json lists what there is.",
                code="not-found",
            )
        return found

    def _guard(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep other sites away from a server on loopback: a browser sends their name as Host or Origin (DNS rebinding)."""
        host = b""
        for name, value in headers:
            if name == b"host":
                host = value
            elif name == b"origin" and not access.is_loopback(urlsplit(value.decode("latin-1")).hostname or ""):
                raise _foreign("Origin")
            elif name == b"sec-fetch-site" and value == b"cross-site":
                raise _foreign("Sec-Fetch-Site")
        if host not in self._known_hosts:
            if not access.is_loopback(_host_name(host)):
                raise _foreign("Host")
            if len(self._known_hosts) < 64:
                self._known_hosts.add(host)

    def _other_method(self, scope: Scope, found: Found) -> Route:
        """Say which methods there are: to OPTIONS as asked, to any other as an error."""
        allow = sorted({*found.methods, "OPTIONS", *(("HEAD",) if "GET" in found.methods else ())})
        header: Headers = ((b"allow", ", ".join(allow).encode()),)
        if scope["method"] == "OPTIONS":
            raise _Allowed(Reply(204, b"", header))
        error = BadInput(
            f"The method {scope['method'][:20]!r} does nothing here",
            where=scope["path"],
            fix=f"Use {' or '.join(allow)}.",
            code="method-not-allowed",
        )
        raise _Allowed(http.refusal(error, header))

    # --------------------------------------------------------------------------------------------------- body

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body, refusing what is not JSON or too large before and while it comes."""
        length = 0
        kind = encoding = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = int(value)
            elif name == b"content-encoding":
                encoding = value
        _refuse_media(kind, encoding)
        if length > self._settings.max_body:
            raise self._too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        if not message.get("more_body", False):
            return self._whole(message["body"])
        try:
            async with asyncio.timeout(RECEIVE_S):
                return await self._rest(receive, message["body"])
        except TimeoutError:
            raise BadInput(
                f"The body did not arrive within {RECEIVE_S:.0f} s",
                where="body",
                fix="Send it faster.",
                code="too-slow",
            ) from None

    async def _rest(self, receive: Receive, first: bytes) -> bytes:
        parts, size, is_more = [first], len(first), True
        while is_more:
            if size > self._settings.max_body:
                raise self._too_large()
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            parts.append(message["body"])
            size += len(message["body"])
            is_more = message.get("more_body", False)
        return self._whole(b"".join(parts))

    def _whole(self, data: bytes) -> bytes:
        if len(data) > self._settings.max_body:
            raise self._too_large()
        return data

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than {self._settings.max_body} bytes",
            where="body",
            fix="Send fewer rows per request; the limit is the server's setting serve.max_body.",
        )

    # -------------------------------------------------------------------------------------------------- reply

    def _refused(self, error: SeawayError) -> Reply:
        if http.status_of(error) >= 500:
            _log.warning("Not answered: %s", error)
        return http.refusal(error)

    async def _write(self, scope: Scope, receive: Receive, send: Send, reply: Reply) -> None:
        """Send the reply. Where the body was not read, the connection ends after what still comes was thrown away."""
        is_unread = reply.status in (408, 413, 415) or (reply.status in (403, 404, 405) and _has_body(scope))
        headers = [*reply.headers, *http.SAFE, (b"content-length", b"%d" % len(reply.body))]
        if reply.status == 204:
            headers.pop()
        if is_unread or self._server.standing.is_draining:
            headers += http.CLOSE
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": is_unread})
        if is_unread:
            await _throw_away(receive)
            await send({"type": "http.response.body", "body": b""})


INTERNAL = (
    b'{"error":{"code":"internal","message":"The server made a mistake","path":"",'
    b'"fix":"Try again; if it lasts, ask the operator of the server."}}'
)


class _Gone(Exception):
    """The caller has left before the body was whole."""


class _Allowed(Exception):
    """Carries the reply to a method that a path does not have."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def _method(scope: Scope) -> str:
    return "GET" if scope["method"] == "HEAD" else str(scope["method"])


def _host_name(host: bytes) -> str:
    """Return the name of a Host header without its port; empty for what is no host and port."""
    found = _HOST.fullmatch(host.decode("latin-1"))
    return found[1].lower() if found else ""


def _foreign(header: str) -> Denied:
    return Denied(
        "This server answers only to this machine",
        where=f"header {header}",
        fix="Ask it as http://127.0.0.1 or http://localhost, and not from a page of another site.",
        code="foreign-site",
    )


def _refuse_media(kind: bytes, encoding: bytes) -> None:
    if kind.split(b";", 1)[0].strip().lower() != b"application/json":
        raise BadInput(
            f"The content type is {kind[:80].decode('latin-1') or 'not given'!r}",
            where="header Content-Type",
            fix='Send JSON with the header "Content-Type: application/json".',
            code="unsupported-media-type",
        )
    if encoding and encoding.strip().lower() != b"identity":
        raise BadInput(
            "The body is compressed",
            where="header Content-Encoding",
            fix="Send it as it is.",
            code="unsupported-media-type",
        )


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def _throw_away(receive: Receive) -> None:
    """Read on for a moment, so that a caller who is still sending gets to see the reply rather than a broken connection."""
    try:
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
