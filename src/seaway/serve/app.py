"""The server as a bare ASGI application: guards, body, route, reply. It runs under any ASGI server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from seaway.core import chance
from seaway.core.errors import BadInput, SeawayError
from seaway.core.settings import ServeSettings
from seaway.security import access
from seaway.security.access import Principal
from seaway.serve import http, receive, v2
from seaway.serve.guard import Guard
from seaway.serve.http import Headers, Reply
from seaway.serve.routes import Ask, Found, Route, Server, Table

Scope = Mapping[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("seaway.serve")


class App:
    """Callable as ASGI 3. Making one fails where a route has no access rule."""

    def __init__(self, server: Server, settings: ServeSettings, table: Table | None = None) -> None:
        self._server, self._settings = server, settings
        self._table = table or Table()
        self._guard = Guard(settings.hosts)

    async def __call__(self, scope: Scope, receiving: receive.Receive, send: Send) -> None:
        """Answer one request; an error always leaves as a reply of the stated form."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        started = chance.monotonic()
        route = None
        is_unread = receive.is_sent(scope["headers"])
        try:
            shown = self._guard.check(scope)
            is_plain = b"%" not in scope.get("raw_path", b"")  # no name needs an escape: it would go by another path
            found = self._table.find(path) if is_plain else None
            route = found.methods.get(_method(scope)) if found else None
            principal = self._principal(scope, route, shown)
            if found is None or route is None:
                raise self._nothing(scope, found)
            model = self._permitted(route, principal, found.model)
            data = b""
            if route.method == "POST":
                data = await receive.body(scope["headers"], receiving, self._settings.max_body)
                is_unread = False
            started = chance.monotonic()
            reply = await route.call(self._server, Ask(data, model, found.version, principal))
        except SeawayError as error:
            reply = self._refused(error)
        except _Allowed as allowed:
            reply = allowed.reply
        except receive.Gone:
            return
        except Exception:  # noqa: BLE001 - a fault of ours must neither kill the connection nor show its inside
            _log.exception("A request could not be answered")
            reply = Reply(500, INTERNAL)
        if path.startswith("/v2") and reply.status >= 400 and b'"error"' in reply.body[:9]:
            reply = v2.refused(reply)
        try:
            await self._write(send, reply, receiving if is_unread else None)
        finally:
            name = route.path if route else "none"
            seconds = chance.monotonic() - started
            self._server.handlers.tally.request(name, reply.status, reply.model, reply.release, seconds)
        if reply.after is not None:
            reply.after()

    # ------------------------------------------------------------------------------------------------- guards

    def _principal(self, scope: Scope, route: Route | None, shown: bytes | None) -> Principal:
        """Return who asks. Before that is known, nothing tells which paths and methods there are."""
        client = scope.get("client")
        address = client[0] if client else ""
        if route is not None and access.is_open(route.operation):
            return self._server.door.known(shown, address)
        return self._server.door.enter(shown, address)

    def _permitted(self, route: Route, principal: Principal, model: str) -> str:
        """Return the model that is asked about, once it is known that the principal may.

        Where the path names none, the only model served is meant. A caller whose rights hold for some models is held to that
        one from here on, whatever is served when the body has come.
        """
        if model or principal.models is None or access.OPERATIONS[route.operation].about != "model":
            access.require(route.operation, principal, model)
            return model
        served = self._server.handlers.models
        only = served[""].model if len(served.by_name) < 2 else ""
        access.require(route.operation, principal, only)
        return only

    def _nothing(self, scope: Scope, found: Found | None) -> Exception:
        """Return what says that there is no such path, or which methods there are: to OPTIONS as asked, else as an error."""
        if found is None:
            return BadInput(
                f"There is nothing at {scope['path'][:200]!r}",
                where="/v1",
                fix="GET /openapi.json lists what there is.",
                code="not-found",
            )
        allow = sorted({*found.methods, "OPTIONS", *(("HEAD",) if "GET" in found.methods else ())})
        header: Headers = ((b"allow", ", ".join(allow).encode()),)
        if scope["method"] == "OPTIONS":
            return _Allowed(Reply(204, b"", header))
        error = BadInput(
            f"The method {scope['method'][:20]!r} does nothing here",
            where=scope["path"],
            fix=f"Use {' or '.join(allow)}.",
            code="method-not-allowed",
        )
        return _Allowed(http.refusal(error, header))

    # -------------------------------------------------------------------------------------------------- reply

    def _refused(self, error: SeawayError) -> Reply:
        if http.status_of(error) >= 500:
            _log.warning("Not answered: %s", error)
        return http.refusal(error)

    async def _write(self, send: Send, reply: Reply, unread: receive.Receive | None) -> None:
        """Send the reply. Where a body is `unread`, the connection ends after what still comes was thrown away."""
        headers = [*reply.headers, *http.SAFE, (b"content-length", b"%d" % len(reply.body))]
        if reply.status == 204:
            headers.pop()
        if unread or self._server.standing.is_draining:
            headers += http.CLOSE
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": unread is not None})
        if unread:
            await receive.throw_away(unread)
            await send({"type": "http.response.body", "body": b""})


INTERNAL = (
    b'{"error":{"code":"internal","message":"The server made a mistake","path":"",'
    b'"fix":"Try again; if it lasts, ask the operator of the server."}}'
)


class _Allowed(Exception):
    """Carries the reply to a method that a path does not have."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def _method(scope: Scope) -> str:
    return "GET" if scope["method"] == "HEAD" else str(scope["method"])
