"""A project's state folder with keys, in which the small models of the tests are released for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from seaway.core import canonical, chance
from seaway.core.batch import Query
from seaway.core.candidate import Candidate
from seaway.core.protocols import Replay
from seaway.core.settings import Settings
from seaway.registry.store import Registry
from seaway.release.build import Built, build
from seaway.security import proven
from seaway.security.sign import Ed25519Signer, TrustFolder
from tests import credit

CREATED = chance.stamp()


@dataclass(frozen=True)
class Workshop:
    """Where releases are made."""

    state: Path

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def signer(self) -> Ed25519Signer:
        return Ed25519Signer.load_or_make(self.keys)

    @property
    def verifier(self) -> TrustFolder:
        return TrustFolder(self.keys)

    def build(
        self,
        candidate: Candidate | None = None,
        *,
        name: str = "credit-1",
        real: Sequence[tuple[Query, Mapping[str, Any]]] | None = None,
        replay: Replay | None = None,
        settings: Settings | None = None,
        **changes: Any,
    ) -> Built:
        """Build version 1 of the model "credit", or what `changes` say."""
        named: dict[str, Any] = {
            "model": "credit",
            "version": 1,
            "sequence": 1,
            "parent": "",
            "created": CREATED,
        } | changes
        return build(
            candidate or credit.candidate(),
            **named,
            signer=self.signer,
            verifier=self.verifier,
            settings=settings or Settings(),
            real=credit.held_out() if real is None else real,
            replay=replay,
            staging=self.state / "staging" / name,
            keys=self.keys,
        )

    def register(self, seed: int = 0, source: ModuleType = credit) -> str:
        """Reserve, build and register the model that `source` trains with a seed; return its digest."""
        registry = Registry(self.state)
        candidate = source.candidate(seed)
        reservation = registry.reserve(source.MODEL, candidate.digest)
        built = self.build(
            candidate,
            name=f"{source.MODEL}-{reservation.version}",
            real=source.held_out(seed),
            model=source.MODEL,
            version=reservation.version,
            sequence=reservation.sequence,
            parent=reservation.parent,
            created=reservation.created,
        )
        digest = registry.register(built.folder, reservation, built.verdicts, "test")
        proven.record(self.state / "proven", digest)  # as publishing does after the replay, which the tests of it run
        return digest


def resign(folder: Path, signer: Ed25519Signer, files: Mapping[str, bytes] | None = None, **changes: Any) -> Path:
    """Replace files and fields of a bundle's manifest and sign it again: what an insider with a key could do."""
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    for name, data in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        manifest["files"][name] = [canonical.digest(data), len(data)]
    raw = canonical.encode(manifest | changes)
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sig").write_bytes(signer.sign(raw))
    return folder
