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


def sales(days: int = 150) -> Material:
    """Daily sales of four shops: a week's season, promotions known ahead, the weather known only afterwards, a region."""
    rng = np.random.default_rng(17)
    records: list[dict[str, Any]] = []
    for shop, (level, region) in enumerate([(20.0, "north"), (55.0, "south"), (200.0, "north"), (8.0, "east")]):
        for day in range(days - 20 * (shop == 3)):
            if shop == 1 and day % 37 == 36:
                continue  # the shop was closed, and nobody wrote a row
            promotion, warmth = bool(rng.random() < 0.15), float(rng.normal(15, 5))
            demand = level * (1 + 0.4 * (day % 7 >= 5) + 0.3 * promotion + 0.002 * day) * rng.lognormal(0, 0.1)
            records.append(
                {
                    "shop": f"S{shop}",
                    "day": str(np.datetime64("2024-01-01") + day),
                    "sold": None if day % 61 == 60 else round(float(demand), 2),
                    "promotion": promotion,
                    "warmth": round(warmth, 1),
                    "region": region,
                }
            )
    return Material(rows=records, target="sold", ids=("shop",), time="day", shape={"horizon": 7})


def load(hours: int = 24 * 28) -> Material:
    """The hourly load of one grid with a day's and a week's shape, through the change to summer time; no ids, no features."""
    rng = np.random.default_rng(23)
    records = []
    for hour in range(hours):
        moment = np.datetime64("2024-03-15T00") + hour
        shape = 1 + 0.3 * np.sin(2 * np.pi * (hour % 24) / 24) - 0.1 * (hour // 24 % 7 >= 5)
        records.append({"at": f"{moment}:00:00Z", "load": round(float(1000 * shape + rng.normal(0, 20)), 1)})
    return Material(rows=records, target="load", time="at", shape={"horizon": 12, "zone": "Europe/Paris"})


def visitors(months: int = 72) -> Material:
    """Monthly counts of one series, that grows."""
    rng = np.random.default_rng(29)
    records = []
    for month in range(months):
        season = 1 + 0.25 * np.sin(2 * np.pi * month / 12)
        moment = np.datetime64("2018-01", "M") + month
        records.append(
            {"month": f"{moment}-01", "visitors": int(100 * (1 + 0.01 * month) * season * rng.lognormal(0, 0.04))}
        )
    return Material(rows=records, target="visitors", time="month", shape={"horizon": 6})
