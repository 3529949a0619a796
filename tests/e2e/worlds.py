"""Worlds that go on for as long as a test asks, and change when it says so: shops that sell, customers that buy."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FIRST = date(2025, 1, 1)
WEEK = np.array([0.9, 0.85, 0.9, 1.0, 1.25, 1.5, 0.6])
LIFT, NEW_LIFT = 1.2, 2.6


@dataclass(frozen=True)
class Shops:
    """Daily sales of some shops, with a promotion known ahead. From day `changed` on, promotions work far better than before."""

    count: int = 12
    changed: int = 10_000

    @property
    def names(self) -> list[str]:
        """The shops."""
        return [f"shop-{number:02d}" for number in range(self.count)]

    def row(self, shop: int, day: int, *, sold: bool = True) -> dict[str, Any]:
        """Return what a client knows of a shop's day; without `sold` the day lies ahead."""
        known = {"shop": self.names[shop], "day": self.at(day), "promo": self._promo(shop, day)}
        return {**known, "sales": self.sales(shop, day)} if sold else known

    def at(self, day: int) -> str:
        """Write a day as the data do."""
        return (FIRST + timedelta(days=day)).isoformat()

    @cache
    def sales(self, shop: int, day: int) -> float:
        """Return what a shop sold: its size, its week, its promotion, and luck."""
        luck = np.random.default_rng((shop, day)).normal(1.0, 0.08)
        size, week = 40.0 * 1.4 ** (shop % 7), WEEK[(FIRST + timedelta(days=day)).weekday()]
        promoted = NEW_LIFT if day >= self.changed else LIFT
        return round(float(size * week * (promoted if self._promo(shop, day) else 1.0) * max(0.2, luck)), 2)

    def write(self, path: Path, days: int) -> None:
        """Write the first `days` days of all shops as CSV."""
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["shop", "day", "promo", "sales"])
            writer.writeheader()
            writer.writerows(self.row(shop, day) for shop in range(self.count) for day in range(days))

    def question(self, shop: int, day: int, *, history: int, horizon: int) -> dict[str, Any]:
        """Return the request on the evening of `day`: the newest days, and what is known of those ahead."""
        past = [self.row(shop, one) for one in range(day - history + 1, day + 1)]
        ahead = [self.row(shop, one, sold=False) for one in range(day + 1, day + 1 + horizon)]
        return {"rows": [*past, *ahead], "options": {"horizon": horizon}}

    def label(self, shop: int, day: int) -> dict[str, Any]:
        """Return what came true."""
        return {"id": self.names[shop], "at": self.at(day), "value": self.sales(shop, day)}

    @staticmethod
    @cache
    def _promo(shop: int, day: int) -> int:
        return int(np.random.default_rng((7, shop, day // 7)).random() < 0.35)


@dataclass(frozen=True)
class Buyers:
    """Orders of customers of three kinds: few large orders, many small ones, and those who left long ago."""

    count: int = 600

    def write(self, path: Path) -> None:
        """Write every order line as CSV, as a till would."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"])
            for customer in range(self.count):
                writer.writerows(self._lines(customer))

    def features(self, customer: int, *, kind: int | None = None) -> dict[str, Any]:
        """Return what separates the kinds, by kind: (orders, price, last order)."""
        luck = np.random.default_rng((3, customer))
        which = customer % 3 if kind is None else kind
        orders = (3, 24, 2)[which] + int(luck.integers(0, (2, 8, 2)[which]))
        price = (260.0, 9.0, 25.0)[which] * float(luck.uniform(0.8, 1.25))
        last = (25, 5, 290)[which] + int(luck.integers(0, (20, 8, 60)[which]))
        return {"orders": orders, "price": round(price, 2), "last": last}

    def _lines(self, customer: int) -> list[list[Any]]:
        about, luck = self.features(customer), np.random.default_rng((5, customer))
        days = [about["last"] + int(one) for one in np.sort(luck.integers(0, 60, about["orders"] - 1))]
        lines = []
        for order, ago in enumerate([about["last"], *days]):
            moment = (FIRST + timedelta(days=365 - ago)).isoformat() + f" {10 + order % 8}:15:00"
            price = round(about["price"] * float(luck.uniform(0.9, 1.1)), 2)
            lines.append(
                [
                    f"{100000 + customer * 64 + order}",
                    f"S{int(luck.integers(0, 40)):02d}",
                    1,
                    moment,
                    price,
                    customer + 10000,
                ]
            )
        return lines
