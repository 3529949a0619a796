"""A candidate's members, blend and finish as one program. The composers load the graph builder, which serving never needs."""

from __future__ import annotations

from seaway.core import extend
from seaway.core.candidate import Candidate, Program
from seaway.core.errors import InexactExport
from seaway.core.protocols import Compose


def compile_candidate(candidate: Candidate) -> Program:
    """Return one program for the whole model, composed by the engine that all its members share.

    A sole member of an engine that composes nothing is the program itself.
    """
    engines = {program.engine for program, _ in candidate.members}
    if candidate.blend == "margin" and len(engines) == 1 and engines <= set(extend.names("compose")):
        compose: Compose = extend.load("compose", engines.pop())
        return compose(candidate.members, candidate.finish)
    if len(candidate.members) == 1 and candidate.finish is None:
        return candidate.members[0][0]
    raise InexactExport(
        f"{len(candidate.members)} members of the engines {', '.join(sorted(engines))}, blended by {candidate.blend}, make no one program",
        where="release",
        fix="Train with members of one engine whose margins are blended.",
    )
