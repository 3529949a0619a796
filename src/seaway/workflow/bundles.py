"""`seaway verify` and `seaway card`: what a bundle says of itself, without a trainer installed."""

from __future__ import annotations

import functools
from pathlib import Path

from seaway.core.answer import Answerer
from seaway.core.bundle import CARD_TEXT, open_bundle
from seaway.core.settings import ServeSettings
from seaway.core.verdict import Verdict
from seaway.release import verify
from seaway.release.verify import FirstLoad
from seaway.security import proven, sandbox
from seaway.security.sign import TrustFolder
from seaway.workflow.workspace import Workspace, open_project


def verify_bundle(reference: str, *, folder: Path, trust: Path | None = None) -> list[Verdict]:
    """Verify a bundle: signature, digests, allow-list, parity, in that order.

    `reference` is a folder, an archive, a version or a digest; `trust` a folder of public keys, by default the project's
    around `folder`. A folder or archive with `trust` needs no project. What was never loaded here is loaded within limits first.
    """
    if trust is not None and Path(reference).exists():
        return verify.verify(Path(reference), TrustFolder(trust), first_load=_limited(trust, ServeSettings()))
    workspace = open_project(folder)
    keys = trust or workspace.project.keys
    path = Path(reference) if reference and Path(reference).is_file() else workspace.bundle(reference)
    return verify.verify(path, TrustFolder(keys), first_load=prover(workspace, keys))


def prover(workspace: Workspace, keys: Path) -> FirstLoad:
    """Return what loads a release within the project's limits unless it has been, and remembers that it has."""
    settings = workspace.settings.serve
    return functools.partial(
        proven.prove,
        keys=keys,
        proven=workspace.project.make().proven,
        memory=settings.load_memory,
        seconds=settings.load_s,
    )


def _limited(keys: Path, settings: ServeSettings) -> FirstLoad:
    """Return what loads a release within limits where there is no project to remember it."""

    def load(folder: Path, digest: str) -> None:
        sandbox.first_load(folder, keys, memory=settings.load_memory, seconds=settings.load_s)

    return load


def card(workspace: Workspace, reference: str = "") -> str:
    """Return a release's model card in Markdown."""
    bundle = open_bundle(workspace.bundle(reference), workspace.verifier)
    return bundle.files[CARD_TEXT].decode()


def answerer(workspace: Workspace, reference: str = "") -> Answerer:
    """Open a release for answering in this process."""
    return Answerer(workspace.bundle(reference), workspace.verifier)
