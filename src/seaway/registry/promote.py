"""The two moves that people make by hand: this release answers now, and back to what answered before."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.assignment import Assignment
from seaway.core.errors import Refused
from seaway.core.verdict import Verdict
from seaway.registry.store import Registry


def promote(
    registry: Registry,
    model: str,
    digest_or_version: str | int,
    reason: str,
    principal: str,
    *,
    evidence: Sequence[Verdict] = (),
) -> Assignment:
    """Let one release answer alone: champion, without canary or shadows. Where it does so already, nothing moves."""
    release = registry.release(model, digest_or_version)
    now = registry.assignment(model)
    if now is not None and now.champion == release.digest and now.canary is None and not now.shadows:
        return now
    return registry.move(
        Assignment(model=model, sequence=0, champion=release.digest, salt=now.salt if now else ""),
        expect=now.sequence if now else 0,
        reason=reason,
        principal=principal,
        evidence=evidence,
        kind="promoted",
    )


def rollback(
    registry: Registry, model: str, reason: str, principal: str, *, evidence: Sequence[Verdict] = ()
) -> Assignment:
    """Restore the whole former assignment (champion, canary, shadows, salt) as the newest one."""
    now, former = registry.assignment(model), registry.former(model)
    if now is None or former is None:
        raise Refused(
            f"{model} has no former assignment to go back to",
            where="registry",
            fix="Promote a release instead: `seaway models` lists them, `seaway promote VERSION` moves.",
        )
    return registry.move(
        former,
        expect=now.sequence,
        reason=reason,
        principal=principal,
        evidence=evidence,
        kind="rolled back",
        restores=former.sequence,
    )
