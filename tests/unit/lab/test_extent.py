"""How many rows are searched on, and how the time is shared out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seaway.core.batch import Batch, Sample
from seaway.core.chance import monotonic
from seaway.core.settings import TrainSettings
from seaway.lab.budget import PACE, Budget, budget_of, mean_s, scaled_s
from seaway.lab.extent import FEWEST, MOST, chosen, extent
from seaway.tasks.tabular.linear import Linear
from tests.unit.lab import ahead
from tests.unit.lab.test_journal import record
from tests.unit.tasks.tables import contract


def wide(rows: int) -> Sample:
    """Draw many rows cheaply."""
    rng = np.random.default_rng(0)
    x = np.zeros((rows, 7), dtype=np.float32)
    x[:, :5] = rng.normal(size=(rows, 5))
    x[:, 5:] = 2
    return Sample(batch=Batch.of_rows(x), case=np.arange(rows), truth=(rng.random(rows) < 0.5).astype(float))


def count(rows: int, budget: Budget, preset: str = "balanced") -> int:
    """Return the extent for the linear model and three folds."""
    return extent(wide(rows), contract("binary"), [Linear()], 3, preset, budget, 1)


FOREVER = budget_of(TrainSettings(trials=3), 0.0, 1000)


@pytest.mark.parametrize("preset", MOST)
def test_without_a_clock_the_preset_alone_decides(preset: str) -> None:
    assert count(3_000, FOREVER, preset) == 3_000
    assert count(60_000, FOREVER, preset) == min(60_000, MOST[preset])


def test_little_time_means_fewer_rows_but_never_too_few() -> None:
    now = monotonic()
    plenty = count(400_000, Budget(started=now, end=now + 3600, tail_s=3), "best")
    none = count(400_000, Budget(started=now - 50, end=now - 40, tail_s=3), "best")
    assert plenty == 400_000
    assert FEWEST <= none < plenty


def test_rows_are_chosen_by_chance_in_their_order_and_by_the_seed() -> None:
    rows = np.arange(100, 200)
    each = np.arange(100)
    some = chosen(rows, each, 10, 0)
    assert len(np.unique(some)) == 10
    assert (np.diff(some) > 0).all()
    assert set(some) <= set(rows)
    assert np.array_equal(some, chosen(rows, each, 10, 0))
    assert not np.array_equal(some, chosen(rows, each, 10, 1))
    assert chosen(rows, each, 100, 0) is rows


def test_trials_or_no_budget_leave_the_clock_out() -> None:
    for settings in (TrainSettings(trials=5, budget_s=10), TrainSettings(budget_s=0)):
        budget = budget_of(settings, 0.0, 10_000)
        assert not budget.is_bounded
        assert budget.search_until(1e9) == math.inf
        assert budget.refit_until == math.inf


def test_a_budget_keeps_time_for_the_refit_and_the_rest() -> None:
    budget = budget_of(TrainSettings(budget_s=60), 100.0, 10_000)
    assert budget.end == 160
    assert budget.search_until(0) == budget.refit_until < 160
    assert budget.search_until(5) == budget.refit_until - 5
    assert budget.search_until(1e9) > 100 + 0.5 * 60  # a slow refit does not eat the search
    short = budget_of(TrainSettings(budget_s=3), 100.0, 10_000_000)
    assert short.refit_until == 102  # nor does a long tail


def test_training_time_grows_less_than_the_rows() -> None:
    assert scaled_s(1.0, 1000, 1000) == 1
    assert scaled_s(1.0, 1000, 10_000) == pytest.approx(10**PACE)


def test_the_mean_of_no_trials_is_no_time() -> None:
    assert mean_s([]) == 0
    assert mean_s([record(0), record(1)]) == pytest.approx(0.3)


def test_a_case_is_drawn_whole_and_cost_is_counted_in_rows() -> None:
    rows, cases = np.arange(50, 110), np.repeat([7, 3, 9, 1, 4, 8], 10)
    some = chosen(rows, cases, 35, 0)
    assert len(some) == 30
    drawn = set(cases[some - 50])
    assert set(some) == set(rows[np.isin(cases, list(drawn))])
    assert len(chosen(rows, np.zeros(60), 5, 0)) == 60  # one case is all there is


def test_the_probe_trains_on_a_few_whole_series_and_holds_none_back() -> None:
    sample = ahead.series([400] * 30, [0] * 30, list(range(30)))
    now, model = monotonic(), ahead.Onward()
    count = extent(sample, ahead.CONTRACT, [model], 3, "fast", Budget(started=now, end=now + 60, tail_s=1), 1)
    assert count == 12_000
    assert model.learnt_from == [(2, 800), (2, 800)]
