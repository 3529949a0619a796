"""Our own task of segments and its models, held to the suites that others are held to."""

from __future__ import annotations

from seaway.core.protocols import Model, Params, Task
from seaway.tasks.segment.centres import RandomCentres
from seaway.tasks.segment.density import Density
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.mixture import Mixture
from seaway.tasks.segment.task import Segment
from seaway.testing import Material, ModelSuite, TaskSuite
from tests.conformance.materials import shoppers


class Shoppers:
    """Three kinds of customer, in numbers with long tails, missing ones, categories, yes and no."""

    def task(self) -> Task:
        return Segment()

    def material(self) -> Material:
        return shoppers()


class TestSegments(Shoppers, TaskSuite):
    def hopeless(self) -> list[Material]:
        rows = shoppers().rows
        return [
            Material(rows=rows, target="returns"),
            Material(rows=rows[:30]),
        ]


class TestRandomCentres(Shoppers, ModelSuite):
    def model(self) -> Model:
        return RandomCentres()


class TestKMeans(Shoppers, ModelSuite):
    def model(self) -> Model:
        return KMeans()

    def params(self) -> Params:
        return {"segments": 3}


class TestMixture(Shoppers, ModelSuite):
    def model(self) -> Model:
        return Mixture()


class TestMixtureOfDiagonals(Shoppers, ModelSuite):
    def model(self) -> Model:
        return Mixture()

    def params(self) -> Params:
        return {"segments": 4, "shape": "diag"}


class TestDensity(Shoppers, ModelSuite):
    def model(self) -> Model:
        return Density()

    def params(self) -> Params:
        return {"segments": 3}


class TestDensityThatFindsTooFew(TestDensity):
    def params(self) -> Params:
        return {"segments": 12, "neighbours": 30}
