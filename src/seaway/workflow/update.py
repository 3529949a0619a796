"""`seaway update`: one turn of the loop."""

from __future__ import annotations

from seaway.lab.progress import Progress, Silent
from seaway.update import loop
from seaway.workflow.workspace import Workspace


def update(workspace: Workspace, *, asked: bool = False, progress: Progress | None = None) -> loop.Outcome:
    """Decide, rebuild, compare, roll out; goes on where an interrupted turn ended."""
    return loop.run(
        workspace.project.make(),
        workspace.settings,
        registry=workspace.registry,
        asked=asked,
        progress=progress or Silent(),
    )
