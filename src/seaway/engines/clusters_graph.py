"""Clusterings as graphs, in float64: a member from `x` to `margin` (rows, 3K), and the finish that picks the segment."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array
from seaway.core.candidate import Program
from seaway.core.contract import CODE_OTHER
from seaway.engines.clusters import LARGEST, Clusters, Cores, Gaussians, Space
from seaway.engines.export import member, program
from seaway.engines.graph import DOUBLE, FLOAT, INT64, Graph


def clusters_program(clusters: Clusters) -> Program:
    """Return the member program of a clustering."""
    graph = Graph()
    z = _points(graph, "x", clusters.space)
    distance = graph.op("Sqrt", _squared(graph, z, clusters.centers))
    ratio = graph.op("Div", distance, graph.constant(clusters.spread))
    margin = graph.op("Concat", _scores(graph, z, clusters), distance, ratio, axis=1)
    return member(graph, margin, clusters.space.features, 3 * clusters.segments, None)


def assignment_program(segments: int) -> Program:
    """Return the finish from `raw` (rows, 3K) to segment (rows,), distances (rows, K) and outlier (rows,)."""
    graph = Graph()
    score, distance, ratio = (
        graph.op("Gather", "raw", graph.constant(np.arange(segments) + part * segments), axis=1) for part in range(3)
    )
    own = graph.op("ArgMax", score, axis=1, keepdims=1)
    is_own = graph.op("Equal", own, graph.constant(np.arange(segments, dtype=np.int64)))
    outlier = _sum(graph, graph.op("Where", is_own, ratio, graph.constant(0.0)), 1)
    segment = graph.op("Squeeze", own, _axes(graph, 1))
    data = graph.model(
        {"raw": (DOUBLE, (3 * segments,))},
        {
            "segment": (segment, INT64, ()),
            "distances": (distance, DOUBLE, (segments,)),
            "outlier": (outlier, DOUBLE, ()),
        },
    )
    return program(data, None)


def _points(graph: Graph, x: str, space: Space) -> str:
    """Add the space on x (rows, features) float32; return the points (rows, D)."""
    parts = []
    if len(space.numbers):
        values = graph.double(graph.op("Gather", x, graph.constant(space.numbers), axis=1))
        values = graph.op("Where", graph.op("IsNaN", values), graph.constant(space.fill), values)
        if (space.unit > 0).any():
            values = _scaled(graph, values, space.unit)
        centered = graph.op("Sub", values, graph.constant(space.center))
        parts.append(graph.op("Div", centered, graph.constant(space.scale)))
    if len(space.codes):
        codes = _codes(graph, x, space)
        for place, table in enumerate(space.tables):
            code = graph.op("Gather", codes, graph.constant(np.int64(place)), axis=1)
            parts.append(graph.op("Gather", graph.constant(table), code, axis=0))
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=1)


def _scaled(graph: Graph, values: str, unit: Array) -> str:
    sizes = graph.op("Div", graph.op("Abs", values), graph.constant(np.where(unit > 0, unit, 1.0)))
    logs = graph.op("Log", graph.op("Add", graph.constant(1.0), sizes))
    signed = graph.op("Mul", graph.op("Sign", values), logs)
    return signed if (unit > 0).all() else graph.op("Where", graph.constant(unit > 0), signed, values)


def _codes(graph: Graph, x: str, space: Space) -> str:
    """Return the codes (rows, c) int64, those without a place as other."""
    codes = graph.op("Gather", x, graph.constant(space.codes), axis=1)
    sizes = np.array([len(table) for table in space.tables], dtype=np.float32)
    is_code = graph.op("GreaterOrEqual", codes, graph.constant(np.float32(0)))
    is_known = graph.op("And", is_code, graph.op("Less", codes, graph.constant(sizes)))
    return graph.op("Cast", graph.op("Where", is_known, codes, graph.constant(np.float32(CODE_OTHER))), to=INT64)


def _scores(graph: Graph, z: str, clusters: Clusters) -> str:
    rule = clusters.rule
    if isinstance(rule, Gaussians):
        return _gaussian(graph, z, rule)
    if isinstance(rule, Cores):
        return _near(graph, z, rule, clusters.segments)
    return graph.op("Mul", _squared(graph, z, clusters.centers), graph.constant(-1.0))


def _gaussian(graph: Graph, z: str, rule: Gaussians) -> str:
    if rule.root.ndim == 2:
        gap = graph.op("Sub", _raised(graph, z), graph.constant(rule.mean))
        far = _sum(graph, _square(graph, graph.op("Mul", gap, graph.constant(rule.root))), 2)
    else:
        parts = []
        for mean, root in zip(rule.mean, rule.root, strict=True):
            turned = graph.op("MatMul", graph.op("Sub", z, graph.constant(mean)), graph.constant(root))
            parts.append(graph.op("ReduceSum", _square(graph, turned), _axes(graph, 1), keepdims=1))
        far = graph.op("Concat", *parts, axis=1)
    return graph.op("Sub", graph.constant(rule.constant), graph.op("Mul", far, graph.constant(0.5)))


def _near(graph: Graph, z: str, rule: Cores, segments: int) -> str:
    """|z|^2 - 2 z c + |c|^2 by one product per segment: the points times cores times dimensions would not fit."""
    size = graph.op("ReduceSum", _square(graph, z), _axes(graph, 1), keepdims=1)
    parts = []
    for k in range(segments):
        core = rule.points[rule.segment == k]
        product = graph.op("MatMul", z, graph.constant(np.ascontiguousarray(core.T)))
        twice = graph.op("Mul", graph.constant(2.0), product)
        gap = graph.op("Add", graph.op("Sub", size, twice), graph.constant((core**2).sum(axis=1)))
        parts.append(graph.op("ReduceMin", gap, _axes(graph, 1), keepdims=1))
    negative = graph.op("Mul", graph.op("Concat", *parts, axis=1), graph.constant(-1.0))
    rounded = graph.double(graph.op("Cast", negative, to=FLOAT))
    held = graph.op("GreaterOrEqual", rounded, graph.constant(-LARGEST))
    return graph.op("Where", held, rounded, graph.constant(-LARGEST))


def _squared(graph: Graph, z: str, centers: Array) -> str:
    """Return the squared distances (rows, K)."""
    return _sum(graph, _square(graph, graph.op("Sub", _raised(graph, z), graph.constant(centers))), 2)


def _raised(graph: Graph, z: str) -> str:
    """Return the points as (rows, 1, D)."""
    return graph.op("Unsqueeze", z, _axes(graph, 1))


def _square(graph: Graph, value: str) -> str:
    return graph.op("Mul", value, value)


def _sum(graph: Graph, value: str, axis: int) -> str:
    return graph.op("ReduceSum", value, _axes(graph, axis), keepdims=0)


def _axes(graph: Graph, axis: int) -> str:
    return graph.constant(np.array([axis], dtype=np.int64))
