"""A small credit model, trained in LightGBM on made-up loans, with the witness of its own answers.

Everything that comes after training can be tested on it: it is a real candidate of a real model, in a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import lightgbm
import numpy as np

from seaway.core import canonical, metrics
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Query
from seaway.core.candidate import Candidate, Lineage, Witness
from seaway.core.contract import Column, Contract, Output
from seaway.engines import finish
from seaway.engines.export import finish_program, forest_program
from seaway.engines.finish import Binary
from seaway.engines.readers import lightgbm as reader

MODEL = "credit"
PURPOSES = ("car", "home", "study")
ROWS, TEST = 600, 150

CONTRACT = Contract(
    task="tabular",
    per="row",
    columns=(
        Column(name="amount", kind="number", unit="EUR", range=(250.0, 40_000.0)),
        Column(name="months", kind="integer", range=(6.0, 60.0)),
        Column(name="purpose", kind="category", categories=PURPOSES),
        Column(name="owner", kind="boolean", personal="home owner", protected=True),
        Column(name="outcome", kind="category", role="target", categories=("good", "bad")),
    ),
    truth=Column(name="outcome", kind="category", role="target", categories=("good", "bad")),
    outputs=(
        Output(name="probabilities", kind="number", axes=("class",), labels=("good", "bad")),
        Output(name="label", kind="code", labels=("good", "bad")),
    ),
)


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Make loans as a client would send them; some amounts are missing."""
    rng = np.random.default_rng([5, seed])
    return [
        {
            "amount": None if rng.random() < 0.05 else round(float(rng.lognormal(8, 0.8)), 2),
            "months": int(rng.integers(6, 61)),
            "purpose": str(rng.choice(PURPOSES, p=(0.6, 0.3, 0.1))),
            "owner": bool(rng.random() < 0.4),
        }
        for _ in range(count)
    ]


def truth(asked: Sequence[Mapping[str, Any]], seed: int = 0) -> Array:
    """Draw whether each loan goes bad (code 1)."""
    rng = np.random.default_rng([9, seed])
    margin = np.array(
        [
            0.7 * (np.log(row["amount"] or 3000) - 8) + 0.04 * (row["months"] - 33) + 0.9 * (row["purpose"] == "study")
            for row in asked
        ]
    )
    return np.asarray(rng.random(len(asked)) < 1 / (1 + np.exp(-margin)), dtype=np.float64)


@cache
def candidate(seed: int = 0, trees: int = 12) -> Candidate:
    """Train one model and keep what a release needs; another seed gives another model of the same contract."""
    encoder = encoder_of(CONTRACT)
    known, asked = rows(ROWS, seed), rows(TEST, seed + 1000)
    known_truth, asked_truth = truth(known, seed), truth(asked, seed + 1000)
    x = np.array(encoder.encode(encoder.request(known)).x)
    data = lightgbm.Dataset(x, known_truth, categorical_feature=[2], free_raw_data=False)
    params = {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 10, "seed": seed, "num_threads": 1}
    booster = lightgbm.train(params | {"verbosity": -1, "deterministic": True}, data, num_boost_round=trees)
    forest = reader.read(booster)
    last = Binary(slope=1.1, shift=-0.05)

    def native(sent: Sequence[Mapping[str, Any]]) -> Mapping[str, Array]:
        batch = encoder.encode(encoder.request(sent))
        margin = np.asarray(booster.predict(np.array(batch.x), raw_score=True)).reshape(-1, 1)
        return finish.answers(last, margin)

    asked_rows = witness_rows(np.unique(forest.threshold[forest.feature == 0]))
    test = Outcomes.of_rows(native(asked), asked_truth)
    oof = Outcomes.of_rows(native(known), known_truth)
    scores = {
        f"{part}.{name}": metrics.score(metrics.metric(name), outcomes, rounds=50)
        for part, outcomes in (("test", test), ("oof", oof))
        for name in ("roc_auc", "log_loss", "accuracy")
    }
    return Candidate(
        contract=CONTRACT,
        members=[(forest_program(forest), 1.0)],
        blend="margin",
        finish=finish_program(last),
        witness=Witness(
            queries=[Query(rows=[row]) for row in asked_rows],
            answers=native(asked_rows),
            real=np.arange(ROWS, ROWS + TEST),
            real_answers=native(asked),
        ),
        oof=oof,
        test=test,
        scores=scores,
        trials=[{"model": "lightgbm", "params": {"num_leaves": 7}}],
        lineage=Lineage(
            fingerprint=canonical.digest(canonical.encode(known)),
            split={"rule": "random", "seed": seed, "shares": [0.8, 0.2]},
            settings={},
            seed=seed,
            trials=({"model": "lightgbm"},),
            packages={"lightgbm": lightgbm.__version__},
            git={"commit": "0" * 40},
        ),
        profile=canonical.encode({"format": 1}),
    )


def witness_rows(edges: Array) -> list[dict[str, Any]]:
    """Make rows that sit on what a model can trip over: kinds, extremes, thresholds and their neighbours."""
    plain: dict[str, Any] = {"amount": 3000.0, "months": 24, "purpose": "car", "owner": False}
    odd: list[dict[str, Any]] = [
        {},
        *({"purpose": value} for value in (*PURPOSES, None, "boat", "")),
        *({"owner": value} for value in (True, None)),
        *({"months": value} for value in (0, 6, 60, 10_000, -5, None)),
        *({"amount": value} for value in (None, 0.0, -1.0, 1e-30, 1e30, 250.0, 40_000.0)),
    ]
    for edge in edges.astype(np.float32):
        sides = (np.nextafter(edge, np.float32(-np.inf)), edge, np.nextafter(edge, np.float32(np.inf)))
        odd += [{"amount": float(side)} for side in sides]
    return [plain | changes for changes in odd] + rows(60, seed=77)


def held_out(seed: int = 0) -> list[tuple[Query, dict[str, Any]]]:
    """Return the held-out loans, a query each, with the trained model's own answers, rendered as a server must answer."""
    encoder, made = encoder_of(CONTRACT), candidate(seed)
    asked = rows(TEST, seed + 1000)
    batch = encoder.encode(encoder.request(asked))
    queries = [Query(rows=[row]) for row in asked]
    return list(zip(queries, encoder.render(made.witness.real_answers, batch), strict=True))
