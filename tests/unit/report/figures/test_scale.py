import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.report.figures.scale import linear
from seaway.report.text import MINUS, THIN

ends = st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-9)


def labels(scale):
    return [label.replace(THIN, " ") for _, label in scale.ticks]


@given(ends, ends, st.integers(3, 10), st.booleans())
def test_ticks_rise_lie_inside_and_are_told_apart(low, high, count, is_snug):
    scale = linear(low, high, count=count, is_snug=is_snug)
    values = [value for value, _ in scale.ticks]
    slack = 1e-6 * (scale.high - scale.low)
    assert values == sorted(set(values))
    assert all(scale.low - slack <= value <= scale.high + slack for value in values)
    assert len(set(labels(scale))) == len(values)
    assert 1 <= len(values) <= 2 * count + 3


@given(ends, ends)
def test_a_scale_holds_what_it_is_made_for(low, high):
    scale = linear(low, high)
    assert scale.low <= min(low, high)
    assert max(low, high) <= scale.high
    assert scale.low < scale.high


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_pixels_keep_the_order_and_stay_between_the_ends(low, high, value):
    scale = linear(low, high).between(400.0, 30.0)
    assert 30.0 <= scale(value) <= 400.0
    assert scale(scale.low) == pytest.approx(400.0)
    assert scale(scale.high) == pytest.approx(30.0)
    assert scale(value) >= scale(value + 1.0)


@pytest.mark.parametrize(
    ("low", "high", "options", "shown"),
    [
        (0, 1, {}, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 1, {"is_percent": True}, ["0%", "20%", "40%", "60%", "80%", "100%"]),
        (-3, 4, {}, [f"{MINUS}3", f"{MINUS}2", f"{MINUS}1", "0", "1", "2", "3", "4"]),
        (0, 1.2e6, {"count": 4}, ["0", "0.25 M", "0.50 M", "0.75 M", "1.00 M", "1.25 M"]),
        (0, 50_000, {}, ["0", "10 000", "20 000", "30 000", "40 000", "50 000"]),
        (0, 1e-7, {"count": 4}, ["0", "2.5e-8", "5e-8", "7.5e-8", "1e-7"]),
        (0, 4e13, {"count": 4}, ["0", "1e13", "2e13", "3e13", "4e13"]),
        (0, 3, {"is_whole": True, "count": 8}, ["0", "1", "2", "3"]),
        (0, 12, {"is_whole": True, "count": 4}, ["0", "5", "10", "15"]),
        (1e9, 1e9 + 0.004, {"count": 4}, ["1 000 000 000.000", "1 000 000 000.001", "1 000 000 000.002", "1 000 000 000.003", "1 000 000 000.004"]),
    ],
)  # fmt: skip
def test_labels(low, high, options, shown):
    assert labels(linear(low, high, **options)) == shown


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9, 3e12])
def test_one_value_stands_in_the_middle(value):
    scale = linear(value, value, is_snug=True).between(0.0, 100.0)
    assert scale(value) == pytest.approx(50.0)


def test_numpy_and_single_values_agree():
    import numpy as np

    scale = linear(-2, 9).between(10, 90)
    values = np.linspace(-5, 12, 40)
    assert scale.many(values).tolist() == pytest.approx([scale(value) for value in values])
    assert not any(math.isnan(pixel) for pixel in scale.many(values))
