"""A small world: loan rows drawn from known distributions, a model that knows the truth's chances, and its release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from seaway.core.batch import Array
from seaway.core.candidate import Score
from seaway.core.chance import rng
from seaway.core.contract import Column, Contract, Output
from seaway.core.event import Prediction
from seaway.core.metrics import metric, score
from seaway.core.settings import MonitorSettings
from seaway.monitor import decode, judged
from seaway.monitor.look import Look, Release
from seaway.monitor.reference import Categories, Numbers, Reference
from seaway.monitor.window import Case, Refusal, Window
from tests.unit.monitor.simulator import chance_of

CLASSES = ("good", "bad")
PURPOSES = ("car", "home", "study")

CONTRACT = Contract(
    task="tabular",
    per="row",
    columns=(
        Column(name="amount", kind="number"),
        Column(name="age", kind="integer"),
        Column(name="months", kind="integer"),
        Column(name="purpose", kind="category", categories=PURPOSES),
        Column(name="phone", kind="boolean"),
        Column(name="outcome", kind="category", role="target", categories=CLASSES),
    ),
    truth=Column(name="outcome", kind="category", role="target", categories=CLASSES),
    outputs=(
        Output(name="probabilities", kind="number", axes=("class",), labels=CLASSES),
        Output(name="label", kind="code", labels=CLASSES),
    ),
)

Change = Callable[[dict[str, Any]], dict[str, Any]]


def draw(count: int, *seed: int | str) -> tuple[list[dict[str, Any]], Array, Array]:
    """Return (rows, chance of "bad" (count,), truth codes (count,))."""
    generator = rng("world", *seed)
    amount = generator.normal(50, 10, count).round(3)
    age = generator.integers(18, 80, count)
    months = generator.choice([12, 24, 36, 48], count, p=[0.4, 0.3, 0.2, 0.1])
    purpose = generator.choice(PURPOSES, count, p=[0.6, 0.3, 0.1])
    phone, missing = generator.random(count) < 0.4, generator.random(count) < 0.02
    chance = 1 / (1 + np.exp(-((amount - 50) / 10 + (months - 24) / 12 - 0.5)))
    rows = [
        {
            "amount": None if missing[i] else float(amount[i]),
            "age": int(age[i]),
            "months": int(months[i]),
            "purpose": str(purpose[i]),
            "phone": bool(phone[i]),
        }
        for i in range(count)
    ]
    return rows, chance, (generator.random(count) < chance).astype(np.float64)


def numbers(values: Array, missing: int = 0) -> Numbers:
    """Bin a sample at its own quantiles."""
    edges = np.unique(np.quantile(values, np.linspace(0.05, 0.95, 19)))
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return Numbers(edges=edges, counts=counts.astype(np.float64), missing=missing)


def categories(values: Array) -> Categories:
    """Count a sample."""
    names, counts = np.unique(values.astype(str), return_counts=True)
    return Categories(counts={str(name): float(count) for name, count in zip(names, counts, strict=True)})


def release(count: int = 1500, *seed: int | str) -> Release:
    """Return a release that was trained on `count` rows and tested on a quarter of them."""
    rows, chance, truth = draw(count, "train", *seed)
    columns: dict[str, Numbers | Categories] = {}
    for name, column in decode.frame(rows, CONTRACT).items():
        is_number = column.values.dtype.kind == "f"
        columns[name] = numbers(column.present, int(column.missing.sum())) if is_number else categories(column.present)
    held = [case_of(i, rows[i], chance[i], truth[i]) for i in range(count // 4)]
    figure = metric("roc_auc")
    tested: Score = score(figure, judged.outcomes(held, CONTRACT))
    return Release(
        digest="r1",
        contract=CONTRACT,
        reference=Reference(
            columns=columns,
            answers={"probabilities.bad": numbers(chance)},
            truth=categories(np.array(CLASSES, dtype=object)[truth.astype(int)]),
        ),
        metric=figure,
        score=tested,
    )


def case_of(number: int, row: dict[str, Any], chance: float, truth: float, principal: str = "labeler") -> Case:
    """Return one labelled case."""
    return Case(
        request_id=f"q{number}",
        place=0,
        release="r1",
        asked=number,
        told=number + 1,
        number=number,
        value=CLASSES[int(truth)],
        principal=principal,
        rows=(row,),
        prediction=chance_of(chance),
    )


def window(
    rows: list[dict[str, Any]],
    chance: Array,
    *,
    flags: dict[int, list[dict[str, str]]] | None = None,
    took_us: int = 400,
) -> Window:
    """Return a full window of one-row requests."""
    replies = tuple(
        Prediction(
            sequence=i + 1,
            request_id=f"q{i}",
            model="credit",
            release="r1",
            arm="champion",
            principal="client",
            rows=msgspec.json.encode([row]),
            options=b"{}",
            ids=(),
            answers=msgspec.json.encode([{**chance_of(p), **({"flags": flags[i]} if flags and i in flags else {})}]),
            seen=0,
            took_us=took_us,
            kept=1.0,
        )
        for i, (row, p) in enumerate(zip(rows, chance.tolist(), strict=True))
    )
    return Window(release="r1", number=3, is_full=True, first=1, last=len(rows), replies=replies)


def look(
    of: Release,
    count: int = 1000,
    *seed: int | str,
    change: Change | None = None,
    settings: MonitorSettings | None = None,
    refused: int = 0,
    status: int = 422,
    column: str = "",
) -> Look:
    """Return a look at a window of fresh rows, each changed by `change`."""
    rows, chance, _ = draw(count, "live", *seed)
    made = window([change(row) for row in rows] if change else rows, chance)
    refusals = tuple(
        Refusal(sequence=i, release="r1", arm="refused", status=status, code="no", columns=(column,) if column else ())
        for i in range(refused)
    )
    held = Window(release="r1", number=3, is_full=True, first=1, last=count, replies=made.replies, refusals=refusals)
    return Look(release=of, settings=settings or MonitorSettings(), window=held)
