"""The task as rooms see it."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from seaway.core.contract import Column
from seaway.core.dataset import Dataset
from seaway.core.extend import load
from seaway.core.metrics import METRICS
from seaway.core.settings import load as settings_of
from seaway.data.build import dataset
from seaway.data.infer import draft
from seaway.data.rows import Table
from seaway.tasks.tabular.task import Tabular
from tests.unit.tasks.tables import PROBLEMS, contract


def small(rows: int = 120) -> Dataset:
    """Make a data set of two classes, a tenth of them positive."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"x": rng.normal(size=rows).round(3), "y": ["yes" if i % 10 == 0 else "no" for i in range(rows)]}
    )
    found, _ = draft(Table(frame), target="y")
    return dataset(Table(frame), Tabular().shape(found, Table(frame), {}), settings_of(None))


def test_it_is_found_by_name() -> None:
    assert load("task", "tabular") is Tabular
    assert Tabular().name == "tabular"


def test_members_blend_and_training_settles_nothing() -> None:
    assert Tabular.blends is True
    found = contract("binary")
    assert Tabular().settle(found, []) is found


def test_folds_stay_within_the_training_rows_and_share_out_the_classes() -> None:
    data = small()
    folds = Tabular().folds(data, 4, 0)
    asked = np.concatenate([pair[1] for pair in folds])
    assert sorted(asked) == sorted(data.split.train)
    values, _ = data.rows.column("y")
    for known, held in folds:
        assert not set(known) & set(held)
        assert 1 <= (values[held] == "yes").sum() <= 4


@pytest.mark.parametrize(
    ("problem", "first"), [("binary", "roc_auc"), ("multiclass", "log_loss"), ("regression", "rmse")]
)
def test_metrics_are_known_and_the_first_decides(problem: str, first: str) -> None:
    names = Tabular().metrics(contract(problem))
    assert names[0] == first
    assert set(names) <= set(METRICS)
    targets = 2 if problem == "binary" else 3
    assert all(METRICS[name].classes in (0, targets) for name in names)


def test_relative_errors_are_for_targets_that_are_never_negative() -> None:
    found = contract("regression")
    for limits, listed in (((0.0, 9.0), True), ((-1.0, 9.0), False)):
        target = Column(name="t", kind="number", role="target", range=limits)
        ranged = msgspec.structs.replace(found, columns=(*found.columns[:-1], target))
        assert ("rmsle" in Tabular().metrics(ranged)) is listed


@pytest.mark.parametrize("problem", PROBLEMS)
def test_baselines_come_first(problem: str) -> None:
    names = [model.name for model in Tabular().models(contract(problem), "balanced")]
    assert names == ["baseline", "linear", "lightgbm"]
