from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import Untrusted
from seaway.engines import protobuf
from tests.unit.engines.messages import held, number, varint

words = st.integers(-(2**63), 2**63 - 1)


@given(value=words)
def test_a_number_is_read_back(value: int) -> None:
    data = memoryview(varint(value) + b"\xff")
    found, end = protobuf.varint(data, 0, "here")
    assert protobuf.signed(found) == value
    assert end == len(data) - 1


@given(
    values=st.lists(words, min_size=1), rest=st.sampled_from([b"", number(20, 7), held(1, b"x" * 50), b"\x80", b"\x40"])
)
def test_a_run_of_numbers_is_read_as_a_whole(values: list[int], rest: bytes) -> None:
    data = b"".join(number(8, value) for value in values) + rest
    found, end = protobuf.varints(memoryview(data), 8 << 3, "here")
    assert found.tolist() == values
    assert data[end:] == rest


@pytest.mark.parametrize("tail", [b"\x80\x00", b"\xff" * 10 + b"\x01", b"\xff" * 9 + b"\x02", b"\x81\x80\x00"])
def test_a_run_with_a_number_longer_than_it_has_to_be_is_refused(tail: bytes) -> None:
    with pytest.raises(Untrusted, match="longer than it has to be"):
        protobuf.varints(memoryview(number(8, 3) + b"\x40" + tail), 8 << 3, "here")


def test_a_run_that_does_not_begin_is_empty() -> None:
    values, end = protobuf.varints(memoryview(held(1, "name")), 8 << 3, "here")
    assert not len(values)
    assert end == 0


def test_fields_come_with_their_place() -> None:
    data = number(1, 300) + held(2, b"abc") + b"\x1d" + np.float32(1.5).tobytes() + b"\x21" + bytes(8)
    at, found = 0, []
    while at < len(data):
        field, kind, value, at = protobuf.take(memoryview(data), at, "here")
        found.append((field, kind, value if isinstance(value, int) else bytes(value)))
    assert found == [(1, 0, 300), (2, 2, b"abc"), (3, 5, np.float32(1.5).tobytes()), (4, 1, bytes(8))]
    assert at == len(data)


def test_texts_are_short_printable_utf8() -> None:
    assert protobuf.text(memoryview("größe".encode()), 20, "here") == "größe"
    for data, reason in ((b"\xff", "not UTF-8"), (b"a\nb", "control characters"), (b"a" * 21, "more than 20")):
        with pytest.raises(Untrusted, match=reason):
            protobuf.text(memoryview(data), 20, "here")
