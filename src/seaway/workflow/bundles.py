"""`seaway verify` and `seaway card`: what a bundle says of itself, without a trainer installed."""

from __future__ import annotations

from pathlib import Path

from seaway.core.answer import Answerer
from seaway.core.bundle import CARD_TEXT, open_bundle
from seaway.core.verdict import Verdict
from seaway.release import verify
from seaway.security.sign import TrustFolder
from seaway.workflow.workspace import Workspace, open_project


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
