"""`seaway monitor`: verdicts for the newest windows."""

from __future__ import annotations

from seaway.core.bundle import open_bundle
from seaway.monitor import watch
from seaway.monitor.watch import Report
from seaway.workflow.workspace import Workspace


def monitor(workspace: Workspace) -> Report:
    """Look at what was answered and what came true since the last look, and write the page."""
    bundle = open_bundle(workspace.bundle(), workspace.verifier)
    return watch.monitor(workspace.project, workspace.model, bundle, workspace.settings.monitor)
