"""Metrics for Prometheus: plain counts in the worker, summed over the workers when somebody asks.

Each worker writes its counts to `<state>/serving/<worker>.metrics` about once a second and takes them up again when it is
restarted, so that any worker can tell the sum; what others counted is at most that much behind.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from seaway.core.errors import Malformed

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""

COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    # Add a counter here: its name -> what it counts, and its labels.
    "seaway_requests": ("Requests answered", ("route", "status", "model", "release")),
    "seaway_rows": ("Rows answered", ("model", "release", "arm")),
    "seaway_refusals": ("Requests refused, by the error's code", ("model", "code")),
    "seaway_refused_cells": ("Cells that broke the contract, by rule", ("model", "rule")),
    "seaway_flags": ("Cells answered with a flag", ("model", "column", "rule")),
    "seaway_labels": ("Labels taken in", ("model",)),
    "seaway_repeats": ("Requests that got the first answer again", ("model",)),
    "seaway_canary_fallbacks": ("Requests the canary could not answer and the champion did", ("model", "code")),
    "seaway_shadow_answers": ("Shadow answers by status", ("model", "release", "status")),
    "seaway_shadows_dropped": ("Requests that shadows did not see because too many waited", ("model",)),
    "seaway_worker_starts": (
        "Starts of a worker since the server's start: more than one says that it died",
        ("worker",),
    ),
    "seaway_log_failures": ("Batches of events that could not be made durable", ("model",)),
}

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "seaway_release_info": ("1 for every release held", ("model", "release", "version", "arm", "worker")),
    "seaway_assignment_sequence": ("Sequence of the assignment followed", ("model", "worker")),
    "seaway_following": ("0 where the newest assignment could not be followed", ("model", "worker")),
    "seaway_log_waiting_bytes": ("Bytes of events that wait to be durable", ("model", "worker")),
    "seaway_ready": ("1 where the worker is ready", ("worker",)),
}

SECONDS = "seaway_request_seconds"

Labels = tuple[str, ...]
Gauges = Mapping[str, Mapping[Labels, float]]


class Snapshot(msgspec.Struct):
    """One worker's numbers as written to its file."""

    counts: list[tuple[str, Labels, float]] = []
    seconds: list[tuple[Labels, list[int], float]] = []
    gauges: list[tuple[str, Labels, float]] = []


class Answers:
    """Requests of one kind: how many took how long."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class Tally:
    """What one worker has counted. Used from the loop's thread."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, Labels], float] = {}
        self.seconds: dict[Labels, list[int]] = {}
        self.sums: dict[Labels, float] = {}
        self._answers: dict[tuple[str, int, str, str], Answers] = {}

    def count(self, name: str, labels: Labels, by: float = 1) -> None:
        """Add to a counter."""
        key = (name, labels)
        self.counts[key] = self.counts.get(key, 0) + by

    def request(self, route: str, status: int, model: str, release: str, seconds: float) -> None:
        """Count one request."""
        key = (route, status, model, release)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = Answers()
        known.buckets[bisect_left(BUCKETS, seconds)] += 1
        known.seconds += seconds

    def _settle(self) -> None:
        """Count what was answered since the last time under the labels that Prometheus reads."""
        answers, self._answers = self._answers, {}
        for (route, status, model, release), known in answers.items():
            self.count("seaway_requests", (route, str(status), model, release[:12]), sum(known.buckets))
            self._add((route, model), known.buckets, known.seconds)

    def _add(self, labels: Labels, buckets: list[int], seconds: float) -> None:
        held = self.seconds.get(labels, [0] * len(buckets))
        self.seconds[labels] = [ours + theirs for ours, theirs in zip(held, buckets, strict=True)]
        self.sums[labels] = self.sums.get(labels, 0.0) + seconds

    def snapshot(self, gauges: Gauges) -> Snapshot:
        """Return the numbers as they are now."""
        self._settle()
        return Snapshot(
            counts=[(name, labels, value) for (name, labels), value in self.counts.items()],
            seconds=[(labels, list(buckets), self.sums[labels]) for labels, buckets in self.seconds.items()],
            gauges=[(name, labels, value) for name, values in gauges.items() for labels, value in values.items()],
        )

    def take_up(self, snapshot: Snapshot) -> None:
        """Add another worker's counts, or those this worker had before it was restarted."""
        for name, labels, value in snapshot.counts:
            self.count(name, labels, value)
        for labels, buckets, total in snapshot.seconds:
            self._add(labels, buckets, total)


def write(path: Path, snapshot: Snapshot) -> None:
    """Replace a worker's file; metrics may be lost with the machine, so nothing is synced."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(msgspec.json.encode(snapshot))
    os.replace(temporary, path)


def read(path: Path) -> Snapshot:
    """Read a worker's file; a missing or foreign one counts nothing."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError):
        return Snapshot()


def exposition(own: Snapshot, others: Iterable[Snapshot]) -> bytes:
    """Return the text Prometheus reads: counts summed over the workers, gauges by worker."""
    total = Tally()
    gauges: dict[tuple[str, Labels], float] = {}
    for snapshot in (own, *others):
        total.take_up(snapshot)
        gauges |= {(name, labels): value for name, labels, value in snapshot.gauges}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(list(_families(total, gauges))))
    return generate_latest(registry)


def parse(text: str) -> Snapshot:
    """Read what `exposition` wrote, back into one snapshot; foreign metrics are passed over. Raises `Malformed`."""
    found = Snapshot(counts=[], seconds=[], gauges=[])
    running: dict[Labels, dict[str, float]] = {}
    sums: dict[Labels, float] = {}
    try:
        samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    except (ValueError, KeyError, IndexError):
        raise Malformed(
            "These are no metrics", where="/metrics", fix="Ask a Seaway server of this version for them."
        ) from None
    for one in samples:
        name = one.name.removesuffix("_total")
        if one.name in GAUGES:
            found.gauges.append(
                (one.name, tuple(one.labels.get(label, "") for label in GAUGES[one.name][1]), one.value)
            )
        elif name in COUNTERS and one.name != name:
            found.counts.append((name, tuple(one.labels.get(label, "") for label in COUNTERS[name][1]), one.value))
        elif one.name in (f"{SECONDS}_bucket", f"{SECONDS}_sum"):
            place = (one.labels.get("route", ""), one.labels.get("model", ""))
            if one.name.endswith("_sum"):
                sums[place] = one.value
            else:
                running.setdefault(place, {})[one.labels.get("le", "")] = one.value
    bounds = [*map(str, BUCKETS), "+Inf"]
    for labels, counted in running.items():
        steps = [int(counted.get(bound, 0)) for bound in bounds]
        found.seconds.append(
            (labels, [now - before for now, before in zip(steps, [0, *steps], strict=False)], sums.get(labels, 0.0))
        )
    return found


class _Families:
    """A collector of families that are made already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(total: Tally, gauges: Mapping[tuple[str, Labels], float]) -> Iterable[Metric]:
    for name, (text, labels) in COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=labels)
        for (found, values), count in total.counts.items():
            if found == name:
                counter.add_metric(values, count)
        yield counter
    for name, (text, labels) in GAUGES.items():
        gauge = GaugeMetricFamily(name, text, labels=labels)
        for (found, values), value in gauges.items():
            if found == name:
                gauge.add_metric(values, value)
        yield gauge
    yield _histogram(total)


def _histogram(total: Tally) -> Metric:
    histogram = HistogramMetricFamily(
        SECONDS, "Seconds from the last byte read to the reply handed over", labels=("route", "model")
    )
    for labels, buckets in total.seconds.items():
        running, bounds = 0, []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
            running += count
            bounds.append((bound, running))
        histogram.add_metric(labels, bounds, sum_value=total.sums[labels])
    return histogram
