"""`seaway serve`: the project's models behind HTTP, following the registry."""

from __future__ import annotations

import msgspec

from seaway.core.errors import Refused
from seaway.core.settings import ServeSettings
from seaway.serve import workers
from seaway.workflow.workspace import Workspace, person


def serve(workspace: Workspace) -> int:
    """Serve until stopped; returns the exit code of the command. Beginning, end and floods of wrong keys go into the audit."""
    registry, by = workspace.registry, person()
    if not registry.models():
        raise Refused(
            "There is nothing to serve: no model has a release",
            where=str(workspace.project.folder),
            fix="Run `seaway train` and `seaway release` first.",
            code="nothing-to-serve",
        )

    def note(kind: str, reason: str) -> None:
        registry.note(None, kind, reason=reason, principal=by)

    return workers.serve(workspace.project.make().state, settings_of(workspace), note=note)


def settings_of(workspace: Workspace) -> ServeSettings:
    """Return how to serve, with files found from the project."""
    serve, folder = workspace.settings.serve, workspace.project.folder
    found = {name: str(folder / getattr(serve, name)) for name in ("tls_cert", "tls_key") if getattr(serve, name)}
    return msgspec.structs.replace(serve, **found)
