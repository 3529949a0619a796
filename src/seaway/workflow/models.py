"""`seaway models`, `promote`, `rollback` and `history`."""

from __future__ import annotations

import msgspec

from seaway.core.assignment import Assignment
from seaway.core.bundle import open_bundle
from seaway.registry import promote as moves
from seaway.registry.values import Entry, Release
from seaway.workflow.workspace import Workspace, person


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A release and what it answers as now: champion, canary with its share, shadow, or nothing."""

    model: str
    version: int
    digest: str
    role: str
    created: str
    principal: str


def models(workspace: Workspace) -> list[Standing]:
    """List every release of every model with who answers now."""
    registry = workspace.registry
    return [
        _standing(release, registry.assignment(model))
        for model in registry.models()
        for release in registry.releases(model)
    ]


def _standing(release: Release, assignment: Assignment | None) -> Standing:
    role = ""
    if assignment is not None:
        canary, share = assignment.canary or ("", 0.0)
        if release.digest == assignment.champion:
            role = "champion"
        elif release.digest == canary:
            role = f"canary {share:.0%}"
        elif release.digest in assignment.shadows:
            role = "shadow"
    return Standing(
        model=release.model,
        version=release.version,
        digest=release.digest,
        role=role,
        created=release.created,
        principal=release.principal,
    )


def history(workspace: Workspace) -> list[Entry]:
    """List everything that ever happened to the model, the oldest first."""
    return list(workspace.registry.history(workspace.model))


def promote(workspace: Workspace, reference: str, *, reason: str, principal: str = "") -> Assignment:
    """Make a release the champion, by a person with a reason; raises `Untrusted` where its bundle does not hold."""
    open_bundle(workspace.bundle(reference), workspace.verifier)
    return moves.promote(workspace.registry, workspace.model, reference, reason, principal or person())


def rollback(workspace: Workspace, *, reason: str, principal: str = "") -> Assignment:
    """Restore the whole former assignment."""
    return moves.rollback(workspace.registry, workspace.model, reason, principal or person())
