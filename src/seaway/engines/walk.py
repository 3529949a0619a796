"""Looks through a program of the engine "onnx" before any library sees it: its files, its graph, its trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seaway.core.candidate import Program
from seaway.core.errors import Untrusted
from seaway.engines import explain, wire
from seaway.engines.explain import Explain, ForestPart
from seaway.engines.forest import Forest
from seaway.engines.readers.onnx import ensemble, ensembles
from seaway.engines.shapes import Dims, infer

GRAPH = "graph.onnx"


@dataclass(frozen=True, kw_only=True, eq=False)
class Walked:
    """A program that was looked through: the graph, its ensembles in order, and what explains it, if that is there."""

    model: wire.Model
    forests: tuple[Forest, ...]
    explain: Explain | None


def walk(program: Program) -> Walked:
    """Look at every byte of the program; raise `Untrusted` for anything that is not listed or does not fit together."""
    surplus = sorted(set(program.files) - {GRAPH, explain.FILE})
    if surplus or GRAPH not in program.files:
        raise _refuse(f"the file {surplus[0]!r} is not part of one" if surplus else f"{GRAPH} is not there", "program")
    model = wire.read(program.files[GRAPH])
    shapes = infer(model)
    widths = [_width(shapes, node) for node in ensembles(model)]
    told = explain.decode(program.files[explain.FILE]) if explain.FILE in program.files else None
    return Walked(model=model, forests=_forests(model, widths, told), explain=told)


def _forests(model: wire.Model, widths: list[int], told: Explain | None) -> tuple[Forest, ...]:
    nodes = ensembles(model)
    if told is None:
        return tuple(ensemble(node, width) for node, width in zip(nodes, widths, strict=True))
    if told.parts and ("x" not in model.inputs or model.inputs["x"].dims[1:] != (told.features,)):
        raise _refuse("graph and explanation differ in features", explain.FILE)
    parts = [part for part in told.parts if isinstance(part, ForestPart)]
    if len(parts) != len(nodes):
        raise _refuse(f"it has {len(nodes)} tree ensembles, its explanation {len(parts)}", explain.FILE)
    forests = tuple(
        ensemble(node, width, leaf_cover=part.leaf_cover, base=np.array(part.base), zeros=part.zeros)
        for node, width, part in zip(nodes, widths, parts, strict=True)
    )
    if any(trees.targets != told.targets for trees in forests):
        raise _refuse("graph and explanation differ in targets", explain.FILE)
    return forests


def _width(shapes: Mapping[str, Dims], node: wire.Node) -> int:
    """Return the number of features an ensemble reads; `infer` has seen that it is one."""
    return int(shapes[node.inputs[0]][1])


def _refuse(what: str, where: str) -> Untrusted:
    return Untrusted(
        f"This is no program of the engine 'onnx': {what}",
        where=where,
        fix="Release the run again.",
        code="graph-not-allowed",
    )
