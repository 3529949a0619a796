"""`series.json`: a forecast as plain values, and the trees of its members in `N/graph.onnx` beside it.

Plain JSON: `{"format": 1, "members": [{"method": {"kind": ...}, "weight": w}, ...], "finish": {...} or null}`. Location and
spread of the members, weighted and added, go through the finish. A member program holds one member of weight 1 and no finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from seaway.core import canonical
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.errors import Untrusted
from seaway.engines.series import finish as last_step
from seaway.engines.series.design import Design
from seaway.engines.series.finish import ENGINE, Finish

FILE = "series.json"
MAX_BYTES = 4 << 20
MAX_MEMBERS = 64
MAX_WINDOW = 1 << 15
"""Most rows that a forecast may look back; a contract may allow fewer."""

ANSWERS = {"mean": ("step",), "quantiles": ("step", "level")}
"""What a finished forecast answers, with its axes after the case."""

Window = Annotated[int, msgspec.Meta(ge=1, le=MAX_WINDOW)]
Season = Annotated[int, msgspec.Meta(ge=1, le=MAX_WINDOW)]


class SeasonalNaive(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="seasonal-naive"
):
    """The newest known value of the same phase of the season; season 1 is the last value."""

    window: Window
    season: Season


class Drift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="drift"):
    """The line from the first known value of the window to the last."""

    window: Window


class Lagged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="lagged"):
    """Trees over a design of the window; `growth` (steps,) is the spread at each step in units of the design's scale."""

    design: Design
    growth: tuple[float, ...]
    graph: str


Method = SeasonalNaive | Drift | Lagged


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One method and its weight in the blend."""

    method: Method
    weight: float = 1.0


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `series.json`."""

    format: int
    members: tuple[Member, ...]
    finish: Finish | None = None


def member_program(method: Method, graph: bytes | None = None) -> Program:
    """Return one method as a program of its own, with its graph where it has one."""
    document = Document(format=1, members=(Member(method=method),))
    files = {FILE: canonical.encode(document)}
    if isinstance(method, Lagged) and graph is not None:
        files[method.graph] = graph
    return Program(engine=ENGINE, files=files)


def decode(program: Program) -> Document:
    """Read `series.json`, and raise `Untrusted` unless it is of its form and names just the files that are there."""
    data = program.files.get(FILE)
    if data is None:
        raise refuse(f"{FILE} is not there")
    if len(data) > MAX_BYTES:
        raise refuse(f"it has {len(data)} bytes, more than {MAX_BYTES}")
    document = canonical.decode(data, Document, where=FILE)
    if document.format != 1:
        raise refuse(f"its format is {document.format}, this version reads 1")
    if not 1 <= len(document.members) <= MAX_MEMBERS:
        raise refuse(f"it has {len(document.members)} members, not 1 to {MAX_MEMBERS}")
    graphs = graphs_of(document)
    if graphs != [f"{place}/graph.onnx" for place in range(len(graphs))]:
        raise refuse("its graphs are not named 0/graph.onnx and on, one for each member with trees")
    surplus = sorted(set(program.files) ^ {FILE, *graphs})
    if surplus:
        raise refuse(f"the file {surplus[0]!r} is there or named, but not both")
    return document


def hold(document: Document, contract: Contract) -> None:
    """Raise `Untrusted` unless the forecast is one for this contract."""
    series = contract.series
    if series is None or contract.target is None:
        raise refuse("the contract is not about series")
    if document.finish is not None:
        last_step.held(document.finish, series.horizon)
        told = {output.name: output.axes for output in contract.outputs if output.name != "margin"}
        if told != ANSWERS:
            raise refuse(
                f"it answers {' and '.join(ANSWERS)} by step, the contract wants {', '.join(told) or 'nothing'}"
            )
    for member in document.members:
        method = member.method
        window = method.design.window if isinstance(method, Lagged) else method.window
        if series.history and window > series.history:
            raise refuse(f"a member looks back {window} rows, the contract hands over {series.history}")
        if isinstance(method, Lagged):
            for fault in method.design.faults(len(contract.encoded)):
                raise refuse(f"of a member's design, {fault}")
            growth = np.array(method.growth)
            if growth.shape != (series.horizon,) or not (np.isfinite(growth) & (growth > 0)).all():
                raise refuse(f"a member's spread is not {series.horizon} positive numbers")


def graphs_of(document: Document) -> list[str]:
    """Return the names of the graphs, in the order of the members."""
    return [member.method.graph for member in document.members if isinstance(member.method, Lagged)]


def refuse(what: str) -> Untrusted:
    """Return the error for a program that is none."""
    return Untrusted(
        f"This is no program of the engine 'series': {what}",
        where=FILE,
        fix="Release the run again.",
        code="series-not-allowed",
    )


def encode(members: Sequence[Member], finish: Finish | None) -> bytes:
    """Return the bytes of `series.json`: canonical, so equal content has equal bytes."""
    return canonical.encode(Document(format=1, members=tuple(members), finish=finish))
