"""Quantiles from backtests: as often right as they say on new series, and worth what their few lines are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.batch import Array, Outcomes
from seaway.core.contract import LEVELS, Column
from seaway.engines.series.finish import FILE, decoded
from seaway.tasks.forecast import finish
from seaway.tasks.forecast.finish import (
    NORMAL,
    coverage_by_step,
    crossfitted,
    fit,
    offsets,
    origins,
    residuals,
)
from tests.unit.tasks.forecast.backtests import HORIZON, answered, backtests, contract


def fitted(oof: Outcomes, horizon: int = HORIZON) -> Array:
    """Return the offsets (horizon, levels) fitted on backtests."""
    return np.array(fit(oof, contract(horizon), calibrate=True).value.offsets)


def skewed(generator: np.random.Generator, step: Array) -> Array:
    """Residuals with a long upper tail."""
    return generator.exponential(size=len(step)) - 0.3


def covered(offsets_: Array, oof: Outcomes) -> Array:
    """Return the share of residuals at or below each level (levels,), over all steps."""
    lines = residuals(oof)
    assert lines is not None
    return np.asarray((lines.r[:, None] <= offsets_[lines.step - 1]).mean(axis=0))


def test_every_level_holds_on_series_nobody_saw() -> None:
    for law in (skewed, lambda generator, step: generator.standard_t(3, len(step)) * step):
        found = fitted(backtests(1, series=400, law=law))
        told = covered(found, backtests(2, series=2000, law=law))
        assert np.abs(told - LEVELS).max() < 0.015


def test_each_step_has_its_own_spread() -> None:
    found = fitted(backtests(1, series=400))
    assert np.allclose(found[:, -1] / np.sqrt(np.arange(1, HORIZON + 1)), NORMAL[-1], rtol=0.1)


def test_steps_with_few_lines_share_those_around_them() -> None:
    own = fitted(backtests(1, series=100))
    pooled = fitted(backtests(1, series=4))
    assert own[-1, -1] / own[0, -1] > 2.0
    assert np.ptp(pooled[:, -1]) == 0.0, "20 lines a step: every window is the whole horizon"


@pytest.mark.parametrize("level", [0.05, 0.25, 0.75, 0.95])
def test_the_correction_is_the_order_statistic_of_conformal_prediction(level: float) -> None:
    """Independent equal lines: the ceil((n + 1) q)-th smallest (Lei et al. 2018), mirrored below the middle."""
    for count in (39, 200, 1000):
        oof = backtests(3, series=count, origins=1, horizon=1)
        lines = residuals(oof)
        assert lines is not None
        ordered = np.sort(lines.r)
        upper = int(np.ceil((count + 1) * max(level, 1 - level)))
        place = upper - 1 if level > 0.5 else count - upper
        assert fitted(oof, 1)[0, LEVELS.index(level)] == ordered[place]


def test_coverage_of_few_lines_is_at_least_what_is_said() -> None:
    """The guarantee is over draws of backtests and of the new line: 25 lines, two thousand times."""
    hits = []
    for seed in range(2000):
        found = fitted(backtests(seed, series=26, origins=1, horizon=1), 1)
        new = residuals(backtests(10_000 + seed, series=1, origins=1, horizon=1))
        assert new is not None
        hits.append(found[0, 0] <= new.r[0] <= found[0, -1])
    assert np.mean(hits) > 0.89


def test_lines_that_move_together_are_worth_fewer() -> None:
    alone, bound = (
        np.mean([fitted(backtests(seed, series=6, together=share))[:, -1].mean() for seed in range(40)])
        for share in (0.0, 0.95)
    )
    # The law grows with the step, so both are held against what plain order statistics of their own lines give.
    assert bound > 1.3
    assert alone > NORMAL[-1]
    lines = residuals(backtests(0, series=6, together=0.95))
    free = residuals(backtests(0, series=6, together=0.0))
    assert lines is not None
    assert free is not None
    assert finish._worth(_sorted(lines)) < 60 < finish._worth(_sorted(free))


def _sorted(lines: finish.Residuals) -> finish.Residuals:
    return lines.take(np.argsort(lines.r, kind="stable"))


@pytest.mark.parametrize("size", [0.01, 1.0, 50.0])
def test_what_too_few_lines_cannot_tell_is_never_narrower_than_normal(size: float) -> None:
    """Six lines of one series at one origin: their largest, or a normal distribution as wide as they are."""
    oof = backtests(0, series=1, origins=1, law=lambda generator, step: size * generator.normal(size=len(step)))
    lines = residuals(oof)
    assert lines is not None
    wide = NORMAL[-1] * np.sqrt(np.mean(lines.r**2))
    few = fitted(oof)
    assert few[:, 0] == pytest.approx(min(lines.r.min(), -wide))
    assert few[:, -1] == pytest.approx(max(lines.r.max(), wide))


def test_a_long_series_does_not_rule() -> None:
    """One series with 50 origins of tiny residuals beside 49 series with one origin each of usual ones."""
    usual = backtests(1, series=49, origins=1, horizon=1)
    small = backtests(2, series=1, origins=50, horizon=1, law=lambda generator, step: 0.0 * step)
    both = Outcomes(
        answer={"margin": np.concatenate([usual.answer["margin"], small.answer["margin"]])},
        truth=np.concatenate([usual.truth, small.truth]),
        case=np.concatenate([usual.case, small.case + 49]),
        step=np.concatenate([usual.step, small.step]),
    )
    lines = residuals(both)
    assert lines is not None
    assert lines.w[:49].sum() == pytest.approx(49)
    assert lines.w[49:].sum() == pytest.approx(1)
    assert fitted(both, 1)[0, -1] > 1.2


@given(
    seed=st.integers(0, 1000),
    series=st.integers(1, 12),
    count=st.integers(1, 4),
    together=st.floats(0, 1),
    lost=st.floats(0, 1),
)
def test_quantiles_never_cross_and_are_finite(seed: int, series: int, count: int, together: float, lost: float) -> None:
    found = fitted(backtests(seed, series=series, origins=count, together=together, lost=lost))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()


@given(unit=st.floats(1e-3, 1e6), shift=st.floats(-1e3, 1e3))
def test_a_unit_of_the_target_changes_nothing(unit: float, shift: float) -> None:
    oof = backtests(4, series=8)
    assert oof.truth is not None
    margin = oof.answer["margin"] * unit + np.array([shift, 0.0])
    other = replace(oof, answer={"margin": margin}, truth=oof.truth * unit + shift)
    assert np.allclose(fitted(other), fitted(oof), rtol=1e-6, atol=1e-6)


def test_without_truth_or_wish_the_quantiles_are_normal() -> None:
    oof = backtests(0)
    for found in (
        fit(oof, contract(), calibrate=False),
        fit(replace(oof, truth=None), contract(), calibrate=True),
        fit(oof.answered({}), contract(), calibrate=True),
        fit(backtests(0, lost=1.0), contract(), calibrate=True),
        fit(oof.take(np.zeros(0, dtype=np.int64)), contract(), calibrate=True),
    ):
        assert found.name == "normal"
        assert np.array_equal(np.array(found.value.offsets), np.tile(NORMAL, (HORIZON, 1)))


def test_a_weight_of_nothing_is_not_there() -> None:
    oof = backtests(5)
    weight = (oof.case % 2).astype(float)
    assert np.array_equal(fitted(replace(oof, weight=weight)), fitted(oof.take(oof.case % 2 == 1)))


def test_the_answer_is_laid_by_step_and_stays_unknown_where_nothing_was_asked() -> None:
    done = fit(backtests(1), contract(), calibrate=True)
    margin = np.array([[[10.0, 2.0]] * HORIZON, [[5.0, 1.0]] * 2 + [[np.nan, np.nan]] * (HORIZON - 2)])
    found = done.apply({"margin": margin})
    assert found["mean"].shape == (2, HORIZON)
    assert found["quantiles"].shape == (2, HORIZON, len(LEVELS))
    assert np.array_equal(found["quantiles"][0], 10 + 2 * np.array(done.value.offsets))
    assert np.isnan(found["mean"][1, 2:]).all()
    assert np.isnan(found["quantiles"][1, 2:]).all()
    assert np.isfinite(found["quantiles"][1, :2]).all()


def test_the_program_is_the_same_step() -> None:
    done = fit(backtests(1), contract(), calibrate=True)
    program = done.export()
    assert program.engine == "series"
    assert decoded(program.files[FILE], HORIZON) == done.value


@pytest.mark.parametrize(
    ("target", "low", "high"),
    [
        (Column(name="y", kind="number", range=(2.0, 9.0)), None, None),
        (Column(name="y", kind="number", range=(0.0, 9.0)), 0.0, None),
        (Column(name="y", kind="number", range=(-3.0, 9.0)), None, None),
        (Column(name="y", kind="number", range=(-1.0, 1.0), hard=True), -1.0, 1.0),
        (Column(name="y", kind="number"), None, None),
    ],
)
def test_answers_stay_inside_what_the_target_can_be(target: Column, low: float | None, high: float | None) -> None:
    done = fit(backtests(1), contract(target=target), calibrate=True)
    assert (done.value.low, done.value.high) == (low, high)
    found = done.apply({"margin": np.tile([0.0, 100.0], (1, HORIZON, 1))})
    assert found["quantiles"].min() >= (-np.inf if low is None else low)
    assert found["quantiles"].max() <= (np.inf if high is None else high)


def test_origins_are_counted_from_the_newest() -> None:
    oof = backtests(0, series=3, origins=4)
    assert np.array_equal(origins(oof), np.repeat([3, 2, 1, 0], 3 * HORIZON))
    young = oof.take(np.flatnonzero((oof.case != 1) | (np.arange(len(oof)) >= 3 * 3 * HORIZON)))
    assert (origins(young)[young.case == 1] == 0).all(), "a series that is new stands in the newest backtest alone"
    by_series = oof.take(np.argsort(oof.case, kind="stable"))
    assert np.array_equal(origins(by_series), np.tile(np.repeat([3, 2, 1, 0], HORIZON), 3))


def test_an_origin_has_no_say_in_its_own_quantiles() -> None:
    oof = backtests(0, series=30, origins=3)
    assert oof.truth is not None
    found = crossfitted(oof, HORIZON)
    here = origins(oof) == 1
    moved = oof.truth.copy()
    moved[here] += 1000 * oof.answer["margin"][here, 1]
    again = crossfitted(replace(oof, truth=moved), HORIZON)
    assert np.array_equal(again[here], found[here])
    assert not np.array_equal(again[~here], found[~here])


def test_one_origin_alone_says_nothing_of_its_coverage() -> None:
    oof = backtests(0, origins=1)
    found = crossfitted(oof, HORIZON)
    assert np.isnan(found).all()
    assert np.isnan(coverage_by_step(found, oof, HORIZON)).all()


def test_crossfitted_coverage_is_that_of_new_rows() -> None:
    oof = backtests(6, series=300)
    stated = coverage_by_step(crossfitted(oof, HORIZON), oof, HORIZON)
    new = answered(backtests(7, series=3000, origins=1), fit(oof, contract(), calibrate=True))
    measured = coverage_by_step(new.answer["quantiles"], new, HORIZON)
    assert np.abs(stated - 0.9).max() < 0.03
    assert np.abs(stated - measured).max() < 0.03


def test_coverage_by_step_is_counted_line_by_line() -> None:
    oof = answered(backtests(8, series=5, lost=0.2), fit(backtests(9), contract(), calibrate=True))
    oof = replace(oof, weight=np.random.default_rng(0).uniform(0.1, 2, len(oof)))
    found = coverage_by_step(oof.answer["quantiles"], oof, HORIZON + 1)
    assert oof.truth is not None
    assert oof.weight is not None
    for step in range(1, HORIZON + 1):
        hit = total = 0.0
        for line in np.flatnonzero(oof.step == step):
            if np.isnan(oof.truth[line]):
                continue
            total += oof.weight[line]
            low, *_, high = oof.answer["quantiles"][line]
            hit += oof.weight[line] * (low <= oof.truth[line] <= high)
        assert found[step - 1] == pytest.approx(hit / total)
    assert np.isnan(found[-1]), "nobody asked so far ahead"


def test_offsets_of_a_step_nobody_tried_are_those_of_all() -> None:
    lines = residuals(backtests(0, series=50))
    assert lines is not None
    some = lines.take(lines.step <= 3)
    found = offsets(some, HORIZON)
    assert np.isfinite(found).all()
    assert found[-1, -1] >= found[0, -1]
