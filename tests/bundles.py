"""Bundles of a few bytes for tests of the registry and the core: signed and whole, but without a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seaway.core import canonical
from seaway.core.access import Key
from seaway.core.bundle import Manifest
from seaway.core.contract import Contract
from seaway.core.protocols import Signer
from seaway.core.verdict import Verdict
from seaway.registry.store import Registry
from seaway.security.sign import Ed25519Signer

CONTRACT = Contract(task="tabular", per="row", columns=())
PASSED = (Verdict(code="R004", outcome="pass", subject="bundle", message="121 cases agree"),)


def caller(name: str, **changes: Any) -> Key:
    """Return a caller's key as the registry takes it in; its hash fits no text."""
    fields: dict[str, Any] = {
        "id": canonical.digest(name.encode())[:16],
        "name": name,
        "hash": canonical.digest(f"hash of {name}".encode()),
        "roles": ("predictor",),
        "models": ("credit",),
        "made": "2026-11-23T17:24:06.000000Z",
        "by": "test",
        "slot": 0,
    }
    return Key(**(fields | changes))


def write_bundle(folder: Path, signer: Signer, *, files: Mapping[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a bundle of the given files and a contract; `changes` replace fields of the manifest."""
    content = {"contract.json": canonical.encode(CONTRACT), **(files or {})}
    fields: dict[str, Any] = {
        "format": 1,
        "model": "credit",
        "version": 1,
        "sequence": 1,
        "parent": "",
        "created": "2026-11-23T17:24:06.000000Z",
        "expires": "2028-11-22T17:24:06.000000Z",
        "engine": "onnx",
        "needs": (),
        "encoder": 1,
        "contract": CONTRACT.digest,
        "scores": {},
        "tolerance": 1e-6,
        "lineage": {},
        "files": {name: (canonical.digest(data), len(data)) for name, data in content.items()},
    }
    raw = canonical.encode(Manifest(**(fields | changes)))
    for name, data in {**content, "manifest.json": raw, "manifest.sig": signer.sign(raw)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def add_release(state: Path, key: str, *, model: str = "credit") -> str:
    """Reserve, write and register one more release of a model; return its digest."""
    registry = Registry(state)
    reservation = registry.reserve(model, key)
    folder = write_bundle(
        state.parent / f"built-{model}-{key}",
        Ed25519Signer.load_or_make(state / "keys"),
        files={"profile.json": key.encode()},
        model=model,
        version=reservation.version,
        sequence=reservation.sequence,
        parent=reservation.parent,
        created=reservation.created,
    )
    return registry.register(folder, reservation, PASSED, "test")
