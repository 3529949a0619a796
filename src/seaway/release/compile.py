"""A candidate's members, blend and finish as one program. Imports the graph builder, which serving never needs."""

from __future__ import annotations

from seaway.core.candidate import Candidate, Program
from seaway.core.errors import InexactExport
from seaway.engines.compose import compose


def compile_candidate(candidate: Candidate) -> Program:
    """Return one program for the whole model: one graph, or the sole member where its engine is no graph."""
    programs = [program for program, _ in candidate.members]
    engines = {program.engine for program in programs}
    if engines == {"onnx"} and candidate.blend == "margin":
        return compose(candidate.members, candidate.finish)
    if len(programs) == 1 and candidate.finish is None:
        return programs[0]
    raise InexactExport(
        f"{len(programs)} members of the engines {', '.join(sorted(engines))}, blended by {candidate.blend}, make no one program",
        where="release",
        fix="Train with members of one engine whose margins are blended.",
    )
