"""`seaway release`, `seaway verify` and `seaway card`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core.answer import Answerer
from seaway.core.assignment import Assignment
from seaway.core.bundle import CARD_TEXT, open_bundle
from seaway.core.dataset import Dataset
from seaway.core.verdict import Verdict
from seaway.registry import promote
from seaway.release import verify
from seaway.security.sign import TrustFolder
from seaway.update.publish import Published, publish
from seaway.workflow import dataset
from seaway.workflow.train import opened
from seaway.workflow.workspace import Workspace, open_project, person


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


def verify_bundle(reference: str, *, folder: Path, trust: Path | None = None) -> list[Verdict]:
    """Verify a bundle: signature, digests, allow-list, parity, in that order.

    `reference` is a folder, a version or a digest; `trust` a folder of public keys, by default the project's around `folder`.
    A folder with `trust` needs no project.
    """
    if trust is not None and Path(reference).is_dir():
        return verify.verify(Path(reference), TrustFolder(trust))
    workspace = open_project(folder)
    return verify.verify(workspace.bundle(reference), TrustFolder(trust) if trust else workspace.verifier)


def card(workspace: Workspace, reference: str = "") -> str:
    """Return a release's model card in Markdown."""
    bundle = open_bundle(workspace.bundle(reference), workspace.verifier)
    return bundle.files[CARD_TEXT].decode()


def answerer(workspace: Workspace, reference: str = "") -> Answerer:
    """Open a release for answering in this process."""
    return Answerer(workspace.bundle(reference), workspace.verifier)
