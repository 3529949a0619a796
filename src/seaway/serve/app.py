"""The server free of any protocol: guards, right, route, reply. `connection.py` speaks HTTP/1.1 to it, `asgi.py` ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from seaway.core import chance
from seaway.core.errors import BadInput, SeawayError, Unavailable
from seaway.core.settings import ServeSettings
from seaway.security import access
from seaway.security.access import Principal
from seaway.serve import http, receive, v2
from seaway.serve.door import Held
from seaway.serve.guard import Guard
from seaway.serve.head import Head
from seaway.serve.http import Headers, Reply
from seaway.serve.messages import Message
from seaway.serve.routes import Admitted, Ask, Found, Route, Server, Table

_log = logging.getLogger("seaway.serve")


class Sought(NamedTuple):
    """What a head asks for, whoever sends it: the doors of its path, the door, and the key shown. The same for the same head."""

    found: Found | None
    route: Route | None
    shown: bytes | None
    method: str
    path: str


class Known:
    """A head that was read and admitted once: most callers repeat theirs byte for byte.

    What it asks for stays the same; who may is asked anew as soon as the door or the caller's rights could say otherwise.
    """

    __slots__ = ("admitted", "held", "message", "size", "sought", "version")

    def __init__(self, message: Message, sought: Sought, size: int) -> None:
        self.message, self.sought, self.size = message, sought, size
        self.admitted: Admitted | None = None
        self.held: Held | None = None
        self.version = -1


class App:
    """What every request goes through, free of any protocol: `admit` its head, then `answer` it with its body.

    Called from the event loop's thread. Making one fails where a route has no access rule.
    """

    def __init__(self, server: Server, settings: ServeSettings, table: Table | None = None) -> None:
        self._server, self.settings = server, settings
        self._table = table or Table()
        self._guard = Guard(settings.hosts)
        self._tally = server.handlers.tally
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0

    @property
    def is_draining(self) -> bool:
        """Say whether each reply is to be a connection's last."""
        return self._server.standing.is_draining

    def admit(self, head: Head) -> Admitted | Reply:
        """Hold a request's head to all that can be known without its body; an error is a reply of the stated form."""
        started = chance.monotonic()
        sought = self.seek(head)
        if isinstance(sought, Reply):
            return self._counted(sought, None, head.path, started)
        admitted = self.permit(sought, head.client)
        if isinstance(admitted, Admitted) and admitted.route.method == "POST":
            try:
                receive.refuse_announced(head.headers, self.settings.max_body)
            except SeawayError as error:
                return self._counted(self._refused(error), admitted.route, head.path, started)
        return admitted

    def seek(self, head: Head) -> Sought | Reply:
        """Hold a head to what does not depend on who sends it, or when."""
        try:
            shown = self._guard.check(head)
        except SeawayError as error:
            return self._refused(error)
        found = self._table.find(head.path) if head.is_plain else None  # no name needs an escape
        route = found.methods.get("GET" if head.method == "HEAD" else head.method) if found else None
        return Sought(found, route, shown, head.method, head.path)

    def permit_again(self, known: Known, client: str) -> Admitted | Reply:
        """Find out whether who sent a known head before still may."""
        door = self._server.door
        if known.admitted is not None and known.version == door.version and door.again(known.held):
            return known.admitted
        found = self.permit(known.sought, client)
        known.admitted = None
        # What a principal with rights for some models may depends on what is served, where the path names no model.
        if isinstance(found, Admitted) and found.principal.models is None and not access.is_open(found.route.operation):
            known.admitted, known.version = found, door.version
            known.held = door.held(known.sought.shown, client)
        return found

    def permit(self, sought: Sought, client: str) -> Admitted | Reply:
        """Find out who asks and whether they may, now."""
        started = chance.monotonic()
        found, route = sought.found, sought.route
        try:
            principal = self._principal(client, route, sought.shown)
            if found is None or route is None:
                raise self._nothing(sought)
            return Admitted(
                route, self._permitted(route, principal, found.model), found.version, principal, sought.path
            )
        except SeawayError as error:
            reply = self._refused(error)
        except _Allowed as allowed:
            reply = allowed.reply
        except Exception:  # noqa: BLE001 - a fault of ours must neither kill the connection nor show its inside
            _log.exception("A request could not be answered")
            reply = Reply(500, http.INTERNAL)
        return self._counted(reply, route, sought.path, started)

    def answer(self, admitted: Admitted, data: bytes, done: Callable[[Reply], None]) -> None:
        """Answer an admitted request; an error is a reply of the stated form. `done` gets it once, in a later turn of the loop."""
        route, started = admitted.route, chance.monotonic()
        loop = asyncio.get_running_loop()
        if self._busy >= self.settings.busy:
            loop.call_soon(done, self._counted(http.refusal(_busy()), route, admitted.path, started))
            return
        self._busy += 1

        told = partial(self._told, route, admitted.path, started, done)
        try:
            if route.soon is not None and route.soon(self._server, admitted, data, told):
                return
        except SeawayError as error:
            loop.call_soon(told, self._refused(error))
            return
        except Exception:  # noqa: BLE001 - a fault of ours must neither kill the connection nor show its inside
            _log.exception("A request could not be answered")
            loop.call_soon(told, Reply(500, http.INTERNAL))
            return
        ask = Ask(data, admitted.model, admitted.version, admitted.principal)
        task = loop.create_task(self._call(route, ask, told))
        self._tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    def _told(self, route: Route, path: str, started: float, done: Callable[[Reply], None], reply: Reply) -> None:
        self._busy -= 1
        if reply.status >= 400:
            reply = self._counted(reply, route, path, started)
        else:
            self._tally.request(route.path, reply.status, reply.model, reply.release, chance.monotonic() - started)
        done(reply)

    async def _call(self, route: Route, ask: Ask, done: Callable[[Reply], None]) -> None:
        try:
            reply = await route.call(self._server, ask)
        except SeawayError as error:
            reply = self._refused(error)
        except Exception:  # noqa: BLE001 - nor here, and the caller must get a reply
            _log.exception("A request could not be answered")
            reply = Reply(500, http.INTERNAL)
        done(reply)

    def refuse(self, admitted: Admitted, error: SeawayError) -> Reply:
        """Return the reply to an admitted request whose body did not come as it has to."""
        return self._counted(self._refused(error), admitted.route, admitted.path, chance.monotonic())

    def _counted(self, reply: Reply, route: Route | None, path: str, started: float) -> Reply:
        """Count a reply, and give an error the form of the protocol that was asked in."""
        if reply.status >= 400 and path.startswith("/v2") and b'"error"' in reply.body[:9]:
            reply = v2.refused(reply)
        name = route.path if route else "none"
        seconds = chance.monotonic() - started
        self._tally.request(name, reply.status, reply.model, reply.release, seconds)
        return reply

    # ------------------------------------------------------------------------------------------------- guards

    def _principal(self, client: str, route: Route | None, shown: bytes | None) -> Principal:
        """Return who asks. Before that is known, nothing tells which paths and methods there are."""
        if route is not None and access.is_open(route.operation):
            return self._server.door.known(shown, client)
        return self._server.door.enter(shown, client)

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

    def _nothing(self, sought: Sought) -> Exception:
        """Return what says that there is no such path, or which methods there are: to OPTIONS as asked, else as an error."""
        found = sought.found
        if found is None:
            return BadInput(
                f"There is nothing at {sought.path[:200]!r}",
                where="/v1",
                fix="GET /openapi.json lists what there is.",
                code="not-found",
            )
        allow = sorted({*found.methods, "OPTIONS", *(("HEAD",) if "GET" in found.methods else ())})
        header: Headers = ((b"allow", ", ".join(allow).encode()),)
        if sought.method == "OPTIONS":
            return _Allowed(Reply(204, b"", header))
        error = BadInput(
            f"The method {sought.method[:20]!r} does nothing here",
            where=sought.path,
            fix=f"Use {' or '.join(allow)}.",
            code="method-not-allowed",
        )
        return _Allowed(http.refusal(error, header))

    def _refused(self, error: SeawayError) -> Reply:
        if http.status_of(error) >= 500:
            _log.warning("Not answered: %s", error)
        return http.refusal(error)


def _busy() -> Unavailable:
    return Unavailable(
        "The server is busy with as many requests as it takes at once",
        where="server",
        fix="Ask again in a moment.",
        code="overloaded",
    )


class _Allowed(Exception):
    """Carries the reply to a method that a path does not have."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply
