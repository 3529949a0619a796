"""Ridge, lasso, elastic net, and logistic regression with the same penalties.

Numbers are standardised, a missing one is filled with the mean and marked by a column of its own; categories are
one-hot by code. Codes that training has not seen answer like the average training row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines import additive
from seaway.engines.additive import Additive
from seaway.tasks.tabular import glm
from seaway.tasks.tabular.start import Start, problem, start, takes, together, truth, weights


class Linear:
    """A weighted sum of the features."""

    name = "linear"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any matrix with a column."""
        return takes(self.name, "T011", contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the penalty; its default is one prior row's worth (C = 1 elsewhere)."""
        default = float(np.clip(1.0 / max(1, train.batch.rows), 1e-5, 1e-1))
        return {
            "strength": Range(default=default, low=1e-6, high=0.3, log=True),
            "ratio": Range(default=0.0, choices=(0.0, 0.5, 1.0)),
        }

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Weighted:
        """Minimise the penalised loss; the problem is convex, so there is no seed and nothing to stop early."""
        everyone = together(train, valid)
        kind, begin = problem(contract), start(everyone, contract)
        x, y, w = everyone.batch.x, truth(everyone), weights(everyone)
        design = design_of(x, w, contract)
        regression = kind == "regression"
        coefficients, intercept = glm.fit(
            design.matrix(x),
            glm.loss_of(kind, (y - begin.margin[0]) / begin.scale if regression else y, w),
            np.zeros(1) if regression else begin.margin,
            free=_free(begin),
            strength=float(params["strength"]),
            ratio=float(params["ratio"]),
            until=until,
        )
        base = begin.margin if regression else np.zeros(len(intercept))
        return Weighted(design, design.additive(coefficients * begin.scale, intercept * begin.scale + base))


class Weighted:
    """A fitted linear model."""

    def __init__(self, design: Design, model: Additive) -> None:
        self.design = design
        self.model = model

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return the weighted sums in float64."""
        return {"margin": additive.predict(self.model, batch.x)}

    def export(self) -> Program:
        """Return the sums as a program."""
        from seaway.engines.export import additive_program

        return additive_program(self.model)

    def edges(self) -> Mapping[int, Array]:
        """Return nothing: sums do not jump, and each category is asked for anyway."""
        return {}

    def importance(self) -> Array:
        """Return how far each feature moves the margins on average over the training rows, as shares."""
        model, size = self.model, np.zeros(self.model.features)
        size[model.numbers] = np.abs(model.weight).sum(axis=1)
        for feature, rows, share in self.design.tables(model.table):
            size[feature] = (share @ np.abs(rows - share @ rows)).sum()
        return size / size.sum() if size.sum() > 0 else size


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a matrix of features becomes columns of unit size.

    `marked` are the numbers with a column for "missing"; `starts` the first one-hot column of each category. `absent`
    (numbers,) and `shares` (by category, (codes,)) are shares of the training rows.
    """

    features: int
    numbers: Array
    center: Array
    scale: Array
    marked: Array
    absent: Array
    codes: Array
    starts: Array
    shares: tuple[Array, ...]

    def matrix(self, x: Array) -> glm.Matrix:
        """Return the columns for x (rows, features)."""
        values = x[:, self.numbers].astype(np.float64)
        absent = np.isnan(values)
        z = np.where(absent, 0.0, (values - self.center) / self.scale)
        places = x[:, self.codes].astype(np.int64) + self.starts[:-1]
        rows, per_row = places.shape
        onehot = csr_array(
            (np.ones(places.size), places.ravel(), np.arange(rows + 1) * per_row), shape=(rows, int(self.starts[-1]))
        )
        return glm.Matrix(dense=np.hstack([z, absent[:, self.marked].astype(np.float64)]), onehot=onehot)

    def additive(self, coefficients: Array, intercept: Array) -> Additive:
        """Return the model in its exported form."""
        count, marked = len(self.numbers), len(self.marked)
        missing = np.zeros((count, len(intercept)))
        missing[self.marked] = coefficients[count : count + marked]
        table = coefficients[count + marked :].copy()
        mean = np.zeros((self.features, len(intercept)))
        mean[self.numbers] = self.absent[:, None] * missing
        for feature, rows, share in self.tables(table):
            mean[feature] = share @ rows
            rows[share == 0] = mean[feature]  # codes without training rows neither raise nor lower the answer
        return Additive(
            features=self.features,
            intercept=intercept,
            numbers=self.numbers,
            center=self.center,
            scale=self.scale,
            fill=self.center,
            weight=coefficients[:count],
            missing=missing,
            codes=self.codes,
            starts=self.starts,
            table=table,
            mean=mean,
        )

    def tables(self, table: Array) -> Iterator[tuple[int, Array, Array]]:
        """Yield each category's feature, its rows of the table as a view, and their shares of the training rows."""
        for place, feature in enumerate(self.codes.tolist()):
            yield feature, table[self.starts[place] : self.starts[place + 1]], self.shares[place]


def design_of(x: Array, weight: Array, contract: Contract) -> Design:
    """Measure means and spreads of the numbers; constant and empty columns get a spread of one and stay without effect."""
    codes = np.array(sorted(contract.codes), dtype=np.int64)
    numbers = np.setdiff1d(np.arange(x.shape[1]), codes)
    values = x[:, numbers].astype(np.float64)
    known = ~np.isnan(values)
    w = weight[:, None] * known
    total = np.where(known.any(axis=0), w.sum(axis=0), 1.0)
    filled = np.where(known, values, 0.0)
    center = (w * filled).sum(axis=0) / total
    spread = np.sqrt((w * (filled - center) ** 2).sum(axis=0) / total)
    constant = spread <= 1e-9 * np.maximum(1.0, np.abs(center))
    widths = [contract.codes[int(code)] for code in codes]
    counts = [
        np.bincount(x[:, code].astype(np.int64), weights=weight, minlength=width)
        for code, width in zip(codes, widths, strict=True)
    ]
    return Design(
        features=x.shape[1],
        numbers=numbers,
        center=center,
        scale=np.where(constant, 1.0, spread),
        marked=np.flatnonzero(known.any(axis=0) & ~known.all(axis=0)),
        absent=1.0 - w.sum(axis=0) / weight.sum(),
        codes=codes,
        starts=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        shares=tuple(count / weight.sum() for count in counts),
    )


def _free(begin: Start) -> Array:
    """Say which targets have anything to learn: a class without rows keeps its start, one class alone keeps all."""
    if not len(begin.classes):
        return np.ones(1, dtype=bool)
    if begin.classes.sum() < 2:
        return np.zeros(len(begin.margin), dtype=bool)
    return begin.classes if len(begin.margin) > 1 else np.ones(1, dtype=bool)
