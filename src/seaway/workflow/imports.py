"""`seaway import` and `seaway export bundle`: releases that come from elsewhere, and releases that go there.

What comes in is held to its signature, copied to a place of its own under names that the signed manifest lists, verified there,
loaded within limits, and only then registered. Nothing is written outside that place before, and it is gone afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seaway.core import bundle, canonical, durable
from seaway.core.bundle import Manifest
from seaway.core.errors import BadInput, NotFound, Refused
from seaway.core.verdict import Verdict, failed
from seaway.registry import promote
from seaway.release import archive
from seaway.release.verify import verify
from seaway.security.sign import TrustFolder, signer_of
from seaway.workflow.bundles import prover
from seaway.workflow.workspace import Workspace, person

WAIT_S = 300.0
"""How long one import waits for another."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A release that was taken in; `trusted` is the id of a key that the project trusts since, empty where it did before."""

    model: str
    version: int
    digest: str
    champion: bool
    trusted: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A release written as one file."""

    model: str
    version: int
    digest: str
    file: Path
    size: int


def import_bundle(
    workspace: Workspace,
    path: Path,
    *,
    trust: Path | None = None,
    is_older: bool = False,
    reason: str = "",
    principal: str = "",
) -> Imported:
    """Take in a release built elsewhere, from a folder or an archive; the first of its model becomes champion.

    `trust` is a folder of public keys that are trusted for this release; the one that signed it is trusted by the project
    from then on. A release whose sequence is not above those known is refused unless `is_older`, with a reason. Raises
    `Untrusted` or `Refused` with what was wrong; nothing has changed then.
    """
    if is_older and not reason:
        raise BadInput(
            "An older release needs a reason", where="--reason", fix="Say why: it stands in the audit trail."
        )
    principal = principal or person()
    verifier = TrustFolder(trust) if trust else workspace.verifier
    with _staged(workspace, path, verifier) as (folder, manifest):
        verdicts = verify(folder, verifier, first_load=prover(workspace, verifier.folder))
        _refuse_failed(verdicts, path)
        with _trusting(workspace, folder, verifier, manifest.model, principal) as trusted:
            digest = workspace.registry.admit(folder, verdicts, principal, is_older=is_older, reason=reason)
    return Imported(
        model=manifest.model,
        version=manifest.version,
        digest=digest,
        champion=_is_champion(workspace, manifest.model, digest, principal),
        trusted=trusted,
        verdicts=tuple(verdicts),
    )


def export_bundle(workspace: Workspace, reference: str = "", out: Path | None = None) -> Exported:
    """Write a release as one file that `seaway import` takes: a version or digest, the champion without one.

    Without `out` it lies in the folder one stands in, named by model and version.
    """
    files = bundle.read_files(workspace.bundle(reference), workspace.verifier)
    manifest = canonical.decode(files[bundle.MANIFEST], Manifest, where=bundle.MANIFEST)
    out = out or Path(f"{manifest.model}-{manifest.version}{archive.SUFFIX}")
    if out.exists():
        raise BadInput("There is a file of that name already", where=str(out), fix="Choose another name.")
    if not out.parent.is_dir():
        raise NotFound("There is no such folder", where=str(out.parent), fix="Make it, or choose another place.")
    packed = archive.pack(files)
    with durable.disk("The archive cannot be written", out):
        durable.write(out, packed)
    return Exported(
        model=manifest.model,
        version=manifest.version,
        digest=canonical.digest(files[bundle.MANIFEST]),
        file=out,
        size=len(packed),
    )


@contextlib.contextmanager
def _staged(workspace: Workspace, path: Path, verifier: TrustFolder) -> Iterator[tuple[Path, Manifest]]:
    """Copy a bundle to a place of its own, as its signed manifest lists it; what a killed import left is removed first."""
    staging = workspace.project.make().state / "staging" / "import"
    with durable.locked(staging.parent / ".import", wait_s=WAIT_S, what="importing a bundle"):
        shutil.rmtree(staging, ignore_errors=True)
        files = bundle.read_files(path, verifier) if path.is_dir() else archive.read(path, verifier)
        manifest = canonical.decode(files[bundle.MANIFEST], Manifest, where=bundle.MANIFEST)
        folder = staging / f"{manifest.model}-{manifest.version}"
        try:
            with durable.disk("The bundle cannot be copied", staging):
                staging.mkdir(mode=0o700)
                bundle.lay(folder, files)
            yield folder, manifest
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _refuse_failed(verdicts: list[Verdict], path: Path) -> None:
    bad = failed(verdicts)
    if bad:
        raise Refused(
            "The bundle was not taken in: " + "; ".join(f"{verdict.code} {verdict.message}" for verdict in bad),
            where=str(path),
            fix=bad[0].fix or "Fetch it again from where it was made.",
            code="import-refused",
        )


@contextlib.contextmanager
def _trusting(workspace: Workspace, folder: Path, verifier: TrustFolder, model: str, principal: str) -> Iterator[str]:
    """Trust the key that signed the bundle from now on, where the caller named it and the project does not know it yet.

    Not where the bundle is refused after all. Gives the key's id, empty where there is nothing new to trust. The note comes
    before the key: whatever dies in between, no key is trusted that the audit trail does not know.
    """
    signer = signer_of((folder / bundle.SIGNATURE).read_bytes())
    known = workspace.verifier.keys()
    if signer in known:
        yield ""
        return
    note = functools.partial(workspace.registry.note, model, principal=principal)
    note("trusted", reason=f"key {signer}, by --trust, to import a release that it signed")
    added = workspace.project.keys / f"{signer}.pub"
    with durable.disk("The key cannot be written", added):
        durable.make_folder(added.parent)
        durable.write(added, verifier.keys()[signer].read_bytes())
    try:
        yield signer
    except BaseException:
        added.unlink(missing_ok=True)
        note("distrusted", reason=f"key {signer}: the release was refused")
        raise


def _is_champion(workspace: Workspace, model: str, digest: str, principal: str) -> bool:
    """Make the release the champion where the model has none; say whether it is."""
    assignment = workspace.registry.assignment(model)
    if assignment is None:
        assignment = promote.promote(
            workspace.registry, model, digest, reason="first release of the model", principal=principal
        )
    return assignment.champion == digest
