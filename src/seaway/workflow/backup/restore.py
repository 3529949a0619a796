"""`seaway restore`: a project from a backup, where no project stands yet, after every byte of the backup held.

Verified first, in the backup itself, and nothing is written unless all of it holds: the signature of the listing, every file's
digest, the registry, every release by its own signature and by its answers on the parity vectors, every record of the log, the
audit chain. Then the files are copied, held to the signed digests once more on their way, and get their name in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core import durable
from seaway.core.errors import Unavailable, Untrusted
from seaway.core.project import STATE
from seaway.core.verdict import Verdict, failed
from seaway.registry.store import Registry
from seaway.security.sign import TrustFolder
from seaway.workflow.backup import listing as listings
from seaway.workflow.backup import staging
from seaway.workflow.backup.examine import check_files, examine
from seaway.workflow.backup.listing import Listing
from seaway.workflow.backup.staging import Copy
from seaway.workflow.workspace import person


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came of it: `is_done` says whether the project stands in `folder`; if not, nothing was written."""

    folder: Path
    is_done: bool
    listing: Listing
    verdicts: tuple[Verdict, ...]


def restore(backup: Path, target: Path, *, trust: Path | None = None, principal: str = "") -> Restored:
    """Restore a backup into a folder that does not exist yet or is empty.

    The listing's signature is held to the keys in `trust`; without it, to those that came with the backup, which finds damage
    but not an exchange of the whole backup. Raises `Untrusted` where the signature does not hold.
    """
    backup, target = backup.absolute(), target.absolute()
    staging.refuse_there(target, "project")
    keys = trust or backup / listings.STATE / "keys"
    with durable.disk("The backup cannot be read", backup):
        found = listings.read(backup, TrustFolder(keys, context=listings.CONTEXT))
        verdicts = [_signed(found, trust), check_files(backup, found)]
        if not failed(verdicts):
            state = backup / listings.STATE
            verdicts += examine(state, replays=True, missing=found.missing, damaged=found.damaged)
    if failed(verdicts):
        return Restored(folder=target, is_done=False, listing=found, verdicts=tuple(verdicts))
    with durable.disk("The project cannot be restored", target), staging.staged(target, "project") as folder:
        _copy(backup, folder, found)
        Registry(folder / STATE).note(
            None, "restored", reason=f"from the backup of {found.made}", principal=principal or person()
        )
        verdicts += [
            one
            for one in examine(folder / STATE, replays=False, missing=found.missing, damaged=found.damaged)
            if one.outcome == "fail"
        ]
        if failed(verdicts):  # the backup held, so the disk that it was written to does not
            raise Unavailable(
                f"What was restored does not hold: {failed(verdicts)[0].message}",
                where=str(target),
                fix="Nothing is left of it. Check the disk, then restore again.",
            )
    return Restored(folder=target, is_done=True, listing=found, verdicts=tuple(verdicts))


def _signed(found: Listing, trust: Path | None) -> Verdict:
    """The backup's listing is signed by a key that is trusted."""
    if trust is not None:
        message = f"The listing of {found.made[:19]} is signed by a key in {trust.name}"
        return Verdict(code="B001", outcome="pass", subject="listing", message=message)
    return Verdict(
        code="B001",
        outcome="pass",
        subject="listing",
        message=f"The listing of {found.made[:19]} is signed by a key that came with it, which finds damage, not an exchange",
        fix="Name a folder with the project's signing.pub by --trust to find an exchange of the whole backup too.",
    )


def _copy(backup: Path, folder: Path, found: Listing) -> None:
    copy = Copy(folder)
    (folder / STATE).mkdir(mode=0o700)
    for name, entry in found.files.items():
        place = f"{STATE}{name.removeprefix(listings.STATE)}" if name.startswith(f"{listings.STATE}/") else name
        copy.take(place, backup / name, mode=_mode(name))
        if copy.files[place] != entry:
            raise Untrusted(
                f"{name} changed while it was read", where=str(backup), fix="Restore from another copy of the backup."
            )


def _mode(name: str) -> int:
    """Return the rights a file of a project has: what people edit and public keys are readable, bundles cannot be written."""
    if name.startswith(f"{listings.STATE}/bundles/"):
        return 0o444
    return 0o644 if not name.startswith(f"{listings.STATE}/") or name.endswith(".pub") else 0o600
