"""What a suite works on: rows as a project would bring them, and what a person would say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import polars as pl

from seaway.core.batch import Array, Json
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Rows, Task
from seaway.core.settings import Settings, SplitSettings, TrainSettings
from seaway.data import build, infer, read
from seaway.data.rows import Table

SMALL = Settings(
    split=SplitSettings(folds=3),
    train=TrainSettings(budget_s=0.0, trials=3, preset="fast", threads=1, seed=11),
)
"""A run of a second or two whose work is fixed."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Rows (a file, a frame, or records), what `seaway new` is told about them, and the settings of a run.

    `shape` is what the task is told beyond the columns' roles, for example {"horizon": 12}.
    """

    rows: Any
    target: str = ""
    ids: Sequence[str] = ()
    time: str = ""
    ignore: Sequence[str] = ()
    shape: Mapping[str, Json] = field(default_factory=dict)
    settings: Settings = SMALL


def table(material: Material) -> Rows:
    """Read the rows."""
    if isinstance(material.rows, list):
        return Table(pl.DataFrame(material.rows, infer_schema_length=None))
    return read.table(material.rows)


def shaped(material: Material, task: Task) -> Contract:
    """Return the contract that `seaway new` would write; raises `BadInput` where the rows cannot serve the task."""
    rows = table(material)
    drafted, _ = infer.draft(rows, target=material.target, ids=material.ids, time=material.time, ignore=material.ignore)
    return task.shape(msgspec.structs.replace(drafted, task=task.name), rows, material.shape)


def dataset(material: Material, task: Task) -> Dataset:
    """Return the rows under their contract, with the judging ones set apart."""
    return build.dataset(table(material), shaped(material, task), material.settings)


def overwritten(rows: Rows, name: str, index: Array) -> Rows:
    """Return the rows with another value in column `name` of each row at `index`: that of another of these rows."""
    if not isinstance(rows, Table):
        raise TypeError("a data set is made of tables")
    series = rows.series(name)
    values = series.gather(index).to_list()
    first: dict[object, int] = {}
    for place, value in zip(index.tolist(), values, strict=True):
        first.setdefault(value, place)
    if len(first) < 2:
        raise AssertionError(f"the asked rows have one {name!r} only: bring material in which it varies")
    one, other = list(first)[:2]
    places = np.arange(len(rows))
    places[index] = [first[other if value == one else one] for value in values]
    return Table(rows.frame.with_columns(series.gather(places)), rows.formats)
