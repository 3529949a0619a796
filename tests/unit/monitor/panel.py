"""A small world of series: daily sales of shops with a weekly season, forecasts that are right but for noise, and their release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, join
from seaway.core.candidate import Score
from seaway.core.chance import rng
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.core.event import Prediction
from seaway.core.metrics import metric
from seaway.data import comparable, profile, read
from seaway.data.validate import validate
from seaway.monitor import decode, reference
from seaway.monitor.look import Release
from seaway.monitor.reference import Reference
from seaway.monitor.window import Window
from tests.unit.monitor.simulator import Server

SEASON, HISTORY, HORIZON = 7, 28, 7
QUANTILES = tuple(f"{level:g}" for level in LEVELS)
FIRST = date(2026, 1, 1)

CONTRACT = Contract(
    task="forecast",
    per="series",
    columns=(
        Column(name="shop", kind="category", role="id", encode="none"),
        Column(name="day", kind="time", role="time", format="%Y-%m-%d"),
        Column(name="sales", kind="number", role="target", encode="array"),
        Column(name="promotion", kind="boolean", ahead=True),
    ),
    options=(Column(name="horizon", kind="integer", range=(1, HORIZON), hard=True),),
    truth=Column(name="sales", kind="number", role="target"),
    outputs=(
        Output(name="mean", kind="number", axes=("step",)),
        Output(name="quantiles", kind="number", axes=("step", "level"), labels=QUANTILES),
    ),
    series=Series(frequency="1d", season=SEASON, history=HISTORY, horizon=HORIZON),
)


def day(number: int) -> str:
    """Return a day as the file writes it."""
    return (FIRST + timedelta(days=number)).isoformat()


def sales(shop: int, days: int, *seed: int | str) -> Array:
    """Return a shop's sales (days,): a level of its own, a weekly season, noise."""
    generator = rng("panel", shop, *seed)
    level = 50.0 * (1 + shop % 5)
    week = 1 + 0.3 * np.sin(2 * np.pi * np.arange(days) / SEASON)
    return np.asarray((level * week * (1 + generator.normal(0, 0.1, days))).round(3))


def rows(shop: int, values: Array, origin: int) -> list[dict[str, Any]]:
    """Return what a client sends to forecast behind day `origin`: the history up to it."""
    return [
        {"shop": f"s{shop}", "day": day(at), "sales": float(values[at]), "promotion": at % 10 == 0}
        for at in range(origin - HISTORY + 1, origin + 1)
    ]


def prediction(shop: int, origin: int, mean: Array, spread: float) -> dict[str, Any]:
    """Return a forecast as the server sends it."""
    z = np.array([-1.645, -0.674, 0.0, 0.674, 1.645])
    return {
        "id": f"s{shop}",
        "at": [day(origin + step) for step in range(1, len(mean) + 1)],
        "mean": [float(value) for value in mean],
        "quantiles": {label: [float(value + z[i] * spread) for value in mean] for i, label in enumerate(QUANTILES)},
    }


def forecast(values: Array, origin: int, noise: Array) -> Array:
    """Return the mean of the last two seasons, plus noise (HORIZON,)."""
    steps = np.arange(1, HORIZON + 1)
    return np.asarray((values[origin + steps - SEASON] + values[origin + steps - 2 * SEASON]) / 2 + noise)


class Shops:
    """Shops whose sales are forecast day by day, and told as they come true."""

    def __init__(self, server: Server, shops: int, days: int = 120, *seed: int | str, release: str = "r1") -> None:
        self.server, self.release = server, release
        self.values = {shop: sales(shop, days, *seed) for shop in range(shops)}
        self.generator = rng("panel noise", *seed)

    def ask(self, origin: int, *, bias: Mapping[int, float] | None = None, **more: Any) -> str:
        """Ask about all shops in one request; `bias` is added at steps, as a share of the level."""
        sent, given = [], []
        for shop, values in self.values.items():
            noise = self.generator.normal(0, 1, HORIZON)
            wrong = np.array([(bias or {}).get(step, 0.0) for step in range(1, HORIZON + 1)]) * values[:HISTORY].mean()
            sent += rows(shop, values, origin)
            given.append(prediction(shop, origin, forecast(values, origin, noise + wrong), 8.0))
        ids = [{"shop": f"s{shop}"} for shop in self.values]
        return self.server.predict(sent, given, ids=ids, release=self.release, **more)

    def tell(self, at: int, change: Callable[[float], float] = float) -> None:
        """Send what every shop sold on a day."""
        for shop, values in self.values.items():
            self.server.label(change(float(values[at])), id=f"s{shop}", at=day(at))


def score(value: float = 1.0, n: int = 100) -> Score:
    """Return a test score that is known well."""
    return Score(value=value, low=value - 0.01, high=value + 0.01, n=n)


def release(test: Score, by_step: Mapping[tuple[int, int], Score] | None = None) -> Release:
    """Return a release that promised a scaled error."""
    return Release(
        digest="r1",
        contract=CONTRACT,
        reference=Reference(columns={}, answers={}),
        metric=metric("mase"),
        score=test,
        by_step=by_step or {},
    )


def window(values: Mapping[int, Array], origins: range, *seed: int | str) -> Window:
    """Return a full window in which every shop was forecast behind each origin, a request a shop."""
    generator = rng("panel window", *seed)
    replies = tuple(
        Prediction(
            sequence=number + 1,
            request_id=f"q{number}",
            model="shops",
            release="r1",
            arm="champion",
            principal="client",
            rows=msgspec.json.encode(rows(shop, values[shop], origin)),
            options=b"{}",
            ids=({"shop": f"s{shop}"},),
            answers=msgspec.json.encode(
                [prediction(shop, origin, forecast(values[shop], origin, generator.normal(0, 1, HORIZON)), 8.0)]
            ),
            seen=0,
            took_us=500,
            kept=1.0,
        )
        for number, (origin, shop) in enumerate((origin, shop) for origin in origins for shop in values)
    )
    return Window(release="r1", number=1, is_full=True, first=1, last=len(replies), replies=replies)


def promised(values: Mapping[int, Array], days: int) -> Release:
    """Return a release whose profile was made of `days` of the shops' sales and of forecasts within them."""
    table = validate(
        read.table(
            [
                {"shop": f"s{shop}", "day": day(at), "sales": float(held[at]), "promotion": at % 10 == 0}
                for shop, held in values.items()
                for at in range(days)
            ]
        ),
        CONTRACT,
    ).whole
    encoder, asked, given = encoder_of(CONTRACT), [], []
    for window_of in (
        window(values, range(origin, origin + 1), origin) for origin in range(HISTORY, days - HORIZON, HORIZON)
    ):
        asked += [encoder.encode(encoder.request(one.rows)) for one in window_of.entries]
        given += window_of.predictions
    batch = join(asked)
    answers = comparable.answers(CONTRACT, batch, decode.answers(given, CONTRACT))
    data = profile.profile(table, CONTRACT, answers).encode()
    return Release(
        digest="r1", contract=CONTRACT, reference=reference.read(data, CONTRACT), metric=metric("mase"), score=score()
    )
