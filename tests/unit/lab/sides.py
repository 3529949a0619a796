"""A problem without any truth: rows of a table fall into groups by where they lie, and training finds out what those mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from seaway.core.batch import Array, Batch, Json, Outcomes, Sample
from seaway.core.candidate import Candidate, Program
from seaway.core.chance import rng
from seaway.core.contract import Column, Contract, Output
from seaway.core.dataset import Dataset
from seaway.core.protocols import Check, Drawing, Finish, Fitted, Model, Params, Range, Rows
from seaway.core.verdict import Verdict
from seaway.data.build import dataset
from seaway.data.rows import Table
from seaway.engines import clusters
from seaway.engines.clusters import Clusters, Nearest, Space
from seaway.engines.clusters_graph import assignment_program, clusters_program
from tests.unit.lab.fixtures import settings


class Sides:
    """Implements `core.protocols.Task`: every fold learns from a part of the rows and is asked about the same ones."""

    name = "sides"
    blends = False
    samples = True

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        return draft

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        generator = rng("sides", seed)
        train = data.split.train
        asked = np.sort(generator.permutation(train)[: len(train) // 2])
        return [(np.sort(generator.permutation(train)[: len(train) * 4 // 5]), asked) for _ in range(count)]

    def metrics(self, contract: Contract) -> Sequence[str]:
        return ("stable_silhouette", "silhouette", "stability")

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        return (Quantiles(),)

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        margin = oof.answer.get("margin")
        return Assignment(0 if margin is None else margin.shape[1] // 3)

    def checks(self, stage: str) -> Sequence[Check]:
        return ()

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        """Number the groups, and say where their centers lie."""
        (centers,) = [member.clusters.centers[:, 0] for member in members if isinstance(member, Centers)]
        labels = tuple(str(place + 1) for place in range(len(centers)))
        notes = tuple(f"width around {center:.1f}" for center in centers)
        outputs = tuple(
            msgspec.structs.replace(output, labels=labels, notes=notes if output.kind == "code" else ())
            if output.name in ("segment", "distances")
            else output
            for output in contract.outputs
        )
        return msgspec.structs.replace(contract, outputs=outputs)

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        return ()


class Quantiles:
    """Puts `parts` centers at the middle quantiles of the first feature."""

    name = "quantiles"

    def supports(self, contract: Contract) -> Verdict:
        return Verdict(code="X", outcome="pass", subject="", message="")

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {"parts": Range(default=3, low=2, high=5, integer=True)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Centers:
        assert valid is None, "nothing can stop training that no truth judges"
        assert train.truth is None
        shares = (np.arange(params["parts"]) + 0.5) / params["parts"]
        return Centers(np.quantile(train.batch.x[:, 0].astype(np.float64), shares), train.batch.x.shape[1])


class Centers:
    """The nearest center answers."""

    def __init__(self, centers: Array, features: int) -> None:
        one = np.ones(1)
        space = Space(
            features=features,
            numbers=np.zeros(1, dtype=np.int64),
            fill=0 * one,
            unit=0 * one,
            center=0 * one,
            scale=one,
            codes=np.zeros(0, dtype=np.int64),
            tables=(),
        )
        self.features = features
        self.clusters = Clusters(space=space, centers=centers[:, None], spread=np.ones(len(centers)), rule=Nearest())

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        return {"margin": clusters.predict(self.clusters, batch.x)}

    def export(self) -> Program:
        return clusters_program(self.clusters)

    def edges(self) -> Mapping[int, Array]:
        return {0: self.clusters.centers[:, 0]}

    def importance(self) -> Array:
        return np.zeros(self.features)


class Assignment:
    """The last step for so many groups."""

    name = "assignment"

    def __init__(self, segments: int) -> None:
        self.segments = segments

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"margin": raw["margin"], **clusters.answers(raw["margin"])}

    def export(self) -> Program:
        return assignment_program(self.segments)


def data(rows: int = 300) -> Dataset:
    """Draw rows around three widths, far apart."""
    generator = np.random.default_rng(0)
    width = generator.choice([0.0, 10.0, 20.0], rows) + generator.normal(0, 0.5, rows)
    table = Table(pl.DataFrame({"width": width.round(4), "height": generator.normal(size=rows).round(4)}))
    contract = Contract(
        task="sides",
        per="row",
        columns=(Column(name="width", kind="number"), Column(name="height", kind="number")),
        outputs=(
            Output(name="segment", kind="code"),
            Output(name="distances", kind="number", axes=("class",)),
            Output(name="outlier", kind="number"),
        ),
    )
    return dataset(table, contract, settings())
