"""Forecasts without training, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seaway.engines.series.points import drift, seasonal_naive
from tests.unit.engines.series_made import NAN


def test_the_naive_forecast_repeats_the_last_value_and_widens_with_the_root_of_time() -> None:
    margin = seasonal_naive(np.array([[2.0, 4.0, 3.0, 5.0]]), 1, 3)[0]
    assert margin[:, 0].tolist() == [5.0, 5.0, 5.0]
    sigma = np.sqrt((2**2 + 1**2 + 2**2) / 3)
    assert margin[:, 1] == pytest.approx(sigma * np.sqrt([1, 2, 3]))


def test_a_value_that_is_two_rows_old_is_forecast_two_rows_further() -> None:
    margin = seasonal_naive(np.array([[2.0, 4.0, NAN, 8.0, NAN, NAN]]), 1, 2)[0]
    assert margin[:, 0].tolist() == [8.0, 8.0]
    sigma = np.sqrt((2**2 / 1 + 4**2 / 2) / 2)  # the second error lies over two periods
    assert margin[:, 1] == pytest.approx(sigma * np.sqrt([3, 4]))


def test_the_seasonal_naive_forecast_repeats_the_season_and_widens_with_every_season() -> None:
    history = np.array([[1.0, 5.0, 2.0, 2.0, 7.0, 2.0]])
    margin = seasonal_naive(history, 3, 7)[0]
    assert margin[:, 0].tolist() == [2.0, 7.0, 2.0, 2.0, 7.0, 2.0, 2.0]
    sigma = np.sqrt((1**2 + 2**2 + 0**2) / 3)
    assert margin[:, 1] == pytest.approx(sigma * np.sqrt([1, 1, 1, 2, 2, 2, 3]))


def test_a_missing_phase_falls_back_a_season_and_a_phase_never_seen_to_the_last_value() -> None:
    history = np.array([[1.0, 5.0, NAN, 2.0, NAN, NAN]])
    margin = seasonal_naive(history, 3, 3)[0]
    assert margin[:, 0].tolist() == [2.0, 5.0, 2.0]
    sigma = 1.0  # one error: from 1 to 2 in the first phase
    assert margin[:2, 1] == pytest.approx([sigma, sigma * np.sqrt(2)])
    simple = np.sqrt((4**2 / 1 + 3**2 / 2) / 2)
    assert margin[2, 1] == pytest.approx(simple * np.sqrt(3 + 2))


def test_a_history_shorter_than_the_season_is_answered_by_what_is_there() -> None:
    margin = seasonal_naive(np.array([[4.0, 6.0]]), 3, 3)[0]
    assert margin[:, 0].tolist() == [6.0, 4.0, 6.0]  # the phase of the first step was never seen
    assert (margin[:, 1] > 0).all()


def test_drift_carries_on_the_line_from_the_first_value_to_the_last() -> None:
    margin = drift(np.array([[NAN, 1.0, 4.0, 3.0, 7.0]]), 2)[0]
    assert margin[:, 0].tolist() == [9.0, 11.0]
    errors = np.array([3.0, -1.0, 4.0]) - 2.0
    sigma = np.sqrt((errors**2).sum() / 2)
    assert margin[:, 1] == pytest.approx(sigma * np.sqrt([1 * (1 + 1 / 3), 2 * (1 + 2 / 3)]))


def test_drift_over_a_gap_counts_the_rows_between() -> None:
    margin = drift(np.array([[0.0, NAN, NAN, 6.0, NAN]]), 1)[0]
    assert margin[0, 0] == pytest.approx(6 + 2 * 2)


def test_one_known_value_is_carried_on_with_a_spread_as_large_as_itself() -> None:
    for margin in (seasonal_naive(np.array([[NAN, -4.0]]), 7, 2), drift(np.array([[NAN, -4.0]]), 2)):
        assert margin[0, :, 0].tolist() == [-4.0, -4.0]
        assert margin[0, 0, 1] == 4.0
    assert seasonal_naive(np.array([[NAN, 0.0]]), 7, 1)[0, 0, 1] == 1.0


def test_a_constant_series_has_a_spread_that_is_small_and_not_zero() -> None:
    for made in (seasonal_naive(np.full((1, 20), 3.0), 7, 3), drift(np.full((1, 20), 3.0), 3)):
        assert made[0, :, 0].tolist() == [3.0, 3.0, 3.0]
        assert (made[0, :, 1] > 0).all()
        assert (made[0, :, 1] < 1e-3).all()


def test_nothing_known_gives_no_number_and_no_cases_no_answer() -> None:
    assert np.isnan(seasonal_naive(np.full((1, 4), NAN), 2, 2)[..., 0]).all()
    assert seasonal_naive(np.zeros((0, 4)), 2, 2).shape == drift(np.zeros((0, 4)), 2).shape == (0, 2, 2)


CELLS = st.one_of(st.just(NAN), st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6))


@given(
    arrays(np.float64, st.tuples(st.just(3), st.integers(1, 30)), elements=CELLS), st.integers(1, 9), st.integers(1, 9)
)
def test_every_history_with_a_value_has_finite_answers_that_scale_with_it(history: object, m: int, h: int) -> None:
    z = np.asarray(history)
    z[:, 0] = 1.0
    for made, large in (
        (seasonal_naive(z, m, h), seasonal_naive(z * 2.0**900, m, h)),
        (drift(z, h), drift(z * 2.0**900, h)),
    ):
        assert np.isfinite(made).all()
        assert (made[..., 1] > 0).all()
        assert np.array_equal(large[..., 0], made[..., 0] * 2.0**900)
