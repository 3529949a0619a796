"""Small segments of made-up customers, found by k-means, with the witness of the model's own answers: no truth anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from seaway.core import canonical, metrics
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Query, Sample
from seaway.core.candidate import Candidate, Lineage, Witness
from seaway.core.contract import Column, Contract, Output
from seaway.core.protocols import Fitted
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.task import Segment

MODEL = "shoppers"
ROWS, TEST = 300, 40

DRAFT = Contract(
    task="segment",
    per="row",
    columns=(
        Column(name="customer", kind="category", role="id", encode="none"),
        Column(name="visits", kind="integer", range=(0.0, 60.0)),
        Column(name="spend", kind="number", unit="EUR", range=(0.0, 3000.0)),
        Column(name="channel", kind="category", categories=("shop", "web")),
    ),
    outputs=(
        Output(name="segment", kind="code"),
        Output(name="distances", kind="number", axes=("class",)),
        Output(name="outlier", kind="number"),
    ),
)


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Make customers as a client would send them: rare ones who spend much, frequent ones who spend little, and the many."""
    rng = np.random.default_rng([13, seed])
    centers = {0: (4, 900.0, "shop"), 1: (40, 60.0, "web"), 2: (12, 200.0, "web")}
    found = []
    for number in range(count):
        visits, spend, channel = centers[int(rng.choice(3, p=(0.2, 0.3, 0.5)))]
        found.append(
            {
                "customer": f"c{seed}-{number}",
                "visits": int(max(0, rng.normal(visits, 2))),
                "spend": round(float(abs(rng.normal(spend, spend / 8))), 2),
                "channel": channel,
            }
        )
    return found


def _sample(asked: Sequence[dict[str, Any]]) -> Sample:
    encoder = encoder_of(DRAFT)
    batch = encoder.encode(encoder.request(list(asked)))
    return Sample(batch=batch, case=np.arange(batch.cases))


@cache
def candidate(seed: int = 0) -> Candidate:
    """Find three segments and keep what a release needs."""
    task, train = Segment(), _sample(rows(ROWS, seed))
    fitted: Fitted = KMeans().fit(train, None, contract=DRAFT, params={"segments": 3}, seed=seed, until=float("inf"))
    contract = task.settle(DRAFT, [fitted])
    finish = task.finish(Outcomes.of_rows(fitted.predict(train.batch), None), contract, {})

    def native(asked: Sequence[dict[str, Any]]) -> dict[str, Array]:
        return dict(finish.apply(fitted.predict(_sample(asked).batch)))

    queries, real = witness(), rows(TEST, seed + 1000)
    test = Outcomes.of_rows(native(real), None)
    return Candidate(
        contract=contract,
        members=[(fitted.export(), 1.0)],
        blend="margin",
        finish=finish.export(),
        witness=Witness(
            queries=[Query(rows=[row]) for row in queries],
            answers=native(queries),
            real=np.arange(ROWS, ROWS + TEST),
            real_answers=native(real),
        ),
        oof=test,
        test=test,
        scores={"test.silhouette": metrics.score(metrics.metric("silhouette"), test, rounds=20)},
        trials=[{"model": "kmeans", "params": {"segments": 3}}],
        lineage=Lineage(
            fingerprint=canonical.digest(canonical.encode(rows(ROWS, seed))),
            split={"rule": "random", "seed": seed},
            settings={},
            seed=seed,
            trials=({"model": "kmeans"},),
            packages={},
            git={},
        ),
        profile=canonical.encode({"format": 1}),
    )


def witness() -> list[dict[str, Any]]:
    """Make rows that sit on what segments can trip over."""
    plain: dict[str, Any] = {"visits": 10, "spend": 200.0, "channel": "web"}
    odd: list[dict[str, Any]] = [
        {},
        *({"visits": value} for value in (0, 60, 10_000, None)),
        *({"spend": value} for value in (0.0, 1e6, 1e-9, None)),
        *({"channel": value} for value in ("shop", "phone", None)),
    ]
    return [plain | changes for changes in odd] + rows(30, seed=77)


def held_out(seed: int = 0) -> list[tuple[Query, dict[str, Any]]]:
    """Return held-out customers, a query each, with the model's own answers as a server must answer."""
    made, asked = candidate(seed), rows(TEST, seed + 1000)
    encoder = encoder_of(made.contract)
    batch = encoder.encode(encoder.request(asked))
    queries = [Query(rows=[row]) for row in asked]
    return list(zip(queries, encoder.render(made.witness.real_answers, batch), strict=True))
