"""`seaway backup`: a consistent copy of a project's state, taken while servers answer and releases are promoted.

The order is what makes it consistent without stopping anyone. First what may lag behind the registry: the journals of updates,
which then are as after a crash, and the audit checkpoint. Then the registry, in one transaction of SQLite's. Then what may be
ahead of it: bundles, which never change and were all there before the registry named them, and the event log, of which every
record that was durable before the backup began is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway import __version__
from seaway.core import bundle, canonical, chance, durable
from seaway.core.errors import BadInput, Refused, Unavailable, Untrusted
from seaway.core.project import CONTRACT, LOCK, SETTINGS, Project
from seaway.core.verdict import Verdict
from seaway.registry import copying
from seaway.security import keys as access_keys
from seaway.security import sign
from seaway.security.sign import Ed25519Signer, TrustFolder
from seaway.serve import snapshot
from seaway.workflow.backup import listing, staging
from seaway.workflow.backup.examine import check_files, examine
from seaway.workflow.backup.listing import STATE, Listing
from seaway.workflow.backup.staging import Copy
from seaway.workflow.workspace import Workspace, person

FINISHED = "candidate.json"
"""What a run's folder holds once it is whole."""

PRIVATE = (sign.PRIVATE, access_keys.SECRET)


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """A backup that was read again and holds; `bytes` counts its files."""

    folder: Path
    listing: Listing
    bytes: int
    verdicts: tuple[Verdict, ...]


def backup(workspace: Workspace, target: Path, *, with_keys: bool = False, principal: str = "") -> BackedUp:
    """Write a backup of the project to a folder that does not exist yet, and read it again before it gets its name.

    Without `with_keys` no secret is in it: what is restored from it verifies all that was signed, signs with a new key, and
    no API key made before opens it. A release or a segment that is damaged in the project does not stop the backup: its
    verdict fails, and the listing names it.
    """
    project = workspace.project.make()
    target = target.absolute()
    _refuse_inside(target, project)
    staging.refuse_there(target, "backup")
    with_what = "with its private keys" if with_keys else "without its private keys"
    _note(workspace, f"to {target}, {with_what}", principal or person())
    signer = Ed25519Signer.load_or_make(project.keys, context=listing.CONTEXT)
    with durable.disk("The backup cannot be made", target), staging.staged(target, "backup") as folder:
        copy = Copy(folder)
        _copy_settings(copy, project)
        _copy_keys(copy, project, with_keys)
        _copy_work(copy, project)
        _copy_folder(copy, project.audit, f"{STATE}/audit", "*.json")
        missing = _copy_registry(copy, project)
        for part in snapshot.parts(project.log):
            copy.add(f"{STATE}/log/{part.model}/{part.name}", part.chunks())
        _copy_folder(copy, project.proven, f"{STATE}/proven", "*.json")
        found = _examined(folder / STATE)
        made = Listing(
            format=listing.FORMAT,
            seaway=__version__,
            model=workspace.model,
            made=chance.stamp(),
            with_keys=with_keys,
            missing=tuple(missing),
            damaged=tuple(next(one.evidence["damaged"] for one in found if one.code == "B005")),
            files=dict(copy.files),
        )
        raw = canonical.encode(made)
        copy.add(listing.LISTING, [raw])
        copy.add(listing.SIGNATURE, [signer.sign(raw)])
        verdicts = [_keys(with_keys), check_files(folder, made), *found]
    total = sum(size for _, size in made.files.values())
    return BackedUp(folder=target, listing=made, bytes=total, verdicts=tuple(verdicts))


def _examined(state: Path) -> list[Verdict]:
    """Return what the copy holds; a copy of a registry that cannot be read at all is none."""
    found = examine(state, replays=False)
    for verdict in found[:1]:
        if verdict.outcome == "fail" and len(found) == 1:
            raise Unavailable(
                f"The registry's copy cannot be read: {verdict.message}",
                where=str(state.parent),
                fix="Nothing is left of it. Check the disk and the registry (`seaway doctor`), then back up again.",
            )
    return found


def _note(workspace: Workspace, reason: str, principal: str) -> None:
    """Write down who takes a copy away; a chain that was tampered with takes no line, and is backed up as it is."""
    try:
        workspace.registry.note(None, "backed up", reason=reason, principal=principal)
    except Refused as error:
        if error.code != "broken-audit":
            raise


def _refuse_inside(target: Path, project: Project) -> None:
    if target.resolve().is_relative_to(project.state.resolve()):
        raise BadInput(
            "A backup inside the state that it backs up would be lost with it",
            where=str(target),
            fix="Name a folder elsewhere, best on another disk.",
        )


def _copy_settings(copy: Copy, project: Project) -> None:
    for name in (SETTINGS, CONTRACT, LOCK, ".gitignore"):
        if (project.folder / name).is_file():
            copy.take(name, project.folder / name)


def _copy_keys(copy: Copy, project: Project, with_keys: bool) -> None:
    """Copy whom the project trusts, and its own secrets only if told to.

    Without the private key, its public one gets another name: the restored project makes a key of its own under the old one.
    """
    for name, path in sorted((path.name, path) for path in project.keys.glob("*.pub")):
        is_own = name == sign.PUBLIC and not with_keys
        copy.take(f"{STATE}/keys/{_own_name(project) if is_own else name}", path, mode=0o644)
    for name in PRIVATE if with_keys else ():
        if (project.keys / name).exists():
            copy.take(f"{STATE}/keys/{name}", project.keys / name)


def _own_name(project: Project) -> str:
    of_id = {path.name: key for key, path in TrustFolder(project.keys).keys().items()}
    return f"signing-{of_id.get(sign.PUBLIC, 'unreadable')[:16]}.pub"


def _copy_work(copy: Copy, project: Project) -> None:
    """Copy finished runs, the journals of updates with their finished runs, and what the monitor has judged for good."""
    for run in sorted(project.runs.glob(f"*/{FINISHED}")):
        _copy_folder(copy, run.parent, f"{STATE}/runs/{run.parent.name}", "**/*")
    for journal in sorted(project.updates.glob("*/*/journal.ndjson")):
        name = f"{STATE}/updates/{journal.parent.relative_to(project.updates)}"
        copy.take(f"{name}/{journal.name}", journal)
        if (journal.parent / "run" / FINISHED).is_file():
            _copy_folder(copy, journal.parent / "run", f"{name}/run", "**/*")
    for judged in sorted(project.windows.glob("*/verdicts.ndjson")):
        copy.take(f"{STATE}/windows/{judged.parent.name}/{judged.name}", judged)


def _copy_folder(copy: Copy, folder: Path, name: str, pattern: str) -> None:
    """Copy the plain files of a folder; what is being written under a temporary name is not there yet."""
    for path in sorted(folder.glob(pattern)):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in inside.parts):
            copy.take(f"{name}/{inside}", path)


def _copy_registry(copy: Copy, project: Project) -> list[str]:
    """Copy the registry and the bundles that it names; return the digests of releases whose bundle is not whole here."""
    name = f"{STATE}/registry.db"
    path = copy.folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copying.copy(project.registry, path)
    path.chmod(0o600)
    copy.files[name] = staging.digest_of(path)
    missing = []
    for _, _, digest, _ in copying.survey(path, at_rest=True).releases:
        try:
            files = bundle.open_bundle(project.bundles / digest, TrustFolder(project.keys)).manifest.files
        except Untrusted:  # a disk that cannot be read is no reason to leave a release out
            missing.append(digest)
            continue
        for file in (bundle.MANIFEST, bundle.SIGNATURE, *sorted(files)):
            copy.take(f"{STATE}/bundles/{digest}/{file}", project.bundles / digest / file)
    return missing


def _keys(with_keys: bool) -> Verdict:
    """Whether what is restored from this backup can sign as this project does, and knows its API keys."""
    message = (
        "The signing key and the secret of the API keys are in it: whoever has this backup can sign as this project"
        if with_keys
        else "No secret is in it: what is restored verifies all releases, signs with a new key, and needs new API keys"
    )
    return Verdict(code="B007", outcome="pass", subject="keys", message=message)
