"""`seaway release`: from a run to a registered release."""

from __future__ import annotations

from dataclasses import dataclass

from seaway.core.assignment import Assignment
from seaway.core.dataset import Dataset
from seaway.registry import promote
from seaway.update.publish import Published, publish
from seaway.workflow import dataset
from seaway.workflow.train import opened
from seaway.workflow.workspace import Workspace, person


@dataclass(frozen=True, kw_only=True)
class Released:
    """A registered release, and who answers for the model now."""

    published: Published
    assignment: Assignment

    @property
    def champion(self) -> bool:
        """Whether this release answers already."""
        return self.assignment.champion == self.published.digest


def release(workspace: Workspace, run: str = "", *, data: Dataset | None = None, principal: str = "") -> Released:
    """Release a run (the newest without a name): champion if the model has none, else challenger."""
    principal = principal or person()
    published = publish(
        opened(workspace, run).candidate,
        dataset.load(workspace) if data is None else data,
        project=workspace.project.make(),
        settings=workspace.settings,
        registry=workspace.registry,
        principal=principal,
    )
    assignment = workspace.registry.assignment(workspace.model)
    if assignment is None:
        assignment = promote.promote(
            workspace.registry,
            workspace.model,
            published.digest,
            reason="first release of the model",
            principal=principal,
        )
    return Released(published=published, assignment=assignment)
