"""A writer of protocol buffer bytes that lets a test say anything, right or wrong."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array


def varint(value: int) -> bytes:
    """Return an unsigned number; negative ones as 64-bit two's complement."""
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    """Return a field that holds a number."""
    return varint(field << 3) + varint(value)


def held(field: int, data: bytes | str) -> bytes:
    """Return a field that holds text, bytes or a message."""
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(values: Array, name: str = "", kind: int = 11) -> bytes:
    """Return a TensorProto with raw data."""
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, kind) + (held(8, name) if name else b"") + held(9, values.tobytes())


def attribute(name: str, body: bytes, kind: int) -> bytes:
    """Return an AttributeProto."""
    return held(1, name) + body + number(20, kind)


def node(
    op: str, inputs: list[str], outputs: list[str], *attributes: bytes, domain: str = "", more: bytes = b""
) -> bytes:
    """Return a NodeProto."""
    links = b"".join(held(1, name) for name in inputs) + b"".join(held(2, name) for name in outputs)
    place = held(7, domain) if domain else b""
    return links + held(4, op) + b"".join(held(5, part) for part in attributes) + place + more


def info(name: str, kind: int, *dims: int | str) -> bytes:
    """Return a ValueInfoProto of a tensor."""
    shape = b"".join(held(1, held(2, dim) if isinstance(dim, str) else number(1, dim)) for dim in dims)
    return held(1, name) + held(2, held(1, number(1, kind) + held(2, shape)))


X = info("x", 1, "rows", 2)
MARGIN = info("margin", 11, "rows", 2)
CAST = node("Cast", ["x"], ["margin"], attribute("to", number(3, 11), 2))


def graph(
    *nodes: bytes, inputs: tuple[bytes, ...] = (X,), outputs: tuple[bytes, ...] = (MARGIN,), more: bytes = b""
) -> bytes:
    """Return a GraphProto; by default from `x` (rows, 2) to `margin` (rows, 2)."""
    return (
        b"".join(held(1, one) for one in nodes or (CAST,))
        + held(2, "seaway")
        + more
        + b"".join(held(11, one) for one in inputs)
        + b"".join(held(12, one) for one in outputs)
    )


def opset(domain: str, version: int) -> bytes:
    """Return an OperatorSetIdProto as a field of the model."""
    return held(8, (held(1, domain) if domain else b"") + number(2, version))


OPSETS = opset("", 20) + opset("ai.onnx.ml", 5)


def model(body: bytes | None = None, *, ir: int = 10, opsets: bytes = OPSETS, more: bytes = b"") -> bytes:
    """Return a ModelProto."""
    return number(1, ir) + opsets + held(7, graph() if body is None else body) + more


DOUBLES = np.zeros(2)
