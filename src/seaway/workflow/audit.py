"""`seaway audit`: who changed what, and the proof that the record is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seaway.core import canonical, durable
from seaway.core.errors import BadInput, NotFound
from seaway.core.verdict import Verdict
from seaway.security import audit
from seaway.security.audit import Line
from seaway.security.sign import TrustFolder
from seaway.workflow.workspace import Workspace, person


def verify(workspace: Workspace, checkpoints: Sequence[Path] = (), *, trust: Path | None = None) -> list[Verdict]:
    """Hold the audit chain to itself, to the state, to the project's checkpoint and to others kept elsewhere.

    `trust` is a folder of public keys for the checkpoints kept elsewhere, by default the project's own.
    """
    found, heads = workspace.registry.verify_audit()
    verifier = TrustFolder(trust or workspace.project.keys, context=audit.CONTEXT)
    for path in checkpoints:
        if not path.is_file():
            raise NotFound(
                f"There is no checkpoint {path}",
                where=str(path),
                fix="Name a file that `seaway audit checkpoint` wrote.",
            )
        with durable.disk("The checkpoint cannot be read", path):
            data = path.read_bytes()
        found.append(audit.check_checkpoint(data, heads, verifier, str(path)))
    return found


def listed(workspace: Workspace, *, newest: int = 0) -> list[Line]:
    """List the lines of the audit chain, oldest first; `newest` of them only, 0 for all."""
    lines = workspace.registry.audit()
    return lines[-newest:] if newest else lines


def checkpoint(workspace: Workspace, target: Path) -> audit.Checkpoint:
    """Write a signed checkpoint of the chain as it is now, to be kept where nobody who can write here can reach."""
    _refuse_present(target)
    data = workspace.registry.checkpoint()
    with durable.disk("The checkpoint cannot be written", target):
        durable.write(target, data)
    return audit.read_checkpoint(data, None, str(target))


def export(workspace: Workspace, target: Path) -> int:
    """Write every line as canonical JSON, as `docs/verify_audit.py` and other tools read them; return how many."""
    _refuse_present(target)
    lines = workspace.registry.audit()
    with durable.disk("The export cannot be written", target):
        durable.write(target, b"".join(canonical.encode(line) + b"\n" for line in lines))
    return len(lines)


def _refuse_present(target: Path) -> None:
    if target.exists():
        raise BadInput(f"{target} is there already", where=str(target), fix="Name another file, or remove it.")


def accept(workspace: Workspace, *, reason: str, principal: str = "") -> list[Verdict]:
    """Go on from a chain that does not hold what its checkpoint saw; says who did and why; returns what holds then."""
    workspace.registry.accept_audit(reason, principal or person())
    return verify(workspace)
