"""A data set that trains in a second, and what training it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from seaway.core.candidate import Candidate
from seaway.core.chance import monotonic
from seaway.core.dataset import Dataset
from seaway.core.settings import Settings
from seaway.core.settings import load as settings_of
from seaway.data.build import dataset
from seaway.data.infer import draft
from seaway.data.rows import Table
from seaway.lab.progress import Progress, Silent
from seaway.lab.train import train
from seaway.tasks.tabular.task import Tabular


def frame(problem: str = "binary", rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Draw a table: two numbers, one with holes, a category, and a target `y`."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3, 1, rows).round(2)
    age = rng.integers(18, 80, rows)
    place = rng.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2])
    signal = np.log(amount) - 3 + 0.02 * (age - 50) + 0.9 * (place == "east") + rng.normal(0, 0.8, rows)
    if problem == "regression":
        y: Any = (20 + 5 * signal).round(3)
    elif problem == "binary":
        y = np.where(signal > 0.4, "yes", "no")
    else:
        y = np.array(["low", "middle", "high"])[np.digitize(signal, [-0.5, 0.8])]
    shown: list[float | None] = amount.tolist()
    shown[::11] = [None] * len(shown[::11])
    return pl.DataFrame({"amount": shown, "age": age, "place": place, "y": y})


def settings(**train_settings: Any) -> Settings:
    """Return settings with three folds and one thread unless said otherwise."""
    named = {"trials": 4, "threads": 1, **train_settings}
    return settings_of(None, {"split.folds": 3, **{f"train.{name}": value for name, value in named.items()}})


def data(
    problem: str = "binary", rows: int = 400, chosen: Settings | None = None, table: pl.DataFrame | None = None
) -> Dataset:
    """Build the data set."""
    raw = Table(frame(problem, rows) if table is None else table)
    found, _ = draft(raw, target="y")
    return dataset(raw, Tabular().shape(found, raw, {}), chosen or settings())


def trained(folder: Path, made: Dataset, chosen: Settings, progress: Progress | None = None) -> Candidate:
    """Train into a folder."""
    return train(made, Tabular(), chosen, folder, progress=progress or Silent(), started=monotonic())
