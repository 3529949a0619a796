"""What an ONNX graph does not hold and an explanation needs: `explain.json` beside `graph.onnx` in a program.

Plain JSON: `{"format": 1, "features": F, "targets": T, "slope": [T], "shift": [T], "parts": [...]}`. The margin is
`slope * sum of the parts + shift`. A part `{"kind": "forest", "weight": w, "leaf_cover": [...]}` belongs to the next
TreeEnsemble node of the graph, in order, its covers in the order of the node's leaves; the trees themselves are read
from the graph. A part `{"kind": "additive", "weight": w, ...}` holds the linear model with its training means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Annotated

import msgspec
import numpy as np

from seaway.core import canonical
from seaway.core.batch import Array
from seaway.core.errors import InexactExport, Untrusted
from seaway.engines.additive import Additive
from seaway.engines.forest import Forest

FILE = "explain.json"

_MAX_BYTES = 64 << 20
_WHOLE = ("numbers", "codes", "starts")

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
Targets = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]


class ForestPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="forest"):
    """Covers of the leaves of one TreeEnsemble node, what is added to it, and the features whose zeros are missing."""

    weight: float
    leaf_cover: tuple[float, ...]
    base: tuple[float, ...]
    zeros: tuple[Count, ...] = ()


class AdditivePart(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="additive"
):
    """A linear model, field by field as in `Additive`."""

    weight: float
    features: Count
    intercept: tuple[float, ...]
    numbers: tuple[Count, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    fill: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    missing: tuple[tuple[float, ...], ...]
    codes: tuple[Count, ...]
    starts: tuple[Count, ...]
    table: tuple[tuple[float, ...], ...]
    mean: tuple[tuple[float, ...], ...]


class Explain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `explain.json`."""

    format: int
    features: Count
    targets: Targets
    slope: tuple[float, ...]
    shift: tuple[float, ...]
    parts: tuple[ForestPart | AdditivePart, ...]


def of_forest(forest: Forest) -> Explain:
    """Return what explaining this forest needs beside its graph."""
    part = ForestPart(
        weight=1.0,
        leaf_cover=tuple(forest.leaf_cover.tolist()),
        base=tuple(forest.base.tolist()),
        zeros=forest.zeros,
    )
    return _plain(forest.features, forest.targets, [part])


def of_additive(additive: Additive) -> Explain:
    """Return what explaining this linear model needs."""
    held = {f.name: getattr(additive, f.name) for f in fields(Additive)}
    lists = {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in held.items()}
    part = msgspec.convert({**lists, "weights": lists.pop("weight"), "weight": 1.0, "kind": "additive"}, AdditivePart)
    return _plain(additive.features, additive.targets, [part])


def blended(weighted: Iterable[tuple[Explain, float]]) -> Explain:
    """Return the explanation of the weighted sum of members, none of them calibrated on its own."""
    members = list(weighted)
    parts = [
        msgspec.structs.replace(part, weight=part.weight * weight)
        for member, weight in members
        for part in member.parts
    ]
    return _plain(members[0][0].features, members[0][0].targets, parts)


def calibrated(explain: Explain, slope: Sequence[float], shift: Sequence[float]) -> Explain:
    """Return the explanation of `slope * margin + shift`."""
    return msgspec.structs.replace(explain, slope=tuple(map(float, slope)), shift=tuple(map(float, shift)))


def additive_of(part: AdditivePart, targets: int) -> Additive:
    """Return the linear model of a part."""

    def array(name: str) -> Array:
        values = np.array(getattr(part, name), dtype=np.int64 if name in _WHOLE else np.float64)
        return values.reshape(-1, targets) if name in ("weights", "missing", "table", "mean") else values

    names = {f.name: f.name for f in fields(Additive) if f.name != "features"} | {"weight": "weights"}
    return Additive(features=part.features, **{own: array(name) for own, name in names.items()})


def encode(explain: Explain) -> bytes:
    """Return the bytes of `explain.json`: canonical, so equal content has equal bytes."""
    return canonical.encode(explain)


def decode(data: bytes) -> Explain:
    """Read `explain.json`, refusing anything that is not exactly of its form."""
    if len(data) > _MAX_BYTES:
        raise _refuse(f"it has {len(data)} bytes, more than {_MAX_BYTES}")
    explain = canonical.decode(data, Explain, where=FILE)
    try:
        additives = [part for part in explain.parts if isinstance(part, AdditivePart)]
        forests = [part for part in explain.parts if isinstance(part, ForestPart)]
        widths = [(additive_of(p, explain.targets).features, len(p.intercept)) for p in additives]
        widths += [(explain.features, len(p.base)) for p in forests]
    except (InexactExport, ValueError, ZeroDivisionError) as error:
        raise _refuse(str(error).split("\n", 1)[0]) from None
    if explain.format != 1:
        raise _refuse(f"its format is {explain.format}, this version reads 1")
    if (len(explain.slope), len(explain.shift)) != (explain.targets, explain.targets):
        raise _refuse("slope and shift must have one entry per target")
    if any(width != (explain.features, explain.targets) for width in widths):
        raise _refuse("a part has other features or targets than the whole")
    if not all(cover > 0 for part in forests for cover in part.leaf_cover):
        raise _refuse("a leaf cover is not positive")
    if not all(0 <= zero < explain.features for part in forests for zero in part.zeros):
        raise _refuse("a feature is not there")
    return explain


def _plain(features: int, targets: int, parts: Sequence[ForestPart | AdditivePart]) -> Explain:
    return Explain(
        format=1,
        features=features,
        targets=targets,
        slope=(1.0,) * targets,
        shift=(0.0,) * targets,
        parts=tuple(parts),
    )


def _refuse(what: str) -> Untrusted:
    return Untrusted(
        f"The program's {FILE} cannot be used: {what}",
        where=FILE,
        fix="Build the release again; without this file the model answers but is not explained.",
    )
