from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from scipy.special import softmax as reference

from seaway.engines.finish import Binary, Multiclass, Value, affine, answers, sigmoid, softmax

margins = st.floats(-1e300, 1e300)


@given(z=margins)
def test_sigmoid_neither_overflows_nor_leaves_its_range(z: float) -> None:
    p = sigmoid(np.array([z]))[0]
    assert 0.0 <= p <= 1.0
    assert p == pytest.approx(expit(z), rel=1e-14, abs=1e-300)


@given(z=arrays(np.float64, (3, 4), elements=margins))
def test_softmax_sums_to_one(z: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        p = softmax(z)
    assert np.allclose(p.sum(axis=1), 1.0)


def test_softmax_is_the_usual_one() -> None:
    z = np.random.default_rng(0).normal(size=(20, 5)) * 50
    assert np.allclose(softmax(z), reference(z, axis=1), rtol=1e-13)


def test_binary_decides_at_the_threshold_itself() -> None:
    found = answers(Binary(threshold=0.5), np.array([[0.0], [-1e-9], [3.0]]))
    assert found["label"].tolist() == [1, 0, 1]
    assert np.allclose(found["probabilities"].sum(axis=1), 1.0)
    assert found["probabilities"][0].tolist() == [0.5, 0.5]


def test_the_margin_answered_is_the_calibrated_one() -> None:
    found = answers(Binary(slope=2.0, shift=-1.0), np.array([[0.75]]))
    assert found["margin"] == 0.5
    assert found["probabilities"][0, 1] == pytest.approx(expit(0.5))


def test_multiclass_takes_the_first_of_equals() -> None:
    found = answers(Multiclass(slope=(1.0,) * 3, shift=(0.0,) * 3), np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]]))
    assert found["label"].tolist() == [0, 2]


def test_values_pass_their_link() -> None:
    assert answers(Value(), np.array([[2.5]]))["value"].tolist() == [2.5]
    assert answers(Value(link="exp", shift=1.0), np.array([[0.0]]))["value"].tolist() == [np.e]


def test_affine_has_one_entry_per_target() -> None:
    assert affine(Binary(slope=2.0)) == ((2.0,), (0.0,))
    assert affine(Multiclass(slope=(1.0, 2.0), shift=(3.0, 4.0))) == ((1.0, 2.0), (3.0, 4.0))
