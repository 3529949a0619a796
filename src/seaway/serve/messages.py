"""HTTP/1.1 as it comes over a wire: heads and bodies, or a refusal of what is ambiguous or too large.

What is no proper message is refused before the application hears of it, and ends the connection: behind a broken message
nobody can say where the next one begins (RFC 9112, section 6.3). The home of `import httptools`.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn, Protocol

import httptools

from seaway.core.errors import BadInput, SeawayError, TooLarge
from seaway.serve import receive

TARGET_BYTES, HEAD_BYTES, FIELDS = 8 << 10, 64 << 10, 100
"""The longest path with its query; the largest head, trailers included; the most header fields."""

CHUNKS = 1 << 21
"""Chunks of one body: each costs time, however few bytes it brings."""

ONCE = frozenset(
    {
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"authorization",
        b"x-api-key",
        b"content-type",
        b"content-encoding",
        b"expect",
    }
)
"""Fields that decide something and may stand once: of two, different programs would believe different ones."""

OFFER = frozenset({b"upgrade", b"http2-settings"})
"""Fields by which a caller offers to go on in another protocol, which nobody here takes up."""


class Message(NamedTuple):
    """A head: what it asks for, whether a body comes behind it, and whether the connection may go on after the reply."""

    method: str
    path: str
    is_plain: bool
    headers: list[tuple[bytes, bytes]]
    has_body: bool
    keeps: bool
    is_old: bool
    waits: bool
    """It sends its body once it is told to go on (Expect: 100-continue)."""
    is_usual: bool
    """The reply has a body, and the connection stays open as HTTP/1.1 has it."""


class Receiver(Protocol):
    """What is told of messages."""

    def began(self, message: Message) -> None:
        """Take a head."""

    def part(self, data: bytes) -> None:
        """Take a part of the body."""

    def ended(self) -> None:
        """Know that the message is whole."""


class Refused(Exception):
    """Carries what is said of a broken message."""

    def __init__(self, error: SeawayError) -> None:
        super().__init__(error.code)
        self.error = error


class Parser:
    """Reads the messages of one connection. httptools calls the methods that begin with `on_`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._seen: set[bytes] = set()
        self._size = self._fields = self._quiet = self._chunks = 0
        self._offers = False
        """Whether the head that was just read offers another protocol, and has not reached the receiver yet."""
        self.is_between = True
        """Whether the next byte begins a message."""
        self.is_in_head = False
        self.has_read = False
        """Whether any message has come whole."""

    def feed(self, data: bytes) -> None:
        """Read what came; raises `Refused`."""
        self._quiet += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserUpgrade:
            raise Refused(_no_path()) from None  # CONNECT: it was refused, and what comes behind it is not HTTP
        except httptools.HttpParserError as error:
            said = error.__context__
            raise Refused(said.error if isinstance(said, Refused) else _no_http()) from None
        if self._quiet > HEAD_BYTES:  # a header that does not end, or an endless chunk extension
            raise Refused(_too_many_fields())

    def _parse(self, data: bytes) -> None:
        """Parse; a request that offers another protocol is parsed anew as if it did not (RFC 9110, section 7.8).

        Java's HttpClient offers h2c with every first request. The parser takes the body of such a request for the other
        protocol; so it is given the head again, from the fields that it has read and this class has accepted, without Upgrade.
        """
        while True:
            try:
                return self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as stop:
                if not self._offers:
                    raise
                head, self._offers = self._without_offer(), False
                self._parser = httptools.HttpRequestParser(self)
                self._parser.feed_data(head)
                data = data[stop.args[0] :]

    def _without_offer(self) -> bytes:
        """Return the head of the request that was just read, without the fields that only belong to another protocol."""
        line = b"%s %s HTTP/%s" % (self._parser.get_method(), self._url, self._parser.get_http_version().encode())
        fields = [b"%s: %s" % field for field in self._headers if field[0] not in OFFER]
        return b"\r\n".join([line, *fields, b"", b""])

    # ------------------------------------------------------------------------------------- what the parser says

    def on_message_begin(self) -> None:
        """Start counting anew."""
        self._url, self._headers = b"", []
        self._seen.clear()
        self._size = self._fields = self._quiet = self._chunks = 0
        self.is_between, self.is_in_head = False, True

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._url += url
        self._quiet = 0
        if len(self._url) > TARGET_BYTES:
            _refuse(f"The path and its query are longer than {TARGET_BYTES} bytes", "Shorten it.", "target-too-long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; a trailer is counted and otherwise ignored, as no one here asks for any."""
        self._quiet = 0
        self._size += len(name) + len(value)
        self._fields += 1
        if self._size > HEAD_BYTES or self._fields > FIELDS:
            raise Refused(_too_many_fields())
        if not self.is_in_head:
            return
        known = name.lower()
        if known in ONCE:
            if known in self._seen:
                _refuse(f"The header {known.decode()!r} stands twice", "Send it once.", "double-header")
            self._seen.add(known)
        elif known == b"transfer-encoding" and value.strip().lower() != b"chunked":
            _refuse("A transfer coding other than `chunked` is not understood", "Send the body as it is.", "framing")
        self._headers.append((known, value))

    def on_headers_complete(self) -> None:
        """Hand the head over."""
        self.is_in_head, self._quiet = False, 0
        parser = self._parser
        version, method = parser.get_http_version(), parser.get_method()
        if version not in ("1.1", "1.0"):
            _refuse("This is another version of HTTP", "Ask in HTTP/1.1.", "http-version")
        if parser.should_upgrade():
            if method != b"CONNECT":
                self._offers = True
                return
            if receive.is_sent(self._headers):
                _refuse("A CONNECT carries a body, which has no meaning", "Ask for a path, by GET or POST.", "connect")
        url = self._url
        if not url.startswith(b"/") or b"#" in url:
            url = self._own_path()
        path = url.partition(b"?")[0]
        waits = b"expect" in self._seen and self._expects()
        self._receiver.began(
            Message(
                method=method.decode("ascii"),
                path=path.decode("latin-1"),
                is_plain=b"%" not in path,
                headers=self._headers,
                has_body=receive.is_sent(self._headers),
                keeps=parser.should_keep_alive(),
                is_old=version == "1.0",
                waits=waits,
                is_usual=version == "1.1" and method != b"HEAD" and parser.should_keep_alive(),
            )
        )

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._quiet = 0
        self._chunks += 1
        if self._chunks > CHUNKS:
            raise Refused(
                TooLarge(f"The body comes in more than {CHUNKS} chunks", where="body", fix="Send it in larger ones.")
            )

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body over."""
        self._quiet = 0
        self._receiver.part(body)

    def on_message_complete(self) -> None:
        """Tell that the message is whole; the head of an offer has not been handed over."""
        if not self._offers:
            self.is_between = self.has_read = True
            self._receiver.ended()

    def _own_path(self) -> bytes:
        """Return the path of a whole address; refuse a fragment, and another host than the header names (RFC 9112, 3.2.2)."""
        _, has_scheme, rest = self._url.partition(b"://")
        name, slash, path = rest.partition(b"/")
        host = next((value for field, value in self._headers if field == b"host"), b"")
        if b"#" in self._url or not has_scheme or name.lower() != host.lower():
            raise Refused(_no_path())
        return slash + path or b"/"

    def _expects(self) -> bool:
        value = next(value for field, value in self._headers if field == b"expect")
        if value.strip().lower() != b"100-continue":
            _refuse("Nothing but `100-continue` can be expected", "Leave the header Expect out.", "expectation")
        return self._parser.get_http_version() == "1.1"


def _refuse(what: str, fix: str, code: str) -> NoReturn:
    raise Refused(BadInput(what, where="header ", fix=fix, code=code))


def _no_path() -> BadInput:
    return BadInput(
        "The target of the request is not a path of this server",
        where="header ",
        fix="Ask for a path, such as /v1/models.",
        code="target",
    )


def _too_many_fields() -> BadInput:
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
