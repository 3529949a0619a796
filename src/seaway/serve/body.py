"""Request bodies that no contract describes (labels, tensors): strict JSON of a stated form."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from seaway.core.errors import Malformed
from seaway.core.settings import ServeSettings
from seaway.data.encode import wire

T = TypeVar("T")


def read(body: bytes, kind: type[T], limits: ServeSettings) -> T:
    """Read a body of form `kind`; raises `Malformed` (no JSON, a double key, another form) or `TooLarge`."""
    try:
        return msgspec.convert(wire.body(body, limits), kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `")
        raise Malformed(
            what.replace("`", "'"),
            where=place.rstrip("`") or "$",
            fix="GET /openapi.json shows the form of this request, with an example.",
            code="wrong-form",
        ) from None
