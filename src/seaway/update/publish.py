"""From a candidate to a registered release: reserve, build, replay over HTTP, register.

Each step may be repeated after a crash with the same end: the same candidate reserves the same version, builds the same bytes, and is
registered once. `seaway release` and the update loop both come here.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seaway.core import extend
from seaway.core.answer import encoder_of
from seaway.core.batch import Json, Query, split
from seaway.core.candidate import Candidate
from seaway.core.dataset import Dataset
from seaway.core.durable import locked
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.registry.store import Registry
from seaway.release import build
from seaway.security import proven
from seaway.security.sign import Ed25519Signer, TrustFolder

WAIT_S = 900.0
"""How long one release of a project waits for another."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A release that the registry knows."""

    model: str
    version: int
    digest: str
    folder: Path
    verdicts: tuple[Verdict, ...]


def publish(
    candidate: Candidate,
    data: Dataset,
    *,
    project: Project,
    settings: Settings,
    registry: Registry,
    principal: str,
) -> Published:
    """Build, verify and register a candidate; raises `Refused` with the evidence when a verdict fails."""
    model = settings.project.name
    reservation = registry.reserve(model, candidate.digest)
    staging = project.state / "staging" / f"{model}-{reservation.version}"
    with locked(project.state / "staging" / ".publish", wait_s=WAIT_S, what="publishing a release"):
        try:
            built = build.build(
                candidate,
                model=model,
                version=reservation.version,
                sequence=reservation.sequence,
                parent=reservation.parent,
                created=reservation.created,
                signer=Ed25519Signer.load_or_make(project.keys),
                verifier=TrustFolder(project.keys),
                settings=settings,
                real=real_pairs(candidate, data),
                replay=functools.partial(extend.load("replay", "http"), limits=settings.serve),
                keys=project.keys,
                staging=staging,
            )
            digest = registry.register(built.folder, reservation, built.verdicts, principal)
            proven.record(
                project.proven, digest
            )  # the replay's server was a process of its own, within the same limits
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return Published(
        model=model,
        version=reservation.version,
        digest=digest,
        folder=registry.store.get(digest),
        verdicts=tuple(built.verdicts),
    )


def real_pairs(candidate: Candidate, data: Dataset) -> list[tuple[Query, Mapping[str, Json]]]:
    """Return every held-out case as a client would ask about it, with the trained model's own answer as it must come back."""
    encoder, witness = encoder_of(candidate.contract), candidate.witness
    queries = encoder.queries(data, data.split.train, witness.real)
    pairs: list[tuple[Query, Mapping[str, Json]]] = []
    for query, answers in zip(queries, split(witness.real_answers, [1] * len(queries)), strict=True):
        batch = encoder.encode(encoder.request(query.rows, query.options))
        pairs += [(query, prediction) for prediction in encoder.render(answers, batch)]
    return pairs
