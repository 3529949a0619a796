"""`seaway top`: what running servers do now, from two looks at what they count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from seaway.client import Client
from seaway.core import chance
from seaway.core.errors import SeawayError
from seaway.serve.metrics import BUCKETS, Snapshot
from seaway.workflow import looks
from seaway.workflow.looks import Look, Worker
from seaway.workflow.workspace import Workspace

PROBES = ("/health/", "/v2/health/", "/metrics")
"""Routes that ask about the server and not for work."""


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One release of a model, its part, the share of requests meant for it, and the rows it answers per second."""

    arm: str
    release: str
    version: str
    share: float
    rows_per_s: float


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One served model; times in milliseconds, None where nothing was asked."""

    name: str
    requests_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    refused_per_s: float
    following: bool
    log_waiting: int
    log_bytes: int | None
    arms: tuple[Arm, ...]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What servers did in the last `seconds`; `requests` counts since the server's start. Probes and metrics are left out."""

    where: str
    at: str
    seconds: float
    requests: int
    requests_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    statuses: dict[str, float]
    refused_per_s: float
    throttled_per_s: float
    repeats_per_s: float
    shadows_dropped: int
    log_failures: int
    models: tuple[Model, ...]
    workers: tuple[Worker, ...]
    disk_free: int | None
    disk_total: int | None


def looking(workspace: Workspace) -> Callable[[], Look]:
    """Return what looks at the servers of a project."""
    state: Path = workspace.project.make().state
    return lambda: looks.of_project(state)


def asking(url: str, *, key: str | None = None, ca: Path | None = None, plain: bool = False) -> Callable[[], Look]:
    """Return what asks a server; `key` None takes SEAWAY_KEY."""
    client = Client(url, key=key, ca=ca, plain=plain, connections=1)
    return lambda: looks.of_server(client)


def views(look: Callable[[], Look], every_s: float) -> Iterator[View | SeawayError]:
    """Yield a view after each pause, for ever; an error stands for a moment in which nothing was to be seen.

    Workers write their counts once a second, so a pause below that shows the same for a while.
    """
    before: Look | None = None
    while True:
        try:
            now = look()
        except SeawayError as error:
            before = None
            yield error
        else:
            if before is not None and now.at > before.at and now.where == before.where:
                yield view(before, now)
                before = now
            before = before or now
        chance.sleep(every_s)


def once(look: Callable[[], Look], every_s: float) -> View:
    """Return what happens within one pause; raises where no server runs."""
    before = look()
    until = chance.monotonic() + every_s
    while chance.monotonic() < until:
        chance.sleep(max(0.0, until - chance.monotonic()))
    now = look()
    while now.at <= before.at and chance.monotonic() < until + 3.0:  # the workers have not counted anew yet
        chance.sleep(0.1)
        now = look()
    return view(before, now)


def view(before: Look, now: Look) -> View:
    """Return what happened between two looks; a server started anew counts from 0."""
    seconds = max(1e-9, now.at - before.at)
    counts = _since(before.total, now.total)
    rate = _Rates(counts, seconds)
    histograms = _histograms(before.total, now.total)
    asked = {key: value for key, value in counts["seaway_requests"].items() if not key[0].startswith(PROBES)}
    statuses: dict[str, float] = {f"{digit}xx": 0.0 for digit in (2, 4, 5)}
    for (_, status, *_rest), value in asked.items():
        statuses[f"{status[0]}xx"] = statuses.get(f"{status[0]}xx", 0.0) + value / seconds
    everything = _merged(buckets for (route, model), buckets in histograms.items() if model)
    return View(
        where=now.where,
        at=chance.stamp(),
        seconds=seconds,
        requests=int(
            sum(
                value
                for name, labels, value in now.total.counts
                if name == "seaway_requests" and not labels[0].startswith(PROBES)
            )
        ),
        requests_per_s=sum(asked.values()) / seconds,
        p50_ms=_quantile(everything, 0.5),
        p99_ms=_quantile(everything, 0.99),
        statuses=statuses,
        refused_per_s=rate("seaway_refusals"),
        throttled_per_s=sum(value for key, value in asked.items() if key[1] == "429") / seconds,
        repeats_per_s=rate("seaway_repeats"),
        shadows_dropped=_total(now.total, "seaway_shadows_dropped"),
        log_failures=_total(now.total, "seaway_log_failures"),
        models=tuple(_models(now, counts, histograms, seconds)),
        workers=now.workers,
        disk_free=now.disk_free if now.disk_total else None,
        disk_total=now.disk_total or None,
    )


Labels = tuple[str, ...]
Counts = Mapping[str, Mapping[Labels, float]]
Histograms = Mapping[Labels, Sequence[int]]


class _Rates:
    """Reads counts per second."""

    def __init__(self, counts: Counts, seconds: float) -> None:
        self._counts, self._seconds = counts, seconds

    def __call__(self, name: str, *labels: tuple[int, str]) -> float:
        """Return a counter's rate over all labels that have these values at these places."""
        found = self._counts.get(name, {})
        return sum(v for key, v in found.items() if all(key[at] == text for at, text in labels)) / self._seconds


def _models(now: Look, counts: Counts, histograms: Histograms, seconds: float) -> Iterator[Model]:
    rate = _Rates(counts, seconds)
    held: dict[str, dict[tuple[str, str, str], None]] = defaultdict(dict)
    waiting: dict[str, float] = defaultdict(float)
    behind: set[str] = set()
    for name, labels, value in sorted(now.total.gauges):
        if name == "seaway_release_info":
            held[labels[0]][labels[3], labels[1], labels[2]] = None
        elif name == "seaway_log_waiting_bytes":
            waiting[labels[0]] += value
        elif name == "seaway_following" and not value:
            behind.add(labels[0])
    for name, arms in sorted(held.items()):
        buckets = _merged(buckets for (_, model), buckets in histograms.items() if model == name)
        share = now.shares.get(name, 0.0)
        meant = {"champion": 1.0 - share, "canary": share, "shadow": 1.0}
        yield Model(
            name=name,
            requests_per_s=rate("seaway_requests", (2, name)),
            p50_ms=_quantile(buckets, 0.5),
            p99_ms=_quantile(buckets, 0.99),
            refused_per_s=rate("seaway_refusals", (0, name)),
            following=name not in behind,
            log_waiting=int(waiting[name]),
            log_bytes=now.log_bytes.get(name, 0) if now.disk_total else None,
            arms=tuple(
                Arm(
                    arm=arm,
                    release=release,
                    version=version,
                    share=meant.get(arm, 0.0),
                    rows_per_s=_answered(rate, name, release, arm),
                )
                for arm, release, version in sorted(arms, key=lambda one: (list(meant).index(one[0]), one))
            ),
        )


def _answered(rate: _Rates, model: str, release: str, arm: str) -> float:
    if arm == "shadow":
        return rate("seaway_shadow_answers", (0, model), (1, release))
    return rate("seaway_rows", (0, model), (1, release), (2, arm))


def _since(before: Snapshot, now: Snapshot) -> dict[str, dict[Labels, float]]:
    """Return what was counted in between; a count that fell was begun anew."""
    former = {(name, labels): value for name, labels, value in before.counts}
    found: dict[str, dict[Labels, float]] = defaultdict(dict)
    for name, labels, value in now.counts:
        was = former.get((name, labels), 0.0)
        found[name][labels] = value - was if value >= was else value
    return found


def _histograms(before: Snapshot, now: Snapshot) -> dict[Labels, list[int]]:
    former = {labels: buckets for labels, buckets, _ in before.seconds}
    found = {}
    for labels, buckets, _ in now.seconds:
        was = former.get(labels, [0] * len(buckets))
        is_anew = sum(buckets) < sum(was)
        found[labels] = list(buckets) if is_anew else [a - b for a, b in zip(buckets, was, strict=True)]
    return found


def _merged(parts: Iterator[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip([0] * (len(BUCKETS) + 1), *parts, strict=True)]


def _quantile(buckets: Sequence[int], level: float) -> float | None:
    """Return a quantile in milliseconds, interpolated within its bucket as Prometheus does; beyond the last bound, that bound."""
    total = sum(buckets)
    if not total:
        return None
    rank, running = level * total, 0
    for number, (bound, count) in enumerate(zip(BUCKETS, buckets, strict=False)):
        if count and running + count >= rank:
            low = BUCKETS[number - 1] if number else 0.0
            return 1000 * (low + (bound - low) * (rank - running) / count)
        running += count
    return 1000 * BUCKETS[-1]


def _total(snapshot: Snapshot, name: str) -> int:
    return int(sum(value for found, _, value in snapshot.counts if found == name))
