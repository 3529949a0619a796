"""The body of a request: JSON by its header, whole within a deadline, never more of it in memory than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from seaway.core.errors import BadInput, TooLarge

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

RECEIVE_S, LINGER_S = 10.0, 1.0
"""Seconds in which a body must arrive whole; seconds in which a refused one may still be sent and thrown away."""


class Gone(Exception):
    """The caller has left before the body was whole."""


async def body(headers: Iterable[tuple[bytes, bytes]], receive: Receive, most: int) -> bytes:
    """Read the body, refusing what is not JSON or has more than `most` bytes before and while it comes."""
    length = 0
    kind = encoding = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            length = int(value)
        elif name == b"content-encoding":
            encoding = value
    _refuse_media(kind, encoding)
    if length > most:
        raise _too_large(most)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    if not message.get("more_body", False):
        return _whole(message["body"], most)
    try:
        async with asyncio.timeout(RECEIVE_S):
            return await _rest(receive, message["body"], most)
    except TimeoutError:
        raise BadInput(
            f"The body did not arrive within {RECEIVE_S:.0f} s",
            where="body",
            fix="Send it faster.",
            code="too-slow",
        ) from None


async def _rest(receive: Receive, first: bytes, most: int) -> bytes:
    parts = bytearray(first)
    is_more = True
    while is_more:
        if len(parts) > most:
            raise _too_large(most)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts += message["body"]
        is_more = message.get("more_body", False)
    return _whole(bytes(parts), most)


def _whole(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise _too_large(most)
    return data


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {most} bytes",
        where="body",
        fix="Send fewer rows per request; the limit is the server's setting serve.max_body.",
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


def is_sent(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a request has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


async def throw_away(receive: Receive) -> None:
    """Read on for a moment, so that a caller who is still sending gets to see the reply rather than a broken connection."""
    try:
        async with asyncio.timeout(LINGER_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
