"""A project's models inside an ASGI host: opened at the host's start, closed at its end, following the registry in between.

Keys, rights, names of hosts, limits of bodies and of what they hold are kept as at home, and every answer is in the log. The
size of heads, deadlines, caps on connections, framing, TLS and draining are the host's. Each process of the host is a worker.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

from seaway.core import extend
from seaway.core.durable import make_folder
from seaway.core.errors import SeawayError, Unavailable
from seaway.core.settings import ServeSettings
from seaway.security import proven
from seaway.security.sign import TrustFolder
from seaway.serve.asgi import Asgi, Receive, Scope, Send
from seaway.serve.desk import Desk
from seaway.serve.segments import free_worker

FIRST, COUNT = 1000, 1000
"""Numbers of the workers that live in hosts; those of `seaway serve` count from 0."""


class Mounted:
    """Callable as ASGI 3, with the lifespan protocol, which the host has to speak."""

    def __init__(self, state: Path, settings: ServeSettings, *, source: str = "registry") -> None:
        self._state, self._settings, self._source = state, settings, source
        self._asgi: Asgi | None = None
        self._trouble = ""

    async def __call__(self, scope: Scope, receiving: Receive, send: Send) -> None:
        """Answer one request, or live with the host."""
        if scope["type"] == "lifespan":
            await self._live(receiving, send)
            return
        if self._asgi is None:
            raise Unavailable(
                "The host has not started this application",
                where="lifespan",
                fix='Have the host speak the lifespan protocol: with uvicorn, --lifespan "on".',
                code="not-ready",
            )
        await self._asgi(scope, receiving, send)

    async def _live(self, receiving: Receive, send: Send) -> None:
        await receiving()
        try:
            async with self._opened() as desk:
                self._asgi = Asgi(desk.app)
                await send({"type": "lifespan.startup.complete"})
                await receiving()
                self._asgi = None
        except SeawayError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Desk]:
        make_folder(self._state / "serving")
        keys = self._state / "keys"
        prove = functools.partial(
            proven.prove,
            keys=keys,
            proven=self._state / "proven",
            memory=self._settings.load_memory,
            seconds=self._settings.load_s,
        )
        with free_worker(self._state / "log", FIRST, COUNT) as worker:
            source = extend.load("source", self._source)(self._state)
            desk = Desk(self._state, worker, self._settings, source, TrustFolder(keys), keys=keys, prove=prove)

            def lost() -> None:
                desk.standing.is_draining = True  # the host's balancer sees it; whether to go on is the host's matter

            await desk.open(desk.tell, lost)
            try:
                yield desk
            finally:
                await desk.close()
