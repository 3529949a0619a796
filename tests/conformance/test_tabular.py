"""Our own task of tables, its models, and the engine of graphs, held to the suites that others are held to."""

from __future__ import annotations

from pathlib import Path

from seaway.core.protocols import Engine, Model, Params, Task
from seaway.engines.ladder import Ladder
from seaway.engines.onnx import OnnxEngine
from seaway.tasks.tabular.baseline import Baseline
from seaway.tasks.tabular.boosting import Boosting
from seaway.tasks.tabular.linear import Linear
from seaway.tasks.tabular.task import Tabular
from seaway.testing import EngineSuite, Example, Material, ModelSuite, TaskSuite, example
from tests.conformance.materials import loans


class Tables:
    """Two classes, unless a subclass says otherwise."""

    problem = "binary"

    def task(self) -> Task:
        return Tabular()

    def material(self) -> Material:
        return loans(self.problem)


class TestTwoClasses(Tables, TaskSuite):
    def hopeless(self) -> list[Material]:
        rows = loans("binary").rows
        return [
            Material(rows=[{**row, "outcome": "good"} for row in rows], target="outcome"),
            Material(rows=rows),
            Material(rows=[{**row, "outcome": None} for row in rows], target="outcome"),
        ]


class TestThreeClasses(Tables, TaskSuite):
    problem = "multiclass"


class TestNumbers(Tables, TaskSuite):
    problem = "regression"


class TestBaseline(Tables, ModelSuite):
    def model(self) -> Model:
        return Baseline()


class TestLinear(Tables, ModelSuite):
    def model(self) -> Model:
        return Linear()


class TestLinearOfThreeClasses(TestLinear):
    problem = "multiclass"


class TestLinearOfNumbers(TestLinear):
    problem = "regression"


class TestBoosting(Tables, ModelSuite):
    def model(self) -> Model:
        return Boosting()

    def params(self) -> Params:
        return {"rounds": 40}


class TestBoostingOfThreeClasses(TestBoosting):
    problem = "multiclass"


class TestBoostingOfNumbers(TestBoosting):
    problem = "regression"


class TestGraphs(EngineSuite):
    def engine(self) -> Engine:
        return OnnxEngine()

    def example(self, folder: Path) -> Example:
        return example(loans("multiclass"), Tabular(), folder)


class TestLadder(TestGraphs):
    """The same programs by the compiled kernel, where there is one."""

    def engine(self) -> Engine:
        return Ladder()
