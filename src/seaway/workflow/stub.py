"""`seaway client stub`: a typed client module for the contract of this project's release, or of a server's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seaway.client import Client
from seaway.client.stub import stub
from seaway.core import durable
from seaway.core.bundle import open_bundle
from seaway.core.errors import BadInput
from seaway.workflow.workspace import Workspace


class Stub(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, and from which contract."""

    path: str
    model: str
    release: str
    contract: str


def of_project(workspace: Workspace, target: Path, reference: str = "") -> Stub:
    """Write the module for a release of the project: the champion, where none is named."""
    bundle = open_bundle(workspace.bundle(reference), workspace.verifier)
    model = bundle.manifest.model
    source = stub(bundle.contract, model, bundle.digest)
    return _write(target, source, model, bundle.digest, bundle.contract.digest)


def of_server(url: str, target: Path, *, model: str = "", ca: Path | None = None, plain: bool = False) -> Stub:
    """Write the module for what a server answers with; the key is taken from SEAWAY_KEY."""
    with Client(url, model=model, ca=ca, plain=plain) as client:
        served = client.contract()
    return _write(
        target, stub(served.contract, served.model, served.release), served.model, served.release, served.digest
    )


def _write(target: Path, source: str, model: str, release: str, contract: str) -> Stub:
    if target.suffix != ".py":
        raise BadInput(
            "A module of Python ends with .py", where=str(target), fix="Name it so, for example -o churn_client.py."
        )
    with durable.disk("The module cannot be written", target):
        durable.write(target, source.encode(), mode=0o644)
    return Stub(path=str(target), model=model, release=release, contract=contract)
