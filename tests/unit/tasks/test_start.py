"""Where margins start."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.batch import Batch, Sample
from seaway.core.errors import BadInput
from seaway.tasks.tabular.start import start, takes, targets, together, weights
from tests.unit.tasks.tables import contract, numbers, sample


def of(truth: list[float], weight: list[float] | None = None) -> Sample:
    """Make a sample of truths."""
    return Sample(
        batch=Batch.of_rows(numbers(len(truth), 0)),
        case=np.arange(len(truth)),
        truth=np.array(truth),
        weight=None if weight is None else np.array(weight),
    )


def test_two_classes_start_at_their_smoothed_log_odds() -> None:
    found = start(of([0, 0, 0, 1]), contract("binary"))
    assert found.margin == pytest.approx([np.log(1.5 / 3.5)])
    assert found.classes.all()


def test_weights_count_relative_to_one_another() -> None:
    one, other = (start(of([0, 0, 1], weight), contract("binary")).margin for weight in ([1, 1, 4], [10, 10, 40]))
    assert one == pytest.approx(other)
    assert one[0] > 0


def test_several_classes_start_at_log_shares_and_a_missing_one_stays_possible() -> None:
    found = start(of([0, 0, 2]), contract("multiclass"))
    assert np.exp(found.margin).sum() == pytest.approx(1)
    assert found.classes.tolist() == [True, False, True]
    assert np.exp(found.margin[1]) == pytest.approx(0.5 / 4.5)


def test_numbers_start_at_their_mean_in_units_of_their_spread() -> None:
    found = start(of([1.0, 3.0]), contract("regression"))
    assert (found.margin[0], found.scale) == (2.0, 1.0)
    assert start(of([5.0] * 9), contract("regression")).scale == 1.0
    assert start(of([1e9 + 0.1] * 7), contract("regression")).scale == 1.0


@pytest.mark.parametrize(("problem", "width"), [("binary", 1), ("multiclass", 3), ("regression", 1)])
def test_widths(problem: str, width: int) -> None:
    assert targets(contract(problem)) == width == len(start(sample(problem), contract(problem)).margin)


@pytest.mark.parametrize("weight", [[0.0, 0.0], [1.0, -1.0], [2.0, -1.0], [float("nan"), 1.0]])
def test_weights_that_mean_nothing_are_refused(weight: list[float]) -> None:
    with pytest.raises(BadInput, match=r"negative, or all of them are zero(.|\n)*zero or more"):
        weights(of([0, 1], weight))


def test_together_keeps_rows_truth_and_weights_beside_one_another() -> None:
    first, second = sample("binary", 10, weighted=True), sample("binary", 5, seed=3, weighted=True)
    both = together(first, second)
    assert both.truth is not None
    assert both.weight is not None
    assert np.array_equal(both.batch.x[10:], second.batch.x, equal_nan=True)
    assert np.array_equal(both.case, np.concatenate([first.case, second.case]))
    assert np.array_equal(both.truth[10:], second.truth)  # type: ignore[arg-type]
    assert np.array_equal(both.weight[:10], first.weight)  # type: ignore[arg-type]
    assert together(first, None) is first


def test_nothing_to_learn_from_is_said() -> None:
    bare = contract("binary").__class__(task="tabular", per="row", columns=())
    assert takes("linear", "T011", bare).outcome == "fail"
    assert takes("linear", "T011", contract("binary")).outcome == "pass"
