"""A release from a candidate: compile, prove equal, write, sign, verify, ask over HTTP. All of it or nothing.

The same candidate under the same reservation gives the same bytes: times come from the reservation, never from a clock.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seaway.core import bundle, canonical, chance, parity
from seaway.core.answer import encoder_of
from seaway.core.batch import Json, Query
from seaway.core.bundle import Manifest
from seaway.core.candidate import Candidate, Program
from seaway.core.durable import locked
from seaway.core.errors import BadInput
from seaway.core.protocols import Replay, Signer, Verifier
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.release.card import Facts, card
from seaway.release.compile import compile_candidate
from seaway.release.gate import gate, refuse_failed
from seaway.release.vectors import choose
from seaway.release.verify import verify

LIVE_CASES, LIVE_ROWS = 500, 50_000
"""Held-out cases, and rows of them, that are asked over HTTP besides the parity vectors; in process, all are compared."""

MAX_TOLERANCE = 1e-6
WAIT_S = 600.0

Pair = tuple[Query, Mapping[str, Json]]
"""A case as a client would ask about it, and the prediction that must come back."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A signed bundle that passed every gate, still outside the registry."""

    folder: Path
    digest: str
    manifest: Manifest
    verdicts: tuple[Verdict, ...]


def build(
    candidate: Candidate,
    *,
    model: str,
    version: int,
    sequence: int,
    parent: str,
    created: str,
    signer: Signer,
    verifier: Verifier,
    settings: Settings,
    real: Sequence[Pair],
    replay: Replay | None,
    staging: Path,
    keys: Path | None = None,
) -> Built:
    """Build the release in `staging` and return it; raises `Refused` with the evidence when a verdict fails.

    `real` are the cases of `candidate.witness.real` as a client would ask about them, in the order of its answers, each with
    the prediction that must come back. `keys` is the folder of keys that the replaying server trusts. Whatever fails or
    dies leaves no bundle: a refused one is removed at once, one of a killed process by the next build.
    """
    tolerance = _tolerance(candidate, settings)
    with locked(staging.parent / ".lock", wait_s=WAIT_S, what="building a release"):
        _clear(staging)
        program = compile_candidate(candidate)
        proofs = gate(candidate, program, [query for query, _ in real], tolerance)
        refuse_failed(proofs, where=model)
        facts = Facts(
            model=model,
            version=version,
            created=created,
            expires=expires(created, settings.release.days),
            parent=parent,
            tolerance=tolerance,
            proofs=proofs,
        )
        files = contents(candidate, program, settings, facts)
        manifest = _manifest(candidate, program, files, sequence, facts)
        try:
            _write(staging, files, manifest, signer)
            verdicts = [*proofs, *verify(staging, verifier)]
            refuse_failed(verdicts, where=model)
            if replay is not None:
                verdicts += _replayed(replay, staging, _few(real), keys)
                refuse_failed(verdicts, where=model)
        except BaseException:
            _clear(staging)
            raise
    digest = canonical.digest(canonical.encode(manifest))
    return Built(folder=staging, digest=digest, manifest=manifest, verdicts=tuple(verdicts))


def contents(candidate: Candidate, program: Program, settings: Settings, facts: Facts) -> dict[str, bytes]:
    """Return every file of the bundle but manifest and signature, by name."""
    text, document = card(candidate, settings, facts)
    return {
        bundle.CONTRACT: canonical.encode(candidate.contract),
        bundle.PROFILE: candidate.profile,
        bundle.PARITY: _vectors(candidate),
        bundle.POLICY: canonical.encode({"format": 1, "monitor": settings.monitor, "update": settings.update}),
        bundle.CARD_TEXT: text.encode(),
        bundle.CARD: canonical.encode(document),
        **{f"{bundle.PROGRAM}{name}": data for name, data in program.files.items()},
    }


def expires(created: str, days: int) -> str:
    """Return the RFC 3339 time `days` after `created`."""
    return chance.stamp((datetime.fromisoformat(created) + timedelta(days=days)).timestamp())


def _tolerance(candidate: Candidate, settings: Settings) -> float:
    tolerance = min(candidate.witness.tolerance, settings.release.tolerance)
    if not 0 < settings.release.tolerance <= MAX_TOLERANCE:
        raise BadInput(
            f"The tolerance {settings.release.tolerance} is not above 0 and at most {MAX_TOLERANCE}",
            where="release.tolerance",
            fix=f"Set it to {MAX_TOLERANCE} or less: a program that needs more does not repeat the model.",
        )
    return tolerance


def _vectors(candidate: Candidate) -> bytes:
    witness = candidate.witness
    chosen = choose(witness.queries, candidate.contract)
    names = [output.name for output in candidate.contract.outputs if output.kind != "document"]
    return parity.write_vectors(
        [witness.queries[place] for place in chosen], {name: witness.answers[name][chosen] for name in names}
    )


def _manifest(
    candidate: Candidate, program: Program, files: Mapping[str, bytes], sequence: int, facts: Facts
) -> Manifest:
    return Manifest(
        format=bundle.FORMAT,
        model=facts.model,
        version=facts.version,
        sequence=sequence,
        parent=facts.parent,
        created=facts.created,
        expires=facts.expires,
        engine=program.engine,
        needs=program.needs,
        encoder=encoder_of(candidate.contract).version,
        contract=candidate.contract.digest,
        scores={
            name: score
            for name, score in candidate.scores.items()
            if np.isfinite([score.value, score.low, score.high]).all()
        },
        tolerance=facts.tolerance,
        lineage=lineage(candidate),
        files={name: (canonical.digest(data), len(data)) for name, data in files.items()},
    )


def lineage(candidate: Candidate) -> dict[str, Any]:
    """Return where the release comes from; trials and the working tree's changes are too long and stand as count and digest."""
    told: dict[str, Any] = msgspec.to_builtins(candidate.lineage)
    git = {
        name: text if len(text) <= 200 else f"sha256:{canonical.digest(text.encode())}"
        for name, text in told["git"].items()
    }
    return told | {"candidate": candidate.digest, "trials": len(candidate.lineage.trials), "git": git}


def _write(staging: Path, files: Mapping[str, bytes], manifest: Manifest, signer: Signer) -> None:
    raw = canonical.encode(manifest)
    for name, data in {**files, bundle.MANIFEST: raw, bundle.SIGNATURE: signer.sign(raw)}.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _few(real: Sequence[Pair]) -> Sequence[Pair]:
    """Return the first cases, as many as may be asked over HTTP; one at least."""
    rows = np.cumsum([len(query.rows) for query, _ in real[:LIVE_CASES]])
    return real[: max(1, int((rows <= LIVE_ROWS).sum()))]


def _replayed(replay: Replay, folder: Path, real: Sequence[Pair], keys: Path | None) -> list[Verdict]:
    """Ask the bundle over the live path; no verdict at all is no proof."""
    found = replay(folder, real, keys=keys)
    if found:
        return found
    return [
        Verdict(
            code="R013",
            outcome="fail",
            subject=str(folder.name),
            message="The replay over HTTP said nothing",
            fix="Run `seaway doctor`, then release again.",
        )
    ]


def _clear(staging: Path) -> None:
    if staging.exists():
        shutil.rmtree(staging)
