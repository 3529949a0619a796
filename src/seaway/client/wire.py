"""One request and one reply as bytes, whatever carries them. The client's home of `import httptools`."""

from __future__ import annotations

from dataclasses import dataclass, field

import httptools

from seaway.client.address import Address
from seaway.core.errors import SeawayError, TooLarge, Unavailable

MOST = 256 << 20
"""Bytes of a reply that are read at most; no answer of a Seaway server is near it."""

CHUNK = 1 << 16
"""Bytes read at once."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. `is_repeatable` says that the server gives a second copy the first answer, or does nothing lasting."""

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    is_repeatable: bool = True
    request_id: str = ""

    def written(self, to: Address) -> bytes:
        """Return the bytes to send; they hold the key, so keep them in no variable that a traceback would show."""
        head = f"{self.method} {to.prefix}{self.path} HTTP/1.1\r\nHost: {to.authority}\r\nAccept: application/json\r\n"
        if self.method == "POST":
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return b"".join((head.encode(), to.secret, b"\r\n", self.body))


class Reply:
    """Takes in bytes until one whole reply is there. `feed` raises `Unavailable` where they are no HTTP."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0
        self._failure: SeawayError | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False
        self.is_begun = False
        self.keeps_alive = False

    @property
    def body(self) -> bytes:
        """The reply's body."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Take in what was read."""
        self.is_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            raise self._failure or _no_http() from None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        self._size += len(data)
        if self._size > MOST:
            self._failure = TooLarge(
                f"The reply is larger than {MOST >> 20} MB",
                where="reply",
                fix="Send fewer rows at once, and ask whether this is a Seaway server.",
            )
            raise self._failure
        self._parts.append(bytes(data))

    def on_message_complete(self) -> None:
        """Note the end; what came before the real reply (1xx) is passed over."""
        status = self._parser.get_status_code()
        if status < 200 or self.is_whole:
            if self.is_whole:  # a second reply nobody asked for: this connection is of no more use
                self.keeps_alive = False
            self.headers.clear()
            return
        self.status, self.is_whole = status, True
        self.keeps_alive = self._parser.should_keep_alive()


def _no_http() -> Unavailable:
    return Unavailable(
        "What came back is no HTTP",
        where="reply",
        fix="Ask whether a Seaway server listens at this address, and whether it wants https://.",
        code="no-http",
    )
