"""One connection: uvicorn's, held to HTTP/1.1 more strictly, with limits and a deadline for the head of a request.

What is no proper message is refused before the application hears of it, in the form of all errors, and ends the connection:
behind a broken message nobody can say where the next one begins (RFC 9112, section 6.3).
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from seaway.core.errors import BadInput, SeawayError
from seaway.serve import http

HEAD_S = 10.0
"""Seconds in which a request's head must be whole; its body has a deadline of its own, in the application."""

TARGET_BYTES, HEAD_BYTES, FIELDS = 8 << 10, 64 << 10, 100
"""The longest path with its query; the largest head, trailers included; the most header fields."""

ONCE = frozenset(
    {b"host", b"origin", b"sec-fetch-site", b"authorization", b"x-api-key", b"content-type", b"content-encoding"}
)
"""Fields that decide something and may stand once: of two, different programs would believe different ones."""

OFFER = frozenset({b"upgrade", b"http2-settings"})
"""Fields by which a caller offers to go on in another protocol, which nobody here takes up."""


class Connection(HttpToolsProtocol):
    """A connection that refuses what is ambiguous, too large or too slow."""

    _deadline: asyncio.TimerHandle | None = None
    _is_broken = False
    _is_in_head = False
    _offers = False
    """Whether the head that was just read offers another protocol, and has not reached the application yet."""
    _quiet = 0
    """Bytes that came since anything came of them: a header that does not end, or an endless chunk extension."""
    _size = 0
    _fields = 0
    _seen: set[bytes]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection time for its first head."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_S, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; watch a head that did not come in one piece."""
        if self._is_broken:
            return
        known = self.cycle
        self._unset_keepalive_if_required()
        self._quiet += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            said = error.__context__
            self._refuse(said.error if isinstance(said, _Refused) else _no_http())
        if self._quiet > HEAD_BYTES:
            self._refuse(_too_large())
        if self.cycle is not known or (self.cycle is not None and not self.cycle.response_complete):
            self._calm()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(HEAD_S, self._expire)

    def _parse(self, data: bytes) -> None:
        """Parse; a request that offers another protocol is parsed anew as if it did not (RFC 9110, section 7.8).

        Java's HttpClient offers h2c with every first request. The parser takes the body of such a request for the other
        protocol; so it is given the head again, from the fields that it has read and this class has accepted, without Upgrade.
        """
        rest = self._fed(data)
        while rest is not None:
            head, self._offers = self._without_offer(), False
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)
            rest = self._fed(rest)

    def _fed(self, data: bytes) -> bytes | None:
        """Give bytes to the parser; return those that it left behind the head of an offer, None where there is none."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            return data[stop.args[0] :]
        return None

    def _without_offer(self) -> bytes:
        """Return the head of the request that was just read, without the fields that only belong to another protocol."""
        line = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%s: %s" % field for field in self.headers if field[0] not in OFFER]
        return b"\r\n".join([line, *fields, b"", b""])

    # ------------------------------------------------------------------------------------- what the parser says

    def on_message_begin(self) -> None:
        """Start counting anew."""
        super().on_message_begin()
        self._is_in_head, self._size, self._fields, self._quiet, self._seen = True, 0, 0, 0, set()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        self._quiet = 0
        if len(self.url) > TARGET_BYTES:
            _refuse(f"The path and its query are longer than {TARGET_BYTES} bytes", "Shorten it.", "target-too-long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; a trailer is counted and otherwise ignored, as no one here asks for any."""
        self._quiet = 0
        self._size += len(name) + len(value)
        self._fields += 1
        if self._size > HEAD_BYTES or self._fields > FIELDS:
            raise _Refused(_too_large())
        if not self._is_in_head:
            return
        known = name.lower()
        if known in ONCE:
            if known in self._seen:
                _refuse(f"The header {known.decode()!r} stands twice", "Send it once.", "double-header")
            self._seen.add(known)
        elif known == b"transfer-encoding" and value.strip().lower() != b"chunked":
            _refuse("A transfer coding other than `chunked` is not understood", "Send the body as it is.", "framing")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        self._is_in_head, self._quiet = False, 0
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            _refuse("This is another version of HTTP", "Ask in HTTP/1.1.", "http-version")
        if self.parser.should_upgrade():  # of CONNECT the parser says so too
            if self.parser.get_method() == b"CONNECT":
                _refuse("This server is no proxy", "Ask for a path, such as /v1/models.", "target")
            self._offers = True
            return
        if not self.url.startswith(b"/") or b"#" in self.url:
            self._refuse_other_target()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the application know that the body is whole; the head of an offer has not reached it."""
        if not self._offers:
            super().on_message_complete()

    def on_chunk_header(self) -> None:
        """Note that the body goes on."""
        self._quiet = 0

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._quiet = 0
        super().on_body(body)

    def _refuse_other_target(self) -> None:
        """Refuse a fragment, and a whole address of another host than the header names (RFC 9112, section 3.2.2)."""
        _, has_scheme, rest = self.url.partition(b"://")
        host = next((value for name, value in self.headers if name == b"host"), b"")
        if b"#" in self.url or (has_scheme and rest.partition(b"/")[0].lower() != host.lower()):
            _refuse(
                "The target of the request is not a path of this server",
                "Ask for a path, such as /v1/models.",
                "target",
            )

    # ----------------------------------------------------------------------------------------------------- ends

    def on_response_complete(self) -> None:
        """Go on with the next request, or end where nothing that follows can be understood."""
        is_last = self._is_broken and not self.pipeline
        super().on_response_complete()
        if is_last:
            self.transport.close()

    def _refuse(self, error: SeawayError) -> None:
        """Say no to the broken message, but never in the middle of the answers to those before it."""
        self._is_broken = True
        newest = self.cycle
        if newest is not None and not newest.response_complete:
            if not newest.more_body:
                return  # whole requests before it are being answered
            if self.pipeline:
                self.pipeline.popleft()  # its own head was good and its body is not; it was not begun
                return
            newest.disconnected = True
            newest.message_event.set()
        if newest is None or not newest.response_started or (newest.response_complete and not newest.more_body):
            self._say(http.refusal(error))
        self.transport.close()

    def _say(self, reply: http.Reply) -> None:
        headers = (*reply.headers, *http.SAFE, (b"content-length", b"%d" % len(reply.body)), *http.CLOSE)
        lines = [STATUS_LINE[reply.status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n", reply.body]
        self.transport.write(b"".join(lines))

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        self.transport.close()


class _Refused(Exception):
    """Carries a refusal out of the parser, which stops there."""

    def __init__(self, error: SeawayError) -> None:
        super().__init__(error.code)
        self.error = error


def _refuse(what: str, fix: str, code: str) -> NoReturn:
    raise _Refused(BadInput(what, where="header ", fix=fix, code=code))


def _too_large() -> BadInput:
    return BadInput(
        f"The head of the request has more than {HEAD_BYTES} bytes or {FIELDS} fields",
        where="header",
        fix="Send fewer and shorter headers.",
        code="head-too-large",
    )


def _no_http() -> BadInput:
    return BadInput(
        "This is no HTTP/1.1 message whose end can be told",
        where="header",
        fix="Send one Content-Length, or Transfer-Encoding: chunked, and a body of just that length.",
        code="framing",
    )
