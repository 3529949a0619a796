"""From a project's files to a dataset that may teach and judge."""

from __future__ import annotations

from pathlib import Path

from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Rows
from seaway.data import build, read
from seaway.workflow.workspace import Workspace


def load(workspace: Workspace, rows: Rows | None = None) -> Dataset:
    """Read the project's data (or take `rows`), hold them to the contract, and set the judging rows apart."""
    settings = workspace.settings
    source = "" if rows is not None else str(settings.project.data)
    teaching = read_rows(workspace.source(), workspace.contract) if rows is None else rows
    if settings.project.test:
        judging = read_rows(workspace.project.folder / settings.project.test, workspace.contract)
        return build.dataset(teaching, workspace.contract, settings, source=source, judging=judging)
    return build.dataset(teaching, workspace.contract, settings, source=source)


def read_rows(path: Path, contract: Contract) -> Rows:
    """Read a file's rows; the contract names the columns that must be there."""
    return read.table(path)
