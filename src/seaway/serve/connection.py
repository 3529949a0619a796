"""One connection: messages in, replies out in the order they were asked for, each within its time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from seaway.core.errors import SeawayError, Unavailable
from seaway.serve import http, receive
from seaway.serve.head import Head
from seaway.serve.http import Reply
from seaway.serve.messages import Message, Parser, Refused
from seaway.serve.routes import Admitted

if TYPE_CHECKING:
    from seaway.serve.listener import Listener

HEAD_S, WRITE_S, IDLE_S = 10.0, 10.0, 75.0
"""Seconds for a head to come whole, for a caller to take what was sent, and between two requests."""

AHEAD = 32
"""Requests that may wait behind the one being answered before nothing more is read."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
END = b"\r\n\r\n"


class Exchange:
    """One request and its reply."""

    __slots__ = ("admitted", "is_whole", "message", "parts", "reply", "size")

    def __init__(self, message: Message | None, admitted: Admitted | None, reply: Reply | None) -> None:
        self.message, self.admitted, self.reply = message, admitted, reply
        self.parts: list[bytes] = []
        self.size = 0
        self.is_whole = False


class Connection(asyncio.Protocol):
    """A caller's connection; of the event loop's thread."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._app = listener.app
        self._parser = Parser(self)
        self._queue: deque[Exchange] = deque()
        self._transport: asyncio.Transport
        self.client = self._server = ""
        self._fresh = b""
        """What is being read, as long as no message has begun in it."""
        self._is_answering = self._is_stuck = self._is_ending = self._is_held_back = False
        self._since = 0.0
        """When what is waited for began: a head, a body, the next request, the caller who takes nothing."""

    # ---------------------------------------------------------------------------------------------- transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, or turn it away where there are too many."""
        self._transport = transport
        self.client, self._server = _address(transport, "peername"), _address(transport, "sockname")
        self._since = self._listener.now()
        if not self._listener.enter(self):
            self._is_ending = True
            self._send(http.refusal(_crowded()), is_last=True)
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget what was not begun; what is being answered is answered and logged, and goes nowhere."""
        self._is_ending = True
        for exchange in self._queue:
            self._let_go(exchange)
        self._queue.clear()
        self._listener.leave(self)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if self._is_ending and not self._is_lingering:
            return
        if self._parser.is_between and not self._queue:
            self._since = self._listener.now()
            if self._is_known(data):
                return
        self._fresh = data if self._parser.is_between else b""
        try:
            self._parser.feed(data)
        except Refused as refused:
            self._break(refused.error)
        self._fresh = b""
        if len(self._queue) > AHEAD and not self._is_held_back:
            self._is_held_back = True
            self._transport.pause_reading()

    def _is_known(self, data: bytes) -> bool:
        """Answer a whole message whose head was read before, byte for byte: most callers repeat theirs."""
        end = data.find(END) + len(END)
        known = self._listener.heads.get((self._server, data[:end]))
        if known is None or len(data) != end + known.size:
            return False
        admitted = self._app.permit_again(known, self.client)
        is_refused = admitted.__class__ is Reply
        exchange = Exchange(known.message, None, admitted) if is_refused else Exchange(known.message, admitted, None)  # type: ignore[arg-type]
        exchange.is_whole = self._parser.has_read = True
        self._queue.append(exchange)
        if is_refused or self._is_stuck:
            exchange.parts = [data[end:]]
            self._go_on()
        else:
            self._is_answering = True
            self._app.answer(admitted, data[end:], self._answered)  # type: ignore[arg-type]
        return True

    def pause_writing(self) -> None:
        """Answer nothing more until the caller takes what was sent."""
        self._is_stuck, self._since = True, self._listener.now()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_stuck, self._since = False, self._listener.now()
        self._go_on()

    # ----------------------------------------------------------------------------------------------- messages

    def began(self, message: Message) -> None:
        """Take a head: what can be refused without its body is refused now."""
        if self._is_ending:
            return
        head = Head(message.method, message.path, message.is_plain, message.headers, self.client, self._server)
        found = self._app.admit(head)
        fresh, self._fresh = self._fresh, b""
        if fresh and isinstance(found, Admitted):
            self._listener.remember(fresh, message, head)
        exchange = Exchange(message, None, found) if isinstance(found, Reply) else Exchange(message, found, None)
        self._queue.append(exchange)
        self._since = self._listener.now()
        # A refusal ends the connection where a body is still to come; without one, the message is whole in a moment.
        if (exchange.reply is not None and message.has_body) or (message.waits and len(self._queue) == 1):
            self._go_on()

    def part(self, data: bytes) -> None:
        """Take a part of a body, as long as it may be taken."""
        if self._is_ending:
            return
        exchange = self._queue[-1]
        if exchange.admitted is None or exchange.reply is not None:
            return
        most = self._app.settings.max_body
        if exchange.size + len(data) > most:
            self._refuse(exchange, receive.too_large(most))
        elif self._listener.hold(len(data)):
            exchange.size += len(data)
            exchange.parts.append(data)
        else:
            self._refuse(exchange, _crowded())

    def ended(self) -> None:
        """Know that the newest message is whole."""
        if self._is_ending:
            if self._is_lingering:
                self._transport.close()
            return
        self._queue[-1].is_whole = True
        if len(self._queue) == 1:
            self._go_on()

    def _refuse(self, exchange: Exchange, error: SeawayError) -> None:
        assert exchange.admitted is not None
        self._let_go(exchange)
        exchange.reply = self._app.refuse(exchange.admitted, error)
        self._go_on()

    def _break(self, error: SeawayError) -> None:
        """Say no to a broken message in its turn, and read nothing more."""
        if self._is_ending:
            self._transport.close()
            return
        newest = self._queue[-1] if self._queue else None
        if newest is None or newest.is_whole:
            newest = Exchange(None, None, None)
            self._queue.append(newest)
        self._let_go(newest)
        newest.reply, newest.message = newest.reply or http.refusal(error), None
        newest.is_whole = True
        self._transport.pause_reading()
        self._is_held_back = True
        self._go_on()

    # ------------------------------------------------------------------------------------------------ replies

    def _go_on(self) -> None:
        """Answer what is first in line, as long as something can be answered."""
        while self._queue and not (self._is_answering or self._is_stuck or self._is_ending):
            first = self._queue[0]
            if first.reply is not None:
                self._write(first, first.reply)
            elif first.is_whole:
                self._begin(first)
            else:
                if first.message is not None and first.message.waits and not first.parts:
                    self._transport.write(CONTINUE)
                    first.message = first.message._replace(waits=False)
                return

    def _begin(self, exchange: Exchange) -> None:
        assert exchange.admitted is not None
        data = exchange.parts[0] if len(exchange.parts) == 1 else b"".join(exchange.parts)
        self._let_go(exchange)
        self._is_answering = True
        self._app.answer(exchange.admitted, data, self._answered)

    def _answered(self, reply: Reply) -> None:
        self._is_answering = False
        if not self._queue or self._is_ending:
            return
        first = self._queue[0]
        first.reply = reply
        if self._is_stuck:
            return
        self._write(first, reply)
        if self._queue:
            self._go_on()

    def _write(self, exchange: Exchange, reply: Reply) -> None:
        """Send a reply; a connection whose next message cannot be told from the rest of this one ends with it."""
        self._queue.popleft()
        message = exchange.message
        if (
            reply.status == 200
            and exchange.is_whole
            and message is not None
            and message.is_usual
            and not self._listener.is_draining
        ):
            first, body = self._listener.prefix(200, reply.headers), reply.body
            self._transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (first, len(body), body))
            self._wrote(reply)
            return
        is_unread = not exchange.is_whole and message is not None and message.has_body
        is_refused = exchange.admitted is None and message is not None and message.has_body
        is_last = message is None or not message.keeps or is_unread or is_refused or self._listener.is_draining
        is_headless = message is not None and message.method == "HEAD"
        self._send(reply, is_last=is_last, is_old=message is not None and message.is_old, is_headless=is_headless)
        self._wrote(reply)
        if is_last:
            self._end(exchange if is_unread else None)

    def _wrote(self, reply: Reply) -> None:
        self._since = self._listener.now()
        if reply.after is not None:
            reply.after()
        if self._is_held_back and len(self._queue) < AHEAD // 4:
            self._is_held_back = False
            self._transport.resume_reading()

    def _send(self, reply: Reply, *, is_last: bool, is_old: bool = False, is_headless: bool = False) -> None:
        lines = [self._listener.prefix(reply.status, reply.headers)]
        if reply.status != 204:
            lines.append(b"content-length: %d\r\n" % len(reply.body))
        if is_last:
            lines.append(b"connection: close\r\n")
        elif is_old:
            lines.append(b"connection: keep-alive\r\n")
        lines.append(b"\r\n" if is_headless else b"\r\n" + reply.body)
        self._transport.write(b"".join(lines))

    def _end(self, unread: Exchange | None) -> None:
        """Close; where a body still comes, a moment later, so that a caller who sends gets to see the reply."""
        self._is_ending = True
        for exchange in self._queue:
            self._let_go(exchange)
        self._queue.clear()
        if unread is None:
            self._transport.close()
            return
        self._queue.append(unread)
        if self._is_held_back:
            self._transport.resume_reading()

    @property
    def _is_lingering(self) -> bool:
        """Say whether only the rest of a body is waited for, to be thrown away."""
        return self._is_ending and bool(self._queue)

    def _let_go(self, exchange: Exchange) -> None:
        """Give back the room that a body took."""
        if exchange.parts:
            self._listener.release(exchange.size)
            exchange.parts, exchange.size = [], 0

    # --------------------------------------------------------------------------------------------------- time

    def look(self, now: float) -> None:
        """End what takes too long."""
        waited = now - self._since
        if self._is_lingering:
            if waited > receive.LINGER_S:
                self._transport.close()
        elif self._is_ending or self._is_stuck:
            if waited > WRITE_S:
                self._transport.abort()
        elif self._queue:
            newest = self._queue[-1]
            if (
                not newest.is_whole
                and newest.admitted is not None
                and newest.reply is None
                and waited > receive.RECEIVE_S
            ):
                self._refuse(newest, receive.too_slow())
        elif waited > (HEAD_S if self._parser.is_in_head or not self._parser.has_read else IDLE_S):
            self._transport.close()

    def drain(self) -> None:
        """End as soon as everything that was asked is answered."""
        if not self._queue and not self._is_answering and not self._is_ending:
            self._is_ending = True
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()


def _address(transport: asyncio.Transport, which: str) -> str:
    found = transport.get_extra_info(which)
    return str(found[0]) if isinstance(found, tuple) else ""


def _crowded() -> Unavailable:
    return Unavailable(
        "The server has as many callers as it can serve",
        where="server",
        fix="Ask again in a moment.",
        code="overloaded",
    )
