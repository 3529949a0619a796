"""What a request's body must be, as far as its head tells, and what is said of one that does not come as it has to."""

from __future__ import annotations

from collections.abc import Iterable

from seaway.core.errors import BadInput, TooLarge

Fields = Iterable[tuple[bytes, bytes]]

RECEIVE_S, LINGER_S = 10.0, 1.0
"""Seconds in which a body must arrive whole; seconds in which a refused one may still be sent and thrown away."""


def refuse_announced(headers: Fields, most: int) -> None:
    """Refuse a body that its head announces as no JSON, or as larger than `most` bytes."""
    length = 0
    kind = encoding = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            length = int(value)
        elif name == b"content-encoding":
            encoding = value
    if kind != b"application/json" or encoding:
        _refuse_media(kind, encoding)
    if length > most:
        raise too_large(most)


def is_sent(headers: Fields) -> bool:
    """Say whether a request has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


def too_large(most: int) -> TooLarge:
    """Say that a body has too many bytes."""
    return TooLarge(
        f"The body is larger than {most} bytes",
        where="body",
        fix="Send fewer rows per request; the limit is the server's setting serve.max_body.",
    )


def too_slow() -> BadInput:
    """Say that a body took too long to come."""
    return BadInput(
        f"The body did not arrive within {RECEIVE_S:.0f} s", where="body", fix="Send it faster.", code="too-slow"
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
