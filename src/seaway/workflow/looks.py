"""What a look at running servers finds: counts so far, workers, shares; from the project's files, or from a server's own doors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from seaway.client import Client
from seaway.core import chance
from seaway.core.errors import Unavailable
from seaway.registry.source import RegistrySource
from seaway.serve import metrics
from seaway.serve.metrics import Snapshot, Tally

STALE_S = 10.0
"""Seconds after which a worker that writes no metrics is no longer one; they are written every second."""


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One serving process. `memory` is its share of the machine's memory in bytes (PSS); 0 where it is not known."""

    worker: str
    ready: bool
    pid: int = 0
    memory: int = 0
    starts: int = 1


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Counts as of `at` (seconds; only differences mean something), and what else was there to see."""

    where: str
    at: float
    total: Snapshot
    workers: tuple[Worker, ...]
    shares: Mapping[str, float]
    log_bytes: Mapping[str, int] = {}
    disk_free: int = 0
    disk_total: int = 0


class _Told(msgspec.Struct):
    pid: int
    worker: int
    ready: bool
    port: int = 0


def of_project(state: Path) -> Look:
    """Look at the servers of a project without asking them; raises `Unavailable` where none runs."""
    serving = state / "serving"
    workers, ports, moments = [], set(), []
    tally, gauges = Tally(), []
    for path in sorted(serving.glob("*.metrics")):
        snapshot = metrics.read(path)
        tally.take_up(snapshot)  # counts of a worker that ended stay counted
        with suppress(OSError, msgspec.DecodeError):
            told = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=_Told)
            written = path.stat().st_mtime
            if _lives(told.pid) and chance.now() - written < STALE_S:
                workers.append(_worker(told, snapshot))
                moments.append(written)
                ports.add(told.port)
                gauges += snapshot.gauges
    if not workers:
        raise Unavailable(
            "No server of this project is running",
            where=str(state),
            fix="Start one with `seaway serve`, or look at another with --url.",
            code="no-server",
        )
    usage = shutil.disk_usage(state)
    source = RegistrySource(state)
    try:
        shares = {name: one.canary[1] if one.canary else 0.0 for name, one in source.assignments().items()}
    finally:
        source.close()
    counted = tally.snapshot({})
    return Look(
        where=f"port {', '.join(map(str, sorted(ports)))}",
        at=sum(moments) / len(moments),
        total=Snapshot(counts=counted.counts, seconds=counted.seconds, gauges=gauges),
        workers=tuple(workers),
        shares=shares,
        log_bytes=_log_bytes(state / "log"),
        disk_free=usage.free,
        disk_total=usage.total,
    )


def of_server(client: Client) -> Look:
    """Ask a server; raises `Denied` where the key has no right to look at metrics."""
    total = metrics.parse(client.metrics())
    at = chance.monotonic()
    starts = {labels[0]: int(value) for name, labels, value in total.counts if name == "seaway_worker_starts"}
    return Look(
        where=client.url,
        at=at,
        total=total,
        workers=tuple(
            Worker(worker=labels[0], ready=value == 1.0, starts=starts.get(labels[0], 1))
            for name, labels, value in sorted(total.gauges)
            if name == "seaway_ready"
        ),
        shares={one.name: one.share for one in client.models()},
    )


def _worker(told: _Told, snapshot: Snapshot) -> Worker:
    number = str(told.worker)
    starts = sum(int(value) for name, labels, value in snapshot.counts if (name, labels) == (STARTS, (number,)))
    return Worker(worker=number, ready=told.ready, pid=told.pid, memory=_memory(told.pid), starts=max(1, starts))


STARTS = "seaway_worker_starts"


def _memory(pid: int) -> int:
    """Return a process's memory in bytes, pages shared with others counted in part; 0 where the system does not tell."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
                if line.startswith(field):
                    return int(line.split()[1]) << 10
    return 0


def _log_bytes(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for folder in sorted(root.glob("*/")):
        for path in folder.glob("*"):
            with suppress(OSError):  # a segment is renamed when it is sealed
                found[folder.name] = found.get(folder.name, 0) + path.stat().st_size
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
