"""Connections of the sync client that stay open between calls, shared by threads: each is one thread's while it is out."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from contextlib import suppress

from seaway.client.address import Address
from seaway.client.policy import Lost, Timeouts
from seaway.client.wire import CHUNK, Call, Reply
from seaway.core import chance

IDLE_S = 50.0
"""Seconds after which an unused connection is no longer trusted; the server closes its own after 75."""


class Pool:
    """At most `most` connections at once. A process forked from this one starts with none of them."""

    def __init__(self, address: Address, timeouts: Timeouts, most: int) -> None:
        self._address, self._timeouts, self._most = address, timeouts, most
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self._most)
        self._idle: list[tuple[float, socket.socket]] = []
        self._is_closed = False

    def send(self, call: Call, until: float) -> Reply | Lost:
        """Send a call once, on a connection that is open already or on a new one."""
        if self._owner != os.getpid():
            for _, connection in self._idle:  # this process's hold on them alone: the parent goes on with its own
                connection.close()
            self._begin()  # a lock anew as well: a thread that is not here may have held the old one
        places = self._places
        if not places.acquire(timeout=max(0.0, until - chance.monotonic())):
            return Lost("every connection is in use; give the client more `connections`", was_sent=False)
        try:
            return self._send(call, until)
        finally:
            places.release()

    def close(self) -> None:
        """Close what is open; calls under way finish first."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for _, connection in idle:
            connection.close()

    def __del__(self) -> None:
        for _, connection in getattr(self, "_idle", ()):  # a client that nobody closed
            connection.close()

    def open_again(self) -> None:
        """Keep connections again after a `close`."""
        self._is_closed = False

    def _send(self, call: Call, until: float) -> Reply | Lost:
        connection = self._kept()
        if connection is None:
            try:
                connection = self._connect(until)
            except (OSError, UnicodeError) as error:
                return Lost(why(error), was_sent=False)
        reply = Reply()
        try:
            failure = self._exchange(connection, call, reply, until)
        except BaseException:  # also Ctrl-C: half a reply must not be read by the next call
            connection.close()
            raise
        if failure is not None or not reply.keeps_alive:
            connection.close()
        else:
            self._keep(connection)
        return failure or reply

    def _exchange(self, connection: socket.socket, call: Call, reply: Reply, until: float) -> Lost | None:
        """Write the call and read its reply; a reply that came while the call was still being written counts."""
        broken: OSError | None = None
        try:
            connection.settimeout(self._left(until))
            connection.sendall(call.written(self._address))
        except TimeoutError:
            return Lost("the server does not read", was_sent=True, is_silent=True)
        except OSError as error:
            broken = error  # the server may have refused it early and closed: its reason can stand in what it sent
        try:
            while not reply.is_whole:
                connection.settimeout(self._left(until))
                data = connection.recv(CHUNK)
                if not data:
                    return Lost(why(broken) if broken else "the connection was closed", was_sent=True)
                reply.feed(data)
        except TimeoutError:
            return Lost("the server was silent for too long", was_sent=True, is_silent=True)
        except OSError as error:
            return Lost(why(broken or error), was_sent=True)
        return None

    def _left(self, until: float) -> float:
        left = min(self._timeouts.read_s, until - chance.monotonic())
        if left <= 0:
            raise TimeoutError
        return left

    def _connect(self, until: float) -> socket.socket:
        left = min(self._timeouts.connect_s, until - chance.monotonic())
        if left <= 0:
            raise TimeoutError("no time is left to connect")
        connection = socket.create_connection((self._address.host, self._address.port), timeout=left)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._address.context is None:
                return connection
            return self._address.context.wrap_socket(connection, server_hostname=self._address.host)
        except BaseException:
            connection.close()
            raise

    def _kept(self) -> socket.socket | None:
        """Return the connection used last that is still good: nothing to read, so neither closed nor out of step."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if chance.monotonic() - since < IDLE_S and not _has_news(connection):
                return connection
            with suppress(OSError):
                connection.close()

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append((chance.monotonic(), connection))
                return
        connection.close()


def _has_news(connection: socket.socket) -> bool:
    """Say whether an idle connection has something to read: its end, as a rule."""
    look = select.poll()
    look.register(connection, select.POLLIN)
    return bool(look.poll(0))


def why(error: Exception) -> str:
    """Say in words why a connection failed, without the library's own dressing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or 'the other side does not speak it'}"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, UnicodeError):
        return "the host's name is not one"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
