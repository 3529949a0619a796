"""The door of one worker to the network: its connections, how many there may be, and the clock that ends slow ones."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from email.utils import formatdate
from http import HTTPStatus

from seaway.core import chance
from seaway.security import access
from seaway.serve import http
from seaway.serve.app import App, Known, Sought
from seaway.serve.connection import Connection
from seaway.serve.head import Head
from seaway.serve.http import Headers
from seaway.serve.messages import Message

LOOK_S = 0.25
"""Seconds between two looks at slow connections, and the error of every deadline."""

BACKLOG = 2048
BODIES = 256 << 20
"""Bytes that bodies which are not whole may take in all."""

HEADS, LONGEST_HEAD = 1024, 4096
"""Heads that are known by heart, and the bytes of one."""

LINES = {one.value: b"HTTP/1.1 %d %s\r\n" % (one.value, one.phrase.encode()) for one in HTTPStatus}


class Listener:
    """Accepts connections from a socket until told to drain; of the event loop's thread."""

    def __init__(self, app: App, *, tls: ssl.SSLContext | None = None) -> None:
        self.app = app
        self._tls = tls
        self._connections: set[Connection] = set()
        self._sources: Counter[str] = Counter()
        self._held = 0
        self.heads: dict[tuple[str, bytes], Known] = {}
        """Known heads by the address they came to and their bytes. What a head means depends on nothing else."""
        self._prefixes: dict[tuple[int, Headers], bytes] = {}
        self._second, self._ok = 0, b""
        self._tell_time()
        self.is_draining = False
        self.loop: asyncio.AbstractEventLoop
        self._servers: list[asyncio.Server] = []

    now = staticmethod(chance.monotonic)

    async def open(self, *sockets: socket.socket) -> None:
        """Listen."""
        self.loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(
                await self.loop.create_server(lambda: Connection(self), sock=one, ssl=self._tls, backlog=BACKLOG)
            )
        self._look()

    async def close(self, grace_s: float, finish_s: float) -> None:
        """Close the door, answer what had come in by then, and end."""
        for server in self._servers:
            server.close()
        await asyncio.sleep(grace_s)
        self.is_draining = True
        until = self.now() + finish_s
        while self._connections and self.now() < until:
            for one in list(self._connections):
                one.drain()
            await asyncio.sleep(0.01)
        for one in list(self._connections):
            one.abort()
        self._timer.cancel()

    # --------------------------------------------------------------------------------------------- connections

    def enter(self, one: Connection) -> bool:
        """Take a connection in, or say that there are too many, in all or from its source."""
        settings = self.app.settings
        self._connections.add(one)
        self._sources[one.client] += 1
        if len(self._connections) > settings.connections:
            return False
        return access.is_loopback(one.client) or self._sources[one.client] <= settings.connections_per_source

    def leave(self, one: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(one)
        self._sources[one.client] -= 1
        if self._sources[one.client] <= 0:
            del self._sources[one.client]

    def remember(self, data: bytes, message: Message, head: Head) -> None:
        """Know a head from now on, where the body behind it has a stated length and nothing else is to be done about it."""
        end = data.find(b"\r\n\r\n") + 4
        raw = data[:end]
        if not (raw.startswith(b"POST ") and message.method == "POST" and end <= LONGEST_HEAD):
            return
        if message.waits or message.is_old or not message.keeps or raw.count(b"\n") != raw.count(b"\r\n"):
            return
        lengths = [value for name, value in message.headers if name == b"content-length"]
        sought = self.app.seek(head)
        if len(lengths) != 1 or not lengths[0].isdigit() or not isinstance(sought, Sought):
            return
        if any(name in (b"transfer-encoding", b"upgrade") for name, _ in message.headers):
            return
        if len(self.heads) >= HEADS:
            self.heads.clear()
        self.heads[head.server, raw] = Known(message, sought, int(lengths[0]))

    def hold(self, size: int) -> bool:
        """Take room for a part of a body, or say that there is none."""
        if self._held + size > max(BODIES, self.app.settings.max_body):
            return False
        self._held += size
        return True

    def release(self, size: int) -> None:
        """Give room back."""
        self._held -= size

    # ------------------------------------------------------------------------------------------------- replies

    def prefix(self, status: int, headers: Headers) -> bytes:
        """Return a reply's first lines, which are the same for a second; the date is of the last look at the clock."""
        if status == 200 and headers is http.JSON:
            return self._ok
        return self._prefix(status, headers)

    def _prefix(self, status: int, headers: Headers) -> bytes:
        known = self._prefixes.get((status, headers))
        if known is None:
            lines = [LINES[status], b"date: %s\r\n" % formatdate(self._second, usegmt=True).encode()]
            lines += [b"%s: %s\r\n" % header for header in (*headers, *http.SAFE)]
            known = self._prefixes[status, headers] = b"".join(lines)
        return known

    def _tell_time(self) -> None:
        second = int(chance.now())
        if second != self._second:
            self._second = second
            self._prefixes.clear()
            self._ok = self._prefix(200, http.JSON)

    def _look(self) -> None:
        self._tell_time()
        now = self.now()
        for one in list(self._connections):
            one.look(now)
        self._timer = self.loop.call_later(LOOK_S, self._look)
