"""A request's bytes: strict JSON, one meaning per body, nothing deeper or larger than the limits.

msgspec refuses what is no JSON (NaN, bad UTF-8, lone surrogates, numbers beyond float64); duplicate keys it lets pass,
so the keys in the text are counted against the keys that were read.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from seaway.core.batch import Json
from seaway.core.errors import Malformed, TooLarge
from seaway.core.settings import ServeSettings

FIELDS = ("rows", "options", "ids", "request_id", "key", "explain", "partial")
"""What a request may hold."""

_decode = msgspec.json.Decoder().decode


def body(data: bytes, limits: ServeSettings) -> dict[str, Json]:
    """Read the JSON object of a request; raises `Malformed` or `TooLarge`."""
    if len(data) > limits.max_body:
        raise TooLarge(
            f"The body has {len(data)} bytes, {limits.max_body} are allowed",
            where="body",
            fix="Send fewer rows per request.",
        )
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from None
    except RecursionError:
        raise _too_deep(limits) from None
    if value.__class__ is not dict:
        raise Malformed(
            "The body is not a JSON object", where="$", fix='Send {"rows": [{"column": value, ...}]}.', code="malformed"
        )
    rows = value.get("rows")
    beside = len(rows) if rows.__class__ is list else 0
    if data.count(b"[") + data.count(b"{") - beside >= limits.max_depth:
        _refuse_depth(value, limits)  # rows stand side by side; what else opens may lie inside one another
    written = _keys_written(data)
    if written != _keys_read(value) and written != _keys_everywhere(value):
        _name_duplicate(data)
    return value


def texts_within(rows: list[dict[str, Json]], size: int, limits: ServeSettings) -> None:
    """Raise `TooLarge` where a text is longer than allowed; `size` is the body's, which bounds every text in it."""
    if size <= limits.max_text:
        return
    for number, row in enumerate(rows):
        for name, value in row.items():
            longest = max(len(name), len(value) if value.__class__ is str else 0)
            if longest > limits.max_text:
                raise TooLarge(
                    f"A text has {longest} characters, {limits.max_text} are allowed",
                    where=f"$.rows[{number}].{name[:80]}",
                    fix="Send a shorter text.",
                )


def _malformed(error: Exception) -> Malformed:
    said = str(error)
    place = re.search(r"\(byte (\d+)\)|position (\d+)", said)
    at = f"byte {place.group(1) or place.group(2)}" if place else "body"
    if isinstance(error, UnicodeDecodeError):
        return Malformed("The body is not UTF-8", where=at, fix="Encode the request as UTF-8.")
    if "out of range" in said:
        return Malformed("A number is too large for JSON's double precision", where=at, fix="Send null, or a number.")
    reason = said.removeprefix("JSON is malformed: ").partition(" (byte")[0]
    return Malformed(
        f"The body is not JSON: {reason}", where=at, fix="Send one JSON object; NaN and Infinity are no JSON, null is."
    )


def _too_deep(limits: ServeSettings) -> Malformed:
    return Malformed(
        f"The JSON is nested deeper than {limits.max_depth} levels",
        where="body",
        fix="Send each row as one flat object.",
        code="too-deep",
    )


def _keys_written(data: bytes) -> int:
    """Count the keys in valid JSON text: colons outside texts."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(data.split(b'"')[::2]).count(b":")


def _keys_read(value: dict[str, Json]) -> int:
    """Count the keys of a request in its usual shape; anything deeper is left out, which makes the counts differ."""
    count = len(value)
    for field in value.values():
        if field.__class__ is list:
            for item in field:
                if item.__class__ is dict:
                    count += len(item)
        elif field.__class__ is dict:
            count += len(field)
    return count


def _keys_everywhere(value: Json) -> int:
    count, stack = 0, [value]
    while stack:
        item = stack.pop()
        if item.__class__ is dict:
            count += len(item)
            stack.extend(item.values())
        elif item.__class__ is list:
            stack.extend(item)
    return count


def _refuse_depth(value: Json, limits: ServeSettings) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > limits.max_depth:
            raise _too_deep(limits)
        level = [
            child
            for item in level
            for child in (item.values() if item.__class__ is dict else item)
            if child.__class__ in (dict, list)
        ]


def _name_duplicate(data: bytes) -> NoReturn:
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in items]
        if len(set(names)) < len(names):
            found.append(next(name for name in names if names.count(name) > 1))

    json.loads(data, object_pairs_hook=pairs)
    raise Malformed(
        f"The key {found[0][:80]!r} stands twice in one object",
        where="body",
        fix="Send each key once: which of the two was meant cannot be known.",
        code="duplicate-key",
    )
