"""One byte form per value."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import canonical
from seaway.core.errors import Untrusted

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to read."""

    x: float
    name: str = ""
    tags: dict[str, int] = {}


@given(value=JSON)
def test_reading_and_writing_gives_the_same_bytes(value: Any) -> None:
    data = canonical.encode(value)
    again = msgspec.json.decode(data)
    assert canonical.encode(again) == data
    assert again == value


@given(value=st.dictionaries(TEXTS, st.integers(), max_size=6), order=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, int], order: Any) -> None:
    items = list(value.items())
    order.shuffle(items)
    assert canonical.encode(dict(items)) == canonical.encode(value)


@given(x=st.floats(allow_nan=False, allow_infinity=False), name=TEXTS, tags=st.dictionaries(TEXTS, st.integers(0, 9)))
def test_a_value_is_read_as_it_was_written(x: float, name: str, tags: dict[str, int]) -> None:
    point = Point(x=x, name=name, tags=tags)
    assert canonical.decode(canonical.encode(point), Point, where="test") == point


@pytest.mark.parametrize(
    "data",
    [
        b'{"name":"","tags":{},"x":1}',
        b'{"name":"","tags":{},"x":1.0} ',
        b' {"name":"","tags":{},"x":1.0}',
        b'{"name":"", "tags":{},"x":1.0}',
        b'{"x":1.0,"name":"","tags":{}}',
        b'{"x":1.0}',
        b'{"name":"","tags":{},"x":1e0}',
        b'{"name":"","tags":{},"x":1.00}',
        b'{"name":"\\u0061","tags":{},"x":1.0}',
        b'{"name":"","tags":{},"x":1.0,"x":1.0}',
        b'{"name":"","tags":{"a":1,"a":1},"x":1.0}',
        b'{"name":"","tags":{"b":1,"a":1},"x":1.0}',
        b'{"name":"","tags":{},"x":0.1000000000000000055511151231257827}',
    ],
)
def test_another_spelling_of_the_same_value_is_refused(data: bytes) -> None:
    msgspec.json.decode(data, type=Point)
    with pytest.raises(Untrusted, match="Not the canonical form of a Point") as raised:
        canonical.decode(data, Point, where="point.json")
    assert raised.value.where == "point.json"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'{"x":null}',
        b'{"x":"1"}',
        b'{"x":NaN}',
        b'{"x":1e999}',
        b'{"x":1.0,"y":2}',
        b'{"x":1.0',
        b'\xef\xbb\xbf{"x":1.0}',
        b'{"x":1.0,"name":"\xff"}',
        b'{"x":1.0,"name":"\\ud800"}',
        b"[" * 250_000,
        b'{"a":' * 250_000,
    ],
)
def test_what_is_no_such_value_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Untrusted, match="Not a valid Point"):
        canonical.decode(data, Point, where="point.json")


@given(value=JSON, place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_changed_bit_is_another_value_or_none(value: Any, place: int, bit: int) -> None:
    """No two byte forms mean the same, so a digest over the bytes is a digest over the meaning."""
    data = canonical.encode(value)
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 << bit
    try:
        other = canonical.decode(bytes(changed), Any, where="value.json")
    except Untrusted:  # also another spelling of the same number, as the 17th digit can be
        return
    assert canonical.encode(other) != data


def test_a_digest_is_sha256_in_hexadecimal() -> None:
    assert canonical.digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert canonical.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
