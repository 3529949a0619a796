"""Evidence that stays valid however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from seaway.core.chance import rng
from seaway.monitor.sequential import cases_needed, evidence, exceeds, wilson


@pytest.mark.parametrize(("k", "n", "limit"), [(0, 10, 0.05), (3, 10, 0.05), (12, 100, 0.1), (50, 60, 0.5)])
def test_it_is_the_mixture_it_says(k: int, n: int, limit: float) -> None:
    def ratio(p: float) -> float:
        return float((p / limit) ** k * ((1 - p) / (1 - limit)) ** (n - k) / (1 - limit))

    assert evidence(k, n, limit) == pytest.approx(math.log(integrate.quad(ratio, limit, 1)[0]), rel=1e-6)


def test_looking_after_every_request_raises_no_more_false_alarms() -> None:
    generator = rng("sequential", 1)
    alarms = 0
    for _ in range(200):
        failures = np.cumsum(generator.random(400) < 0.05)
        alarms += any(exceeds(int(k), n, 0.05, 0.05) for n, k in enumerate(failures, start=1))
    assert alarms <= 200 * 0.05 + 3 * math.sqrt(200 * 0.05 * 0.95)


def test_a_share_well_above_the_limit_is_found_soon() -> None:
    assert exceeds(10, 10, 0.05, 1e-3)
    assert exceeds(60, 200, 0.05, 1e-3)
    assert not exceeds(8, 100, 0.05, 1e-3)
    assert not exceeds(0, 0, 0.05, 1e-3)
    assert not exceeds(0, 10**9, 0.05, 1e-3)
    assert cases_needed(0.3, 0.05, 1e-3) <= 64


def test_wilson_agrees_with_scipy() -> None:
    for k, n in ((0, 10), (3, 10), (10, 10), (50, 1000)):
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)
