"""What can be forecast, and what is refused with its reason and its remedy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from seaway.core.contract import LEVELS, Column, Contract
from seaway.core.errors import BadInput
from seaway.data import infer
from seaway.data.rows import Table
from seaway.tasks.forecast.shape import shaped
from seaway.tasks.forecast.words import ahead, span


def rows(days: int = 60, shops: int = 3, *, known: int = 10_000) -> Table:
    """Make daily sales of some shops; only the first `known` values of each are known."""
    day = np.datetime64("2024-01-01", "D") + np.arange(days)
    value = [float(place) if place < known else None for place in range(days)]
    frames = [
        pl.DataFrame(
            {
                "shop": [f"s{shop}"] * days,
                "day": day.astype(str),
                "sales": value,
                "kind": [f"k{place % 3}" for place in range(days)],
            }
        )
        for shop in range(shops)
    ]
    return Table(pl.concat(frames))


def drafted(table: Table, *, target: str = "sales", time: str = "day", ids: Sequence[str] = ("shop",)) -> Contract:
    """Draft a contract as `seaway new` does."""
    return infer.draft(table, target=target, ids=ids, time=time, task="forecast")[0]


def test_a_forecast_is_a_mean_and_quantiles_by_step() -> None:
    contract = shaped(drafted(rows()), rows(), {"horizon": 7})
    assert contract.per == "series"
    assert contract.series is not None
    assert (contract.series.frequency, contract.series.horizon) == ("1d", 7)
    assert contract.truth is not None
    assert (contract.truth.name, contract.truth.kind) == ("sales", "number")
    assert contract.options == (Column(name="horizon", kind="integer", range=(1, 7), hard=True),)
    assert [(output.name, output.axes) for output in contract.outputs] == [
        ("mean", ("step",)),
        ("quantiles", ("step", "level")),
    ]
    assert [float(label) for label in contract.output("quantiles").labels] == list(LEVELS)
    assert contract.target is not None
    assert contract.target.encode == "array"


def test_without_a_target_there_is_nothing_to_forecast() -> None:
    with pytest.raises(BadInput, match=r"No column is named as the target(.|\n)*--target COLUMN(.|\n)*sales"):
        shaped(drafted(rows(), target=""), rows(), {})
    with pytest.raises(BadInput, match="no column 'sales'"):
        shaped(drafted(rows()), Table(rows().frame.drop("sales")), {})


def test_classes_are_no_forecast() -> None:
    with pytest.raises(BadInput, match=r"'kind' is of kind category(.|\n)*--task tabular"):
        shaped(drafted(rows(), target="kind"), rows(), {})


def test_without_a_time_there_is_no_ahead() -> None:
    table = Table(rows().frame.drop("day"))
    with pytest.raises(BadInput, match=r"no ahead and no past(.|\n)*--time COLUMN"):
        shaped(drafted(table, time=""), table, {})


@pytest.mark.parametrize(("days", "horizon", "known", "least"), [(19, 2, 100, 20), (40, 14, 100, 42), (60, 7, 15, 21)])
def test_series_too_short_for_the_horizon_are_refused(days: int, horizon: int, known: int, least: int) -> None:
    table = rows(days, known=known)
    have = min(days, known)
    with pytest.raises(
        BadInput, match=rf"has {have} known values(.|\n)*{horizon} steps needs {least}(.|\n)*--horizon"
    ) as told:
        shaped(drafted(table), table, {"horizon": horizon})
    assert told.value.code == "too-few-rows"


def test_one_long_series_is_enough() -> None:
    table = Table(pl.concat([rows(60, 1).frame, rows(12, 3).frame.filter(pl.col("shop") != "s0")]))
    assert shaped(drafted(table), table, {"horizon": 7}).series is not None


def test_rows_of_one_series_need_no_id() -> None:
    table = Table(rows(60, 1).frame.drop("shop"))
    assert not shaped(drafted(table, ids=()), table, {"horizon": 7}).having("id")


@pytest.mark.parametrize(
    ("word", "steps", "said"),
    [("1h", 48, "48 hours"), ("15m", 4, "60 minutes"), ("1mo", 1, "1 month"), ("1bd", 5, "5 weekdays")],
)
def test_a_span_is_said_in_the_unit_of_its_steps(word: str, steps: int, said: str) -> None:
    assert span(word, steps) == said


def test_what_is_no_series_reaches_nowhere() -> None:
    assert ahead(Contract(task="any", per="row", columns=())) == ""
    assert ahead(shaped(drafted(rows()), rows(), {"horizon": 7})) == "7 days"
