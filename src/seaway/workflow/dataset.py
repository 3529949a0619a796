"""From a project's files to a dataset that may teach and judge."""

from __future__ import annotations

from seaway.core.dataset import Dataset
from seaway.core.protocols import Rows
from seaway.data import build, prepared
from seaway.data.sources import address
from seaway.workflow.workspace import Workspace


def load(workspace: Workspace, rows: Rows | None = None) -> Dataset:
    """Read the project's data (or take `rows`), hold them to the contract, and set the judging rows apart."""
    named = workspace.settings.project
    return build.dataset(
        prepared.table(workspace.source(), workspace.settings) if rows is None else rows,
        workspace.contract,
        workspace.settings,
        # What a record shows of an address is where the rows are, not who asks for them.
        source=str(address.of(named.data)) if rows is None else "",
        test=prepared.table(address.within(named.test, workspace.project.folder), workspace.settings)
        if named.test
        else None,
    )
