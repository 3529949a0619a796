"""Moves assignments for the update loop and sees them arrive in the serving processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from seaway.core.assignment import Assignment
from seaway.core.errors import BadInput
from seaway.core.verdict import Verdict
from seaway.registry.store import Registry


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says it answers with: the champion's digest and the sequence of the assignment."""

    release: str
    sequence: int


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A serving process as it describes itself; fields that this room does not read are left out."""

    pid: int
    ready: bool
    models: dict[str, Served]


class RegistryRollout:
    """A `Rollout` over the registry and the folder in which workers describe themselves."""

    def __init__(self, registry: Registry, serving: Path, *, principal: str = "update") -> None:
        self._registry = registry
        self._serving = serving
        self._principal = principal

    def apply(self, assignment: Assignment, *, evidence: Sequence[Verdict] = ()) -> Assignment:
        """Make the assignment the newest; its `sequence` is the one that the caller has seen and replaces.

        Raises `Conflict` where someone else has moved since.
        """
        return self._registry.move(
            assignment,
            expect=assignment.sequence,
            reason=assignment.reason,
            principal=self._principal,
            evidence=evidence,
        )

    def answering(self, model: str = "") -> Mapping[str, tuple[str, int]]:
        """Return, by ready and living worker, the champion's digest and the assignment's sequence it follows.

        `model` may be left out where the workers serve one only.
        """
        workers = dict(self._workers())
        names = {name for worker in workers.values() for name in worker.models}
        if not model and len(names) > 1:
            raise BadInput(
                f"The workers serve {len(names)} models",
                where="answering",
                fix=f"Name one of: {', '.join(sorted(names))}.",
            )
        return {
            name: (served.release, served.sequence)
            for name, worker in workers.items()
            for served_model, served in worker.models.items()
            if served_model == (model or served_model)
        }

    def _workers(self) -> Iterator[tuple[str, Worker]]:
        for path in sorted(self._serving.glob("*.json")):
            try:
                worker = msgspec.json.decode(path.read_bytes(), type=Worker)
            except (OSError, msgspec.DecodeError):
                continue  # the worker has just left, or is writing its first lines
            if worker.ready and _lives(worker.pid):
                yield path.stem, worker


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
