"""Members and a finish as one graph: weighted margins, added, then calibrated, linked and decided."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Program
from seaway.core.errors import InexactExport
from seaway.engines import explain, forest
from seaway.engines.explain import Explain, ForestPart
from seaway.engines.export import forest_margin, member, program
from seaway.engines.forest import Forest
from seaway.engines.graph import FLOAT, Graph
from seaway.engines.readers.onnx import sole_forest
from seaway.engines.walk import GRAPH, Walked, walk


def compose(members: Sequence[tuple[Program, float]], finish: Program | None = None) -> Program:
    """Return one program: the members' margins, weighted and added, then finished.

    Members that are forests become one TreeEnsemble node with scaled leaves; members of weight 0 are left out.
    """
    parsed = [(_walked(one), one.files[GRAPH], weight) for one, weight in members if weight != 0.0]
    features, targets = _widths([walked for walked, _, _ in parsed])
    graph = Graph()
    total, told = "", list[tuple[Explain | None, float]]()
    for trees, of_trees in _forests([(walked, weight) for walked, _, weight in parsed]):
        total = graph.plus(total, forest_margin(graph, "x", trees))
        told.append((of_trees, 1.0))
    for walked, data, weight in parsed:
        if sole_forest(walked.model) is None:
            margin = graph.inline(data, {"x": "x"})["margin"]
            total = graph.plus(total, graph.times(margin, weight))
            told.append((walked.explain, weight))
    known = [(part, weight) for part, weight in told if part is not None]
    blended = explain.blended(known) if len(known) == len(told) else None
    if finish is None:
        return member(graph, total, features, targets, blended)
    return _finished(graph, total, features, targets, finish, blended)


def _finished(
    graph: Graph, total: str, features: int, targets: int, finish: Program, blended: Explain | None
) -> Program:
    walked = _walked(finish)
    raw, infos = walked.model.inputs.get("raw"), walked.model.outputs
    if raw is None or len(walked.model.inputs) != 1 or raw.dims[1:] != (targets,):
        raise _refuse(
            f"the finish does not take the {targets} margins of these members as `raw`",
            "Fit it on the margins of these members.",
        )
    values = graph.inline(finish.files[GRAPH], {"raw": total})
    outputs = {
        name: (values[name], info.kind, tuple(int(size) for size in info.dims[1:])) for name, info in infos.items()
    }
    calibration = walked.explain
    told = blended and calibration and explain.calibrated(blended, calibration.slope, calibration.shift)
    return program(graph.model({"x": (FLOAT, (features,))}, outputs), told)


def _forests(members: Sequence[tuple[Walked, float]]) -> list[tuple[Forest, Explain | None]]:
    """Return the members that are forests, scaled, and as one forest where they can be one."""
    scaled, known = list[Forest](), True
    for walked, weight in members:
        parts = walked.explain.parts if walked.explain else ()
        cover = next((part.leaf_cover for part in parts if isinstance(part, ForestPart)), None)
        trees = sole_forest(walked.model, cover)
        if trees is not None:
            scaled.append(forest.scaled(trees, weight))
            known &= cover is not None
    whole = [forest.joined(scaled)] if scaled and forest.joinable(scaled) else scaled
    return [(trees, explain.of_forest(trees) if known else None) for trees in whole]


def _walked(one: Program) -> Walked:
    if one.engine != "onnx":
        raise _refuse(f"a program of the engine {one.engine!r} is no graph", "Blend it as a program of its own.")
    return walk(one)


def _widths(members: Sequence[Walked]) -> tuple[int, int]:
    """Return the features and targets that all members share."""
    if not members:
        raise _refuse("no member has a weight other than 0", "Train one model at least, and give it a weight.")
    if any((set(one.model.inputs), set(one.model.outputs)) != ({"x"}, {"margin"}) for one in members):
        raise _refuse("a member is not a program from `x` to `margin`", "Finish after composing, not before.")
    widths = {(one.model.inputs["x"].dims[1], one.model.outputs["margin"].dims[1]) for one in members}
    if len(widths) != 1:
        raise _refuse("the members differ in features or targets", "Compose members of one contract only.")
    features, targets = widths.pop()
    return int(features), int(targets)


def _refuse(what: str, fix: str) -> InexactExport:
    return InexactExport(f"No graph can be composed: {what}", where="engines.compose", fix=fix)
