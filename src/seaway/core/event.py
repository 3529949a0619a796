"""The fourth paper: one request with its answers, or one label, as logged. A refusal is an event too."""

from __future__ import annotations

from typing import Literal

import msgspec

from seaway.core.errors import Malformed

Arm = Literal["champion", "canary", "shadow", "refused"]


class Prediction(msgspec.Struct, frozen=True, kw_only=True, tag="p", array_like=True):
    """One request as accepted and as answered.

    `rows` is the JSON array of accepted rows after masking, `answers` the JSON array of predictions exactly as sent (of a
    refusal: the error sent). `ids` holds one mapping per case. `seen` is the State's sequence, `took_us` the time from
    the last byte read to the answer made, `kept` the sampling rate under which the rows were kept (0 = rows left out).
    """

    sequence: int
    request_id: str
    model: str
    release: str
    arm: Arm
    principal: str
    rows: bytes
    options: bytes
    ids: tuple[dict[str, str], ...]
    answers: bytes
    seen: int
    took_us: int
    kept: float
    client_id: str = ""
    status: int = 200


class Label(msgspec.Struct, frozen=True, kw_only=True, tag="l", array_like=True):
    """One truth that arrived: joined by request id and row, or by id (and the moment `at` it is about).

    `known` is when the value became known (RFC 3339); the highest sequence wins among labels of one case.
    """

    sequence: int
    model: str
    principal: str
    value: str | float | bool
    known: str
    request_id: str = ""
    row: int = 0
    id: str = ""
    at: str = ""


Event = Prediction | Label

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return the event's record body."""
    return _encoder.encode(event)


def decode(data: bytes) -> Event:
    """Read a record body; raises `Malformed` for one that this version does not know."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(
            f"A record of the event log is no event: {error}",
            where="event log",
            fix="Read it with the Seaway that wrote it, or a newer one.",
            code="newer-format",
        ) from None
