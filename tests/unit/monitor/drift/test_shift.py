"""Tests and effects: right where the right answer is known, and quiet where nothing has moved."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seaway.core.chance import rng
from seaway.monitor.drift.shift import chi_square, kolmogorov_smirnov, more_often, psi


def test_chi_square_agrees_with_scipy() -> None:
    now, then = np.array([30, 50, 20]), np.array([100, 300, 120])
    expected = stats.chi2_contingency(np.stack([now, then]), correction=False).pvalue
    assert chi_square(now, then) == pytest.approx(expected, rel=1e-12)


def test_chi_square_puts_rare_bins_together() -> None:
    now, then = np.array([30, 50, 1, 0, 1, 0]), np.array([300, 500, 2, 3, 1, 0])
    # The four rare bins together still expect fewer than five, so the next larger one joins them.
    expected = stats.chi2_contingency([[50, 32], [500, 306]], correction=False).pvalue
    assert chi_square(now, then) == pytest.approx(expected, rel=1e-12)
    assert chi_square(np.array([5.0]), np.array([9.0])) == 1.0


def test_more_often_agrees_with_scipy() -> None:
    expected = stats.binomtest(7, 10, 200 / 1000, alternative="greater").pvalue
    assert more_often(7, 3, 200, 800) == pytest.approx(expected, rel=1e-9)
    assert more_often(0, 3, 200, 800) == 1.0


def test_kolmogorov_smirnov_is_never_below_the_exact_test() -> None:
    generator = rng("ks", 1)
    for shift in (0.0, 0.2, 0.5):
        then, now = generator.normal(size=800), generator.normal(shift, size=500)
        edges = np.quantile(then, np.linspace(0.05, 0.95, 19))
        counts = [np.bincount(np.searchsorted(edges, sample), minlength=20) for sample in (now, then)]
        distance, p = kolmogorov_smirnov(counts[0], counts[1])
        exact = stats.ks_2samp(now, then, method="asymp")
        assert distance <= exact.statistic + 1e-12
        assert p >= exact.pvalue * 0.99


def test_psi_of_a_normal_shift_is_its_square_and_of_nothing_is_nothing() -> None:
    generator = rng("psi", 2)
    edges = stats.norm.ppf(np.linspace(0.05, 0.95, 19))
    values = []
    for shift in (0.0, 0.5):
        counts = [
            np.bincount(np.searchsorted(edges, generator.normal(s, size=200_000)), minlength=20) for s in (shift, 0.0)
        ]
        values.append(psi(counts[0], counts[1]).value)
    assert values[0] < 1e-3
    assert values[1] == pytest.approx(0.25, rel=0.06)


def test_psi_is_not_fooled_by_small_samples() -> None:
    generator = rng("psi", 3)
    found = [psi(generator.multinomial(200, [0.1] * 10), generator.multinomial(300, [0.1] * 10)) for _ in range(300)]
    assert np.mean([effect.value for effect in found]) < 0.03  # without the correction: 0.075 and more
    assert np.mean([effect.value < 0.1 for effect in found]) > 0.95


def test_a_bin_that_emptied_does_not_make_psi_infinite() -> None:
    effect = psi(np.array([0.0, 1000.0]), np.array([500.0, 500.0]))
    assert np.isfinite([effect.value, effect.upper]).all()
    assert effect.value > 1
    assert psi(np.array([7.0]), np.array([9.0])).value == 0.0
