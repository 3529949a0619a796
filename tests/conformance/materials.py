"""Small real-looking tables and series that our own tasks are held to the suites with."""

from __future__ import annotations

from typing import Any

import numpy as np

from seaway.testing import Material


def loans(problem: str, rows: int = 240) -> Material:
    """A table whose target, of two classes, three classes or a number, depends on all its columns."""
    rng = np.random.default_rng([3, len(problem)])
    records: list[dict[str, Any]] = []
    for _ in range(rows):
        amount, months, purpose = (
            rng.lognormal(8, 0.6),
            int(rng.integers(6, 60)),
            str(rng.choice(["car", "home", "study"])),
        )
        signal = np.log(amount) - 8 + 0.03 * (months - 30) + (purpose == "study") + rng.normal(0, 0.5)
        outcome: Any = round(float(100 + 10 * signal), 3)
        if problem != "regression":
            labels = ("good", "bad") if problem == "binary" else ("good", "late", "bad")
            outcome = labels[int(np.digitize(signal, [0.3] if problem == "binary" else [-0.3, 0.8]))]
        records.append(
            {
                "amount": None if rng.random() < 0.05 else round(float(amount), 2),
                "months": months,
                "purpose": purpose,
                "owner": bool(rng.random() < 0.4),
                "opened": f"2024-{int(rng.integers(1, 13)):02d}-{int(rng.integers(1, 29)):02d}",
                "outcome": outcome,
            }
        )
    return Material(rows=records, target="outcome")


def shoppers(rows: int = 300) -> Material:
    """Customers of three kinds that nobody has named: many small purchases, few large ones, and those who left."""
    rng = np.random.default_rng(5)
    records: list[dict[str, Any]] = []
    for number in range(rows):
        kind = int(rng.integers(0, 3))
        spent = float(rng.lognormal((3.0, 6.0, 4.0)[kind], 0.4))
        records.append(
            {
                "customer_id": f"C{10_000 + 7 * number}",
                "spent": None if rng.random() < 0.03 else round(spent, 2),
                "orders": int(rng.poisson((20, 3, 2)[kind])) + 1,
                "days_away": round(float(rng.gamma(2, (5, 10, 120)[kind])), 1),
                "country": str(
                    rng.choice(["France", "Spain", "Italy"], p=((0.8, 0.1, 0.1), (0.1, 0.8, 0.1))[kind % 2])
                ),
                "returns": bool(rng.random() < 0.2),
            }
        )
    return Material(rows=records, ids=("customer_id",))
