"""Small tables with what goes wrong in real ones: missing numbers, empty columns, rare and unseen codes, weights."""

from __future__ import annotations

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.contract import Column, Contract, Output

PROBLEMS = ("binary", "multiclass", "regression")
CLASSES = {"binary": ("good", "bad"), "multiclass": ("red", "green", "blue")}


def contract(problem: str) -> Contract:
    """Seven features: three plain numbers, one constant, one empty, two categories (5 and 12 codes)."""
    columns = [Column(name=name, kind="number") for name in ("a", "b", "c", "constant", "empty")]
    columns.append(Column(name="small", kind="category", categories=("x", "y", "z")))
    columns.append(Column(name="large", kind="category", categories=tuple(f"v{code}" for code in range(10))))
    if problem == "regression":
        truth, outputs = Column(name="t", kind="number", role="target"), (Output(name="value", kind="number"),)
    else:
        labels = CLASSES[problem]
        truth = Column(name="t", kind="category", role="target", categories=labels)
        outputs = (
            Output(name="probabilities", kind="number", axes=("class",), labels=labels),
            Output(name="label", kind="code", labels=labels),
        )
    target = Column(name="t", kind=truth.kind, role="target")
    return Contract(task="tabular", per="row", columns=(*columns, target), truth=truth, outputs=outputs)


def numbers(rows: int, seed: int) -> Array:
    """Draw a matrix (rows, 7) float32."""
    rng = np.random.default_rng(seed)
    x = np.empty((rows, 7), dtype=np.float32)
    x[:, 0] = rng.normal(size=rows)
    x[:, 1] = rng.lognormal(8, 1, size=rows)
    x[:, 2] = rng.integers(0, 5, rows)
    x[:, 3] = 3.0
    x[:, 4] = np.nan
    x[rng.random(rows) < 0.15, 1] = np.nan
    x[:, 5] = rng.integers(2, 5, rows)
    x[:, 6] = rng.integers(2, 11, rows)  # the last category (code 11) never occurs
    x[rng.random(rows) < 0.1, 5] = 0
    return x


def sample(problem: str, rows: int = 300, seed: int = 0, *, weighted: bool = False) -> Sample:
    """Draw rows whose truth depends on a number, on missingness and on a category."""
    rng = np.random.default_rng([seed, 1])
    x = numbers(rows, seed)
    signal = x[:, 0].astype(float) + np.isnan(x[:, 1]) * 1.5 + (x[:, 5] == 3) * 1.0 + rng.normal(0, 0.7, rows)
    if problem == "regression":
        truth = 1000.0 + 50.0 * signal
    else:
        cuts = [0.5] if problem == "binary" else [-0.2, 1.2]
        truth = np.digitize(signal, cuts).astype(float)
    weight = rng.choice([0.5, 1.0, 4.0], rows) if weighted else None
    return Sample(batch=Batch.of_rows(x), case=np.arange(rows), truth=truth, weight=weight)


def strange(seed: int = 9) -> Array:
    """Rows that training never saw: missing everywhere, unseen and missing codes, extremes, subnormals, zeros."""
    x = numbers(60, seed)
    x[0, :5] = np.nan
    x[0, 5:] = 0
    x[1, 5:] = 1  # other
    x[2, 6] = 11  # a category of the contract without training rows
    x[3, :5] = np.float32(3e38)
    x[4, :5] = np.float32(-3e38)
    x[5, :5] = np.float32(1e-38)
    x[6, :5] = 0.0
    x[7, :5] = -0.0
    x[8, 3] = 4.0  # the constant column is not
    x[9, 4] = 7.0  # the empty column is not
    return x
