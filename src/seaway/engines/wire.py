"""Reads an ONNX model's bytes without any ONNX parser, and refuses all that a Seaway graph has no need of.

This walk comes before onnxruntime sees the bytes. It is an allow-list at every level: fields of each message, operators
with their attributes, operator sets, tensor types, sizes. What is not listed is refused: external data, functions,
subgraphs, training information, strings, sparse tensors, custom domains. Nesting cannot run deep, because no message
that is allowed can hold its own kind. Source of the field numbers: onnx.proto, IR version 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import Untrusted
from seaway.engines import protobuf
from seaway.engines.protobuf import LENGTH, VARINT, malformed

IR_VERSIONS = range(8, 12)
OPSETS: Mapping[str, range] = {"": range(20, 23), "ai.onnx.ml": range(5, 6)}
TYPES: Mapping[int, str] = {1: "<f4", 2: "|u1", 6: "<i4", 7: "<i8", 9: "|b1", 11: "<f8"}

_NONE: frozenset[str] = frozenset()
_TREES = frozenset(
    "aggregate_function post_transform n_targets tree_roots nodes_featureids nodes_splits nodes_modes nodes_truenodeids "
    "nodes_trueleafs nodes_falsenodeids nodes_falseleafs nodes_missing_value_tracks_true leaf_targetids leaf_weights "
    "membership_values".split()
)
OPERATORS: Mapping[tuple[str, str], frozenset[str]] = {
    # (domain, operator): its allowed attributes. All are pure, bounded by their inputs, and carry no subgraph.
    **{("", op): _NONE for op in ("Abs", "Add", "And", "Div", "Equal", "Exp", "GreaterOrEqual", "Identity", "IsNaN")},
    **{("", op): _NONE for op in ("Less", "LessOrEqual", "Log", "MatMul", "Mul", "Sigmoid", "Sign", "Sqrt", "Squeeze")},
    **{("", op): _NONE for op in ("Sub", "Unsqueeze", "Where")},
    ("", "ArgMax"): frozenset(["axis", "keepdims"]),
    ("", "Cast"): frozenset(["to"]),
    ("", "Concat"): frozenset(["axis"]),
    ("", "Gather"): frozenset(["axis"]),
    ("", "ReduceMin"): frozenset(["keepdims"]),
    ("", "ReduceSum"): frozenset(["keepdims"]),
    ("", "Softmax"): frozenset(["axis"]),
    ("ai.onnx.ml", "TreeEnsemble"): _TREES,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a graph may be; far above what training makes, far below what hurts."""

    bytes: int = 512 << 20
    nodes: int = 10_000
    constants: int = 10_000
    values: int = 64
    dims: int = 8
    name: int = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One operation; attribute values are int, tuple of arrays' numbers (int64) or arrays (from a tensor)."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | Array]


@dataclass(frozen=True, kw_only=True)
class Info:
    """A graph input or output: its ONNX element type and dimensions, a text where only known at run time."""

    kind: int
    dims: tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """All that a graph says."""

    ir: int
    opsets: Mapping[str, int]
    inputs: Mapping[str, Info]
    outputs: Mapping[str, Info]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]


_FORBIDDEN: Mapping[tuple[str, int], str] = {
    # What is not listed in a reader below is refused anyway; these get a name people know.
    ("model", 14): "metadata",
    ("model", 20): "training information",
    ("model", 25): "functions",
    ("model", 26): "device configurations",
    ("graph", 14): "quantisation annotations",
    ("graph", 15): "sparse initialisers",
    ("node", 8): "an overload (a function call)",
    ("node", 10): "device configurations",
    ("attribute", 2): "a float attribute",
    ("attribute", 4): "a string attribute",
    ("attribute", 6): "a subgraph",
    ("attribute", 9): "string attributes",
    ("attribute", 11): "subgraphs",
    ("attribute", 21): "a reference to a function's attribute",
    ("attribute", 22): "a sparse tensor",
    ("attribute", 23): "sparse tensors",
    ("tensor", 3): "a segment",
    ("tensor", 6): "strings",
    ("tensor", 13): "external data",
    ("tensor", 14): "a data location (external data)",
    ("type", 4): "a sequence",
    ("type", 5): "a map",
    ("type", 8): "a sparse tensor",
    ("type", 9): "an optional value",
}


def read(data: bytes, limits: Limits | None = None) -> Model:
    """Walk a model's bytes; return what they say, or raise `Untrusted`."""
    walk = _Walk(limits or Limits())
    if len(data) > walk.limits.bytes:
        raise _too_large(f"{len(data)} bytes, more than {walk.limits.bytes}", "model")
    model = walk.model(memoryview(data))
    _check(model, walk.limits)
    return model


@dataclass
class _Message:
    """The fields of one message as they come in: singular ones may come once."""

    one: dict[int, Any] = field(default_factory=dict)
    many: dict[int, list[Any]] = field(default_factory=dict)


class _Walk:
    """One reader per message; each lists the fields it takes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def model(self, data: memoryview) -> Model:
        got = self._message(
            "model",
            data,
            "model",
            one={1: self._int, 2: self._name, 7: self.graph},
            many={8: self.opset},
        )
        if 7 not in got.one:
            raise malformed("it holds no graph", "model")
        ir = got.one.get(1, 0)
        if ir not in IR_VERSIONS:
            raise _not_allowed(f"IR version {ir}", "model")
        opsets: dict[str, int] = {}
        for domain, version in got.many.get(8, []):
            if domain in opsets:
                raise malformed(f"operator set {domain!r} twice", "model")
            if version not in OPSETS.get(domain, ()):
                raise _not_allowed(f"operator set {domain or 'ai.onnx'!r} version {version}", "model")
            opsets[domain] = version
        inputs, outputs, constants, nodes = got.one[7]
        return Model(ir=ir, opsets=opsets, inputs=inputs, outputs=outputs, constants=constants, nodes=nodes)

    def opset(self, data: memoryview, where: str) -> tuple[str, int]:
        got = self._message("opset", data, where, one={1: self._name, 2: self._int})
        return got.one.get(1, ""), got.one.get(2, 0)

    def graph(self, data: memoryview, where: str) -> tuple[dict[str, Info], dict[str, Info], dict[str, Array], Any]:
        limits = self.limits
        got = self._message(
            "graph",
            data,
            "graph",
            one={2: self._name},
            many={1: self.node, 5: self.tensor, 11: self.value, 12: self.value},
            caps={1: limits.nodes, 5: limits.constants, 11: limits.values, 12: limits.values},
        )
        inputs, outputs, constants = (_by_name(got.many.get(number, []), where) for number in (11, 12, 5))
        return inputs, outputs, constants, tuple(got.many.get(1, []))

    def node(self, data: memoryview, where: str) -> Node:
        got = self._message(
            "node",
            data,
            where,
            one={4: self._name, 7: self._name},
            many={1: self._name, 2: self._name, 5: self.attribute},
            caps={1: self.limits.values, 2: self.limits.values, 5: self.limits.values},
        )
        return Node(
            op=got.one.get(4, ""),
            domain=got.one.get(7, ""),
            inputs=tuple(got.many.get(1, [])),
            outputs=tuple(got.many.get(2, [])),
            attributes=_by_name(got.many.get(5, []), where),
        )

    def attribute(self, data: memoryview, where: str) -> tuple[str, int | Array]:
        """Read an attribute: one number (type 2), a tensor (4) or numbers (7)."""
        got = self._message(
            "attribute", data, where, one={1: self._name, 3: self._int, 5: self.tensor, 20: self._int}, runs=8
        )
        kinds = {2: got.one.get(3), 4: got.one.get(5, ("", None))[1], 7: got.many.get(8)}
        held = {kind for kind, value in kinds.items() if value is not None}
        kind = got.one.get(20)
        if kind not in kinds or not held <= {kind}:
            raise malformed("an attribute's type does not agree with what it holds", where)
        if kind == 4 and kinds[4] is None:
            raise malformed("an attribute holds no tensor", where)
        if kind == 7:
            return got.one.get(1, ""), np.concatenate([np.zeros(0, dtype=np.int64), *got.many.get(8, [])])
        return got.one.get(1, ""), kinds[kind] if kinds[kind] is not None else 0

    def tensor(self, data: memoryview, where: str) -> tuple[str, Array]:
        got = self._message(
            "tensor",
            data,
            where,
            one={2: self._int, 8: self._name, 9: self._bytes},
            many={1: self._int},
            caps={1: self.limits.dims},
        )
        dtype = TYPES.get(got.one.get(2, 0))
        if dtype is None:
            raise _not_allowed(f"tensor type {got.one.get(2, 0)}", where)
        dims, raw = got.many.get(1, []), got.one.get(9, memoryview(b""))
        if any(size < 0 for size in dims) or math.prod(dims) * np.dtype(dtype).itemsize != len(raw):
            raise malformed(f"a tensor of dimensions {dims} holds {len(raw)} bytes", where)
        if dtype == "|b1" and bytes(raw).strip(b"\0\1"):
            raise malformed("a boolean is neither 0 nor 1", where)
        return got.one.get(8, ""), np.frombuffer(raw, dtype=dtype).reshape(dims)

    def value(self, data: memoryview, where: str) -> tuple[str, Info]:
        got = self._message("value", data, where, one={1: self._name, 2: self.type})
        if 2 not in got.one:
            raise malformed("a value has no type", where)
        return got.one.get(1, ""), got.one[2]

    def type(self, data: memoryview, where: str) -> Info:
        got = self._message("type", data, where, one={1: self.tensor_type})
        if 1 not in got.one:
            raise malformed("a type is no tensor", where)
        info: Info = got.one[1]
        return info

    def tensor_type(self, data: memoryview, where: str) -> Info:
        got = self._message("tensor type", data, where, one={1: self._int, 2: self.shape})
        if got.one.get(1) not in TYPES:
            raise _not_allowed(f"tensor type {got.one.get(1)}", where)
        if 2 not in got.one:
            raise malformed("a value has no shape", where)
        return Info(kind=got.one[1], dims=got.one[2])

    def shape(self, data: memoryview, where: str) -> tuple[int | str, ...]:
        got = self._message("shape", data, where, many={1: self.dimension}, caps={1: self.limits.dims})
        return tuple(got.many.get(1, []))

    def dimension(self, data: memoryview, where: str) -> int | str:
        got = self._message("dimension", data, where, one={1: self._int, 2: self._name})
        if len(got.one) != 1 or got.one.get(1, 1) < 0:
            raise malformed("a dimension is neither a size nor a name", where)
        size: int | str = next(iter(got.one.values()))
        return size

    def _message(
        self,
        kind: str,
        data: memoryview,
        where: str,
        *,
        one: Mapping[int, Callable[[Any, str], Any]] | None = None,
        many: Mapping[int, Callable[[Any, str], Any]] | None = None,
        caps: Mapping[int, int] | None = None,
        runs: int = 0,
    ) -> _Message:
        """Read the fields of a message; `runs` is the number of a field of repeated numbers, read as a whole."""
        got = _Message()
        for number, wire, value in _split(data, where, runs):
            if number == runs:
                got.many.setdefault(number, []).append(value)
                continue
            reader = (one or {}).get(number) or (many or {}).get(number)
            if reader is None:
                named = _FORBIDDEN.get((kind, number), f"field {number}")
                raise _not_allowed(f"{named} in {_a(kind)}", where)
            if (wire == VARINT) != (reader == self._int) or wire not in (VARINT, LENGTH):
                raise malformed(f"wire type {wire} in field {number} of {_a(kind)}", where)
            if one and number in one:
                if number in got.one:
                    raise malformed(f"field {number} of {_a(kind)} comes twice", where)
                got.one[number] = reader(value, where)
            else:
                items = got.many.setdefault(number, [])
                if len(items) >= (caps or {}).get(number, self.limits.values):
                    raise _too_large(f"more than {len(items)} of field {number} in {_a(kind)}", where)
                items.append(reader(value, f"{where}.{number}[{len(items)}]"))
        return got

    def _int(self, value: int, where: str) -> int:
        return protobuf.signed(value)

    def _name(self, value: memoryview, where: str) -> str:
        return protobuf.text(value, self.limits.name, where)

    def _bytes(self, value: memoryview, where: str) -> memoryview:
        return value


def _split(data: memoryview, where: str, runs: int) -> Iterator[tuple[int, int, Any]]:
    """Yield the fields of a message, a run of numbers in field `runs` as one array."""
    tag = runs << 3
    at = 0
    while at < len(data):
        if runs and data[at] == tag:
            values, length = protobuf.varints(data[at:], tag, where)
            if not length:
                raise malformed("it ends inside a number", where)
            yield runs, VARINT, values
            at += length
        else:
            number, wire, value, at = protobuf.take(data, at, where)
            if runs and number == runs:
                raise malformed(f"wire type {wire} in field {number}", where)
            yield number, wire, value


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"


def _by_name(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs) or "" in names:
        raise malformed("a name is empty or stands twice", where)
    return names


def _check(model: Model, limits: Limits) -> None:
    """Refuse operators that are not listed, and values used before they are made or made twice."""
    known = {*model.inputs, *model.constants}
    if not model.inputs or not model.outputs:
        raise malformed("a graph without inputs or outputs", "graph")
    if len(known) < len(model.inputs) + len(model.constants):
        raise malformed("an initialiser has the name of an input", "graph")
    for place, node in enumerate(model.nodes):
        where = f"graph.node[{place}] {node.op}"
        allowed = OPERATORS.get((node.domain, node.op)) if node.domain in model.opsets else None
        if allowed is None:
            raise _not_allowed(f"operator {node.op!r} of domain {node.domain or 'ai.onnx'!r}", where)
        surplus = sorted(set(node.attributes) - allowed)
        if surplus:
            raise _not_allowed(f"attribute {surplus[0]!r} of {node.op}", where)
        missing = [name for name in node.inputs if name not in known]
        if missing or not node.inputs:
            raise malformed(f"an input {missing[:1] or ''} that nothing made before", where)
        if len(node.outputs) != 1 or not node.outputs[0] or node.outputs[0] in known:
            raise malformed("an output without a name of its own", where)
        known.add(node.outputs[0])
    unmade = sorted(set(model.outputs) - known)
    if unmade:
        raise malformed(f"the output {unmade[0]!r} that nothing makes", "graph")


def _not_allowed(what: str, where: str) -> Untrusted:
    return Untrusted(
        f"The graph holds {what}, which is not allowed",
        where=where,
        fix="Use graphs that Seaway exported; this list is engines/wire.py.",
        code="graph-not-allowed",
    )


def _too_large(what: str, where: str) -> Untrusted:
    return Untrusted(
        f"The graph is too large: {what}",
        where=where,
        fix="Train with fewer or smaller trees, or fewer members.",
        code="graph-too-large",
    )
