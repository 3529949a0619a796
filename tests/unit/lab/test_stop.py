"""When a search ends."""

from __future__ import annotations

import pytest

from seaway.core.chance import monotonic
from seaway.lab.stop import EnoughTrials, NoImprovement, TimeUp, first


def test_so_many_trials_and_no_more() -> None:
    assert EnoughTrials(2)([0.1], 0) == ""
    assert EnoughTrials(2)([0.1, 0.2], 0) == "2 trials are done"


def test_no_trial_that_would_end_too_late() -> None:
    now = monotonic()
    assert TimeUp(now + 100)([], 50) == ""
    assert TimeUp(now + 100)([], 150) == "the time is up"
    assert TimeUp(now - 1)([], 0) == "the time is up"
    assert TimeUp(float("inf"))([], 1e9) == ""


@pytest.mark.parametrize(
    ("losses", "ends"),
    [
        ([], False),
        ([1.0], False),
        ([1.0, 1.0, 1.0], False),
        ([1.0, 1.0, 1.0, 1.0], True),
        ([1.0, 2.0, 3.0, 0.5], False),
        ([0.5, 2.0, 3.0, 0.6], True),
        ([-0.9, -0.9, -0.9, -0.9000001], True),
        ([-0.9, -0.8, -0.7, -0.95], False),
        ([float("inf")] * 4, True),
    ],
)
def test_three_in_a_row_without_a_gain(losses: list[float], ends: bool) -> None:
    assert bool(NoImprovement(3)(losses, 0)) is ends


def test_the_first_reason_is_given() -> None:
    assert first([EnoughTrials(9), EnoughTrials(1)], [0.1], 0) == "1 trials are done"
    assert first([], [0.1], 0) == ""
