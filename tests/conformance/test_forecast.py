"""Our own task of series, its models, and the engine of series, held to the suites that others are held to."""

from __future__ import annotations

from pathlib import Path

from seaway.core.protocols import Engine, Model, Params, Task
from seaway.engines.series.engine import SeriesEngine
from seaway.tasks.forecast.lagged import GlobalForest
from seaway.tasks.forecast.naive import LineDrift, Naive, SeasonNaive
from seaway.tasks.forecast.task import Forecast
from seaway.testing import EngineSuite, Example, Material, ModelSuite, TaskSuite, example
from tests.conformance.materials import load, sales, visitors


class Sales:
    """Several series with columns beside them, unless a subclass says otherwise."""

    def task(self) -> Task:
        return Forecast()

    def material(self) -> Material:
        return sales()


class TestSales(Sales, TaskSuite):
    def hopeless(self) -> list[Material]:
        rows = sales().rows
        return [
            Material(rows=rows, ids=("shop",), time="day"),
            Material(rows=rows, target="sold", ids=("shop",)),
            Material(rows=rows, target="region", ids=("shop",), time="day"),
            Material(rows=rows, target="sold", ids=("shop",), time="day", shape={"horizon": -3}),
            Material(
                rows=rows, target="sold", ids=("shop",), time="day", shape={"horizon": 7, "zone": "Nowhere/At_All"}
            ),
        ]


class TestLoad(Sales, TaskSuite):
    def material(self) -> Material:
        return load()


class TestVisitors(Sales, TaskSuite):
    def material(self) -> Material:
        return visitors()


class TestNaive(Sales, ModelSuite):
    def model(self) -> Model:
        return Naive()


class TestSeasonNaive(Sales, ModelSuite):
    def model(self) -> Model:
        return SeasonNaive()


class TestDrift(Sales, ModelSuite):
    def model(self) -> Model:
        return LineDrift()


class TestForest(Sales, ModelSuite):
    def model(self) -> Model:
        return GlobalForest()

    def params(self) -> Params:
        return {"rounds": 30}


class TestForestOfLoad(TestForest):
    def material(self) -> Material:
        return load()


class TestForestOfVisitors(TestForest):
    def material(self) -> Material:
        return visitors()


class TestSeries(EngineSuite):
    def engine(self) -> Engine:
        return SeriesEngine()

    def example(self, folder: Path) -> Example:
        return example(sales(), Forecast(), folder)
