"""How a worker stands: ready or not and why, for health checks, metrics, and the file that others read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from seaway.core import chance, durable
from seaway.core.batch import Json
from seaway.serve import http, metrics
from seaway.serve.door import Door
from seaway.serve.metrics import Gauges, Snapshot, Tally
from seaway.serve.releases import Loaded, Models, Serving

COUNT_S = 1.0
"""Seconds between two writings of a worker's metrics."""


@dataclass(kw_only=True)
class Standing:
    """One worker: its number, its port, what it serves, and whether it takes requests."""

    folder: Path
    worker: int
    port: int
    models: Models
    tally: Tally
    door: Door
    is_draining: bool = False
    _told: bytes = field(default=b"", repr=False)
    _counted: float = field(default=0.0, repr=False)

    @property
    def reasons(self) -> list[str]:
        """Why the worker is not ready; empty where it is."""
        found = ["The server is stopping"] if self.is_draining else []
        if self.door.trouble:
            found.append(self.door.trouble)
        if not self.models.has_looked:
            found.append(f"The registry has not been read yet{self._because('')}")
        elif not self.models.by_name:
            found.append("No model has a release that could be loaded")
        found += [
            f"Model {name!r} has no release that could be loaded{self._because(name)}"
            for name in self.models.troubles
            if name and name not in self.models.by_name
        ]
        found += [
            f"The event log of {name!r} cannot be made durable"
            for name, serving in self.models.by_name.items()
            if serving.log.failure is not None
        ]
        return found

    def _because(self, name: str) -> str:
        trouble = self.models.troubles.get(name)
        return f": {trouble.code}" if trouble is not None else ""

    @property
    def is_ready(self) -> bool:
        """Say whether requests should come here."""
        return not self.reasons

    def ready(self, is_full: bool) -> tuple[int, dict[str, Json]]:
        """Return status and body of the readiness check; `is_full` adds which releases answer, and what cannot be followed.

        Whether callers are asked for keys, and whether somebody opened the server to other machines without, is told to all.
        """
        reasons = self.reasons
        status = 503 if reasons else 200
        found: dict[str, Json] = {"ready": not reasons, "keys": self.door.asks}
        if self.door.is_insecure:
            found["insecure"] = True
        if not is_full:
            return status, found
        models = {name: self._followed(name, serving) for name, serving in self.models.by_name.items()}
        return status, found | {"reasons": reasons, "models": models}

    def _followed(self, name: str, serving: Serving) -> dict[str, Json]:
        """Say whether a model's newest assignment is followed, and if not, why: its text only to the owner of the machine."""
        trouble = self.models.troubles.get(name)
        followed: dict[str, Json] = {"sequence": serving.assignment.sequence, "following": trouble is None}
        if trouble is not None:
            followed["code"] = trouble.code
            if not (self.door.asks or self.door.is_insecure):
                followed["message"] = trouble.what
        return followed

    def gauges(self) -> Gauges:
        """Return what metrics show as it is now."""
        worker = str(self.worker)
        served = self.models.by_name.items()
        return {
            "seaway_release_info": {
                (name, loaded.digest[:12], str(loaded.version), arm, worker): 1.0
                for name, serving in served
                for arm, loaded in arms(serving)
            },
            "seaway_assignment_sequence": {(name, worker): serving.assignment.sequence for name, serving in served},
            "seaway_following": {(name, worker): float(name not in self.models.troubles) for name, _ in served},
            "seaway_log_waiting_bytes": {(name, worker): float(serving.log.waiting) for name, serving in served},
            "seaway_ready": {(worker,): float(self.is_ready)},
        }

    def snapshot(self) -> Snapshot:
        """Return this worker's metrics; log failures are kept by the logs themselves."""
        for name, serving in self.models.by_name.items():
            self.tally.counts["seaway_log_failures", (name,)] = serving.log.failures
        return self.tally.snapshot(self.gauges())

    def exposition(self) -> bytes:
        """Return the metrics of all workers."""
        own = self.folder / f"{self.worker:05d}.metrics"
        others = [metrics.read(path) for path in sorted(self.folder.glob("*.metrics")) if path != own]
        return metrics.exposition(self.snapshot(), others)

    def tell(self) -> None:
        """Write the worker's files where they have changed: what it serves (for rollouts) and its metrics."""
        said: dict[str, Json] = {
            "pid": os.getpid(),
            "port": self.port,
            "worker": self.worker,
            "models": {
                name: {"release": serving.champion.digest, "sequence": serving.assignment.sequence}
                for name, serving in self.models.by_name.items()
            },
            "troubles": {name: str(trouble) for name, trouble in self.models.troubles.items()},
            "ready": self.is_ready,
        }
        told = http.encode(said)
        if told != self._told:
            durable.write(self.folder / f"{self.worker:05d}.json", http.encode(said | {"stamp": chance.stamp()}))
            self._told = told
        if chance.monotonic() - self._counted >= COUNT_S or self.is_draining:
            self._counted = chance.monotonic()
            metrics.write(self.folder / f"{self.worker:05d}.metrics", self.snapshot())

    def leave(self) -> None:
        """Remove the file that says who serves; counts stay for the workers that go on."""
        (self.folder / f"{self.worker:05d}.json").unlink(missing_ok=True)


def arms(serving: Serving) -> list[tuple[str, Loaded]]:
    """List the releases that a model holds by their part."""
    found = [("champion", serving.champion)]
    if serving.canary is not None:
        found.append(("canary", serving.canary))
    return [*found, *(("shadow", loaded) for loaded in serving.shadows)]
