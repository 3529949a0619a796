"""Which releases were loaded within limits once: one file per digest, for the versions of Seaway and onnxruntime that did it.

A digest that is proven is loaded by servers in their own process at once; any other goes through `sandbox.first_load` before. Two
ways lead here: `prove`, and a dry run, whose server is a process of its own under the same limits (see `serve/dry_run.py`).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from seaway.core import canonical, chance, durable
from seaway.core.durable import locked
from seaway.core.errors import SeawayError, Unavailable, Untrusted
from seaway.security import sandbox

FORMAT = 1
_WAIT_S = 30.0


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release that came through its first load, and what loaded it; `at` is RFC 3339."""

    format: int
    digest: str
    seaway: str
    onnxruntime: str
    at: str


def is_proven(proven: Path, digest: str) -> bool:
    """Say whether these versions have loaded the release within limits; `proven` is the project's folder of proofs."""
    try:
        found = canonical.decode((proven / f"{digest}.json").read_bytes(), Proof, where=digest)
    except (OSError, SeawayError):  # no proof, or none that can be read: it is loaded within limits again
        return False
    return (found.format, found.digest, found.seaway, found.onnxruntime) == (FORMAT, digest, *versions())


def record(proven: Path, digest: str) -> None:
    """Write down, durably, that the release came through its first load here.

    A disk that cannot take the record costs the record only: the next start loads the release within limits again.
    """
    seaway, onnxruntime = versions()
    proof = Proof(format=FORMAT, digest=digest, seaway=seaway, onnxruntime=onnxruntime, at=chance.stamp())
    with contextlib.suppress(OSError, Unavailable):
        proven.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(proven / f"{digest}.json", canonical.encode(proof), mode=0o600)


def prove(
    folder: Path,
    digest: str,
    is_wanted: Callable[[], bool] = lambda: True,
    *,
    keys: Path,
    proven: Path,
    memory: int,
    seconds: float,
) -> None:
    """See to it that the release in `folder` was loaded within limits; nothing happens where it was.

    Of several processes that ask at once, one loads it and the others find it proven. Raises `Untrusted` where it fails.
    """
    if is_proven(proven, digest):
        return
    lock = proven / f".{digest}.lock"
    with locked(lock, wait_s=seconds + _WAIT_S, what="loading this release for the first time"):
        if is_proven(proven, digest):
            return
        found = sandbox.first_load(folder, keys, memory=memory, seconds=seconds, is_wanted=is_wanted)
        if found != digest:
            raise Untrusted(
                f"The bundle holds release {found[:12]}, not {digest[:12]}",
                where=str(folder),
                fix="Fetch the bundle again from the registry, or release it again.",
            )
        record(proven, digest)
        lock.unlink(missing_ok=True)


@functools.cache
def versions() -> tuple[str, str]:
    """Return the versions of Seaway and of onnxruntime that load bundles here."""
    return _version("seaway"), _version("onnxruntime")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"
