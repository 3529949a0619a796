"""Members and a finish as one program of the engine "series": the document lists them, their graphs lie beside it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seaway.core import canonical
from seaway.core.candidate import Program
from seaway.core.errors import InexactExport
from seaway.engines.series import finish as last_step
from seaway.engines.series.document import FILE, Lagged, Member, decode, encode
from seaway.engines.series.finish import ENGINE, Finish


def compose(members: Sequence[tuple[Program, float]], finish: Program | None = None) -> Program:
    """Return one program: location and spread of the members, weighted and added, then finished.

    Members of weight 0 are left out.
    """
    parts, graphs = list[Member](), dict[str, bytes]()
    for program, weight in members:
        if weight == 0.0:
            continue
        if program.engine != ENGINE:
            raise _refuse(f"a program of the engine {program.engine!r} is no forecast", "Blend it as one of its own.")
        for member in _unfinished(program):
            method = member.method
            if isinstance(method, Lagged):
                place = f"{len(graphs)}/graph.onnx"
                graphs[place] = program.files[method.graph]
                method = msgspec.structs.replace(method, graph=place)
            parts.append(Member(method=method, weight=member.weight * weight))
    if not parts:
        raise _refuse("no member has a weight other than 0", "Train one model at least, and give it a weight.")
    step = None if finish is None else _finish(finish)
    return Program(engine=ENGINE, files={FILE: encode(parts, step), **graphs})


def _unfinished(program: Program) -> Sequence[Member]:
    document = decode(program)
    if document.finish is not None:
        raise _refuse("a member is finished already", "Finish after composing, not before.")
    return document.members


def _finish(program: Program) -> Finish:
    if program.engine != ENGINE or set(program.files) != {last_step.FILE}:
        raise _refuse(f"the finish is not {last_step.FILE} of the engine {ENGINE!r}", "Fit it on these members.")
    return canonical.decode(program.files[last_step.FILE], Finish, where=last_step.FILE)


def _refuse(what: str, fix: str) -> InexactExport:
    return InexactExport(f"No forecast can be composed: {what}", where="engines.series.compose", fix=fix)
