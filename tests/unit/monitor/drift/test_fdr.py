"""Adjusted p-values against scipy's, and the promise they make."""

from __future__ import annotations

import numpy as np
from scipy import stats

from seaway.core.chance import rng
from seaway.monitor.drift import fdr


def test_it_agrees_with_scipy() -> None:
    p = rng("fdr", 1).random(50) ** 3
    assert np.allclose(fdr.adjusted(list(p)), stats.false_discovery_control(p), rtol=1e-14, atol=0)


def test_nothing_in_nothing_out() -> None:
    assert len(fdr.adjusted([])) == 0


def test_where_nothing_moves_any_finding_is_as_rare_as_the_rate() -> None:
    p = rng("fdr", 2).random((4000, 12))
    alarms = np.mean([(fdr.adjusted(row) <= 0.05).any() for row in p])
    assert 0.03 < alarms < 0.065
