"""`seaway serve`: the project's models behind HTTP, following the registry."""

from __future__ import annotations

from seaway.core.errors import Refused
from seaway.serve import workers
from seaway.workflow.workspace import Workspace


def serve(workspace: Workspace) -> int:
    """Serve until stopped; returns the exit code of the command."""
    if not workspace.registry.models():
        raise Refused(
            "There is nothing to serve: no model has a release",
            where=str(workspace.project.folder),
            fix="Run `seaway train` and `seaway release` first.",
            code="nothing-to-serve",
        )
    return workers.serve(workspace.project.make().state, workspace.settings.serve)
