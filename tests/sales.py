"""A small forecast of the sales of three shops: the seasonal naive of the engine of series, with the witness of its own answers.

Everything that comes after training can be tested on it where a case is a series: it is a real candidate, made at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np

from seaway.core import canonical, metrics
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Query, Sample, join, split
from seaway.core.candidate import Candidate, Lineage, Witness
from seaway.core.contract import LEVELS, Column, Contract, Output, Series
from seaway.engines.series import finish as last_step
from seaway.tasks.forecast.naive import LineDrift, SeasonNaive, Settled

MODEL = "sales"
SHOPS, DAYS, HORIZON, SEASON = ("north", "south", "west"), 60, 5, 7
FIRST = date(2026, 1, 5)
NAMES = tuple(f"{level:g}" for level in LEVELS)

CONTRACT = Contract(
    task="forecast",
    per="series",
    columns=(
        Column(name="shop", kind="category", role="id", encode="none"),
        Column(name="day", kind="time", role="time", encode="none", format="%Y-%m-%d"),
        Column(name="promo", kind="boolean", ahead=True),
        Column(name="sales", kind="number", role="target", encode="array", unit="EUR", range=(0.0, 400.0)),
    ),
    options=(Column(name="horizon", kind="integer", range=(1, HORIZON), hard=True),),
    truth=Column(name="sales", kind="number", role="target", unit="EUR"),
    outputs=(
        Output(name="mean", kind="number", axes=("step",), unit="EUR"),
        Output(name="quantiles", kind="number", axes=("step", "level"), labels=NAMES, unit="EUR"),
    ),
    series=Series(frequency="1d", season=SEASON, history=28, horizon=HORIZON),
)


def day(number: int) -> str:
    """Return a day as the data write it."""
    return (FIRST + timedelta(days=number)).isoformat()


def rows(shop: str, days: int = DAYS, seed: int = 0) -> list[dict[str, Any]]:
    """Make the days of one shop as a client would send them."""
    rng = np.random.default_rng([11, seed, SHOPS.index(shop)])
    level = 100.0 * (1 + SHOPS.index(shop))
    return [
        {
            "shop": shop,
            "day": day(number),
            "promo": bool(number % 9 == 0),
            "sales": round(float(level + 20 * np.sin(2 * np.pi * number / SEASON) + rng.normal(0, 3)), 2),
        }
        for number in range(days)
    ]


def asked(shop: str, seed: int = 0) -> Query:
    """Return what a client would ask about the last days of a shop: all before them, and the promotions known ahead."""
    days = rows(shop, seed=seed)
    ahead = [{name: value for name, value in row.items() if name != "sales"} for row in days[-HORIZON:]]
    return Query(rows=[*days[:-HORIZON], *ahead])


def witness(seed: int = 0) -> list[Query]:
    """Make queries that sit on what a forecast can trip over: short, gappy, constant, odd and overlong histories."""
    plain = rows("north", seed=seed)
    flat = [{**row, "sales": 7.0} for row in plain[:20]]
    return [
        *(
            Query(rows=plain[:count], options={"horizon": steps})
            for count in (1, 2, 7, 8, 28, 29)
            for steps in (1, 3, 5)
        ),
        Query(rows=plain),
        Query(rows=[row for number, row in enumerate(plain[:40]) if number % 3]),
        Query(rows=[{**row, "sales": None} if number % 4 == 1 else row for number, row in enumerate(plain[:30])]),
        Query(rows=flat),
        Query(rows=[*flat[:-1], {**flat[-1], "sales": 1e9}]),
        Query(rows=[{**row, "sales": 0.0} for row in plain[:15]]),
        Query(rows=[{name: value for name, value in row.items() if name != "promo"} for row in plain[:10]]),
        Query(rows=list(reversed(plain[:25]))),
    ]


@cache
def candidate(seed: int = 0) -> Candidate:
    """Make the forecast and keep what a release needs; an odd seed carries on a line instead, under the same contract."""
    model = (LineDrift if seed % 2 else SeasonNaive)()
    queries, real = witness(seed), [asked(shop, seed) for shop in SHOPS]
    fitted = model.fit(_numbers(real), None, contract=CONTRACT, params={}, seed=seed, until=float("inf"))
    step = last_step.Finish(
        format=1, offsets=tuple((-1.6, -0.7, 0.0, 0.7, 1.6 + 0.1 * at) for at in range(HORIZON)), low=0.0
    )
    real_answers = _native(fitted, step, real)
    judged = _judged(real_answers, seed)
    scores = {
        f"{part}.{name}": metrics.score(metrics.metric(name), judged, rounds=20)
        for part in ("test", "oof")
        for name in ("mase", "coverage")
    }
    return Candidate(
        contract=CONTRACT,
        members=[(fitted.export(), 1.0)],
        blend="margin",
        finish=last_step.program(step),
        witness=Witness(
            queries=queries,
            answers=_native(fitted, step, queries),
            real=np.concatenate([np.arange(DAYS - HORIZON, DAYS) + DAYS * number for number in range(len(SHOPS))]),
            real_answers=real_answers,
        ),
        oof=judged,
        test=judged,
        scores=scores,
        trials=[{"model": model.name, "params": {}, "scores": {}}],
        lineage=Lineage(
            fingerprint=canonical.digest(canonical.encode([rows(shop, seed=seed) for shop in SHOPS])),
            split={"rule": "last", "seed": seed},
            settings={},
            seed=seed,
            trials=({"model": model.name},),
            packages={},
            git={},
        ),
        profile=canonical.encode({"format": 1}),
    )


def held_out(seed: int = 0) -> list[tuple[Query, dict[str, Any]]]:
    """Return the newest days of each shop, a query each, with the forecast's own answers as a server must answer."""
    encoder, made = encoder_of(CONTRACT), candidate(seed)
    queries = [asked(shop, seed) for shop in SHOPS]
    found: list[tuple[Query, dict[str, Any]]] = []
    for query, answers in zip(queries, split(made.witness.real_answers, [1] * len(queries)), strict=True):
        batch = encoder.encode(encoder.request(query.rows, query.options))
        found += [(query, prediction) for prediction in encoder.render(answers, batch)]
    return found


def _numbers(queries: Sequence[Query]) -> Sample:
    encoder = encoder_of(CONTRACT)
    batch = join([encoder.encode(encoder.request(query.rows, query.options)) for query in queries])
    return Sample(batch=batch, case=np.arange(batch.cases))


def _native(fitted: Settled, step: last_step.Finish, queries: Sequence[Query]) -> Mapping[str, Array]:
    found = last_step.answers(step, np.asarray(fitted.predict(_numbers(queries).batch)["margin"]))
    return {name: found[name] for name in ("mean", "quantiles", "margin")}


def _judged(answers: Mapping[str, Array], seed: int) -> Outcomes:
    """Set the real answers beside what came true."""
    truth = np.array([[row["sales"] for row in rows(shop, seed=seed)[-HORIZON:]] for shop in SHOPS])
    count = len(SHOPS)
    return Outcomes(
        answer={name: values.reshape(count * HORIZON, *values.shape[2:]) for name, values in answers.items()},
        truth=truth.ravel(),
        case=np.repeat(np.arange(count), HORIZON),
        step=np.tile(np.arange(1, HORIZON + 1), count),
        scale=np.full(count * HORIZON, 3.0),
    )
