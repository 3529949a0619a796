"""`seaway.mount`: a project's models as an ASGI application, for who has a host already."""

from __future__ import annotations

from pathlib import Path

from seaway.serve.mounted import Mounted
from seaway.workflow.serve import settings_of
from seaway.workflow.workspace import open_project


def mount(project: str | Path = ".") -> Mounted:
    """Return the project's models as an ASGI application: `app = seaway.mount("churn")`, then `uvicorn module:app`.

    Settings are those of the project's [serve]. Heads, deadlines, connections, framing and TLS are the host's.
    """
    workspace = open_project(project)
    return Mounted(workspace.project.make().state, settings_of(workspace))
