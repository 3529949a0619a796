"""Numbers compared with a reference's bins."""

from __future__ import annotations

import numpy as np
import pytest

from seaway.core.chance import rng
from seaway.monitor.drift import categorical, numeric


def test_bins_end_with_their_edge() -> None:
    shift = numeric.compare("x", np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0]), np.array([10.0, 20.0, 10.0]))
    assert shift.figures["now"] == [0.25, 0.5, 0.25]
    assert shift.figures["edges"] == [1.0, 2.0]
    assert shift.p == 1.0


@pytest.mark.parametrize("bins", [2, 10, 20, 64])
def test_the_reference_keeps_its_bins_unless_there_are_many(bins: int) -> None:
    values = rng("bins").normal(size=5000)
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    then = np.bincount(np.searchsorted(edges, values), minlength=bins).astype(float)
    shift = numeric.compare("x", values[:500], edges, then)
    assert len(shift.figures["then"]) == (bins if bins <= 20 else 10)
    assert len(shift.figures["edges"]) == len(shift.figures["then"]) - 1
    assert sum(shift.figures["now"]) == pytest.approx(1.0)


def test_a_constant_that_changes_is_found() -> None:
    shift = numeric.compare("x", np.full(200, 7.0), np.array([5.0]), np.array([300.0, 0.0]))
    assert shift.p < 1e-50
    assert shift.effect.value > 1


def test_what_the_reference_folded_is_other() -> None:
    values = np.array(["a"] * 60 + ["b"] * 30 + ["rare"] * 10, dtype=object)
    shift = categorical.compare("x", values, {"a": 600.0, "b": 300.0, "other": 100.0})
    assert shift.p > 0.9
    assert shift.figures["categories"] == ["a", "b", "other"]
    new = categorical.compare("x", values, {"a": 600.0, "b": 300.0})
    assert new.p < 1e-6
    assert new.figures["new"] == {"rare": 10}
