"""Series made by hand: batches, samples and contracts that fit them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.contract import LEVELS, Column, Contract, Output, Series

HOUR = 3_600_000_000_000
NAN = float("nan")


def contract(
    *features: Column, season: int = 7, history: int = 28, horizon: int = 5, frequency: str = "1d", zone: str = "UTC"
) -> Contract:
    """Return a contract about series with the given features."""
    return Contract(
        task="forecast",
        per="series",
        columns=(
            Column(name="id", kind="text", role="id", encode="none"),
            Column(name="at", kind="time", role="time", encode="none"),
            Column(name="y", kind="number", role="target", encode="array"),
            *features,
        ),
        truth=Column(name="y", kind="number"),
        options=(Column(name="horizon", kind="integer", range=(1, horizon), hard=True),),
        outputs=(
            Output(name="mean", kind="number", axes=("step",)),
            Output(name="quantiles", kind="number", axes=("step", "level"), labels=tuple(f"{q:g}" for q in LEVELS)),
        ),
        series=Series(frequency=frequency, zone=zone, season=season, history=history, horizon=horizon),
    )


def batch(
    histories: Sequence[Array | list[float]], steps: Sequence[int], x: Sequence[Array] = (), hours: int = 24
) -> Batch:
    """Return the batch that asks about `steps` rows behind each history; x by case covers history and steps."""
    sizes = [len(history) + ahead for history, ahead in zip(histories, steps, strict=True)]
    target = [
        np.concatenate([np.asarray(history, dtype=np.float64), np.full(ahead, NAN)])
        for history, ahead in zip(histories, steps, strict=True)
    ]
    rows = sum(sizes)
    return Batch(
        x=np.concatenate(x).astype(np.float32) if len(x) else np.zeros((rows, 0), dtype=np.float32),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        seen=np.array([len(history) for history in histories], dtype=np.int64),
        arrays={"y": np.concatenate(target) if target else np.zeros(0)},
        time=np.concatenate([np.arange(size) * hours * HOUR for size in sizes] or [np.zeros(0)]).astype(np.int64),
    )


def told(histories: Sequence[Array | list[float]], x: Sequence[Array] = (), hours: int = 24) -> Sample:
    """Return the sample to learn from: every row seen, its truth told."""
    seen = batch(histories, [0] * len(histories), x, hours)
    return Sample(batch=seen, case=np.arange(seen.cases), truth=seen.arrays["y"].copy())


def waves(count: int, rows: int, seed: int = 0, season: int = 7, gaps: float = 0.0) -> list[Array]:
    """Return random series with a season, a trend, and noise; a share of the values is missing."""
    rng, time = np.random.default_rng(seed), np.arange(rows)
    made = []
    for _ in range(count):
        size = 10 ** rng.uniform(-1, 4)
        phase = rng.uniform(0, 2 * np.pi)
        y = size * (
            5 + rng.normal(0, 0.01) * time + np.sin(2 * np.pi * time / season + phase) + rng.normal(0, 0.2, rows)
        )
        made.append(np.where(rng.random(rows) < gaps, NAN, y))
    return made
