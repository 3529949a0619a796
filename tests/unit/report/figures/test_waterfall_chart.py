import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.report.figures import waterfall


def test_pushes_lead_from_base_to_margin(parse, classed):
    root = parse(waterfall(1.0, {"a": 2.0, "b": -0.5, "c": 0.25}))
    base, margin = (float(dot.get("cx")) for dot in classed(root, "dot"))
    bars = [(float(bar.get("x")), float(bar.get("x")) + float(bar.get("width"))) for bar in classed(root, "push")]
    per_unit = (bars[0][1] - bars[0][0]) / 2.0
    assert bars[0][0] == pytest.approx(base, abs=0.02)
    assert bars[1][1] == pytest.approx(bars[0][1], abs=0.02)
    assert bars[2][1] == pytest.approx(margin, abs=0.02)
    assert margin - base == pytest.approx(1.75 * per_unit, abs=0.1)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_small_pushes_are_gathered_and_none_is_lost(pushes):
    drawing = waterfall(0.5, {f"c{i}": push for i, push in enumerate(pushes)}, margin=float(np.sum(pushes)) + 0.5)
    assert drawing.count("push fill-") == min(len(pushes), 13)


def test_values_stand_beside_their_names(parse, texts):
    shown = texts(parse(waterfall(0.0, {"age": 1.0, "sex": -2.0}, values={"age": "48"})))
    assert {"age = 48", "sex", "+1", "−2", "base", "margin"} <= set(shown)


def test_an_explanation_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="pass the attributions of this very answer"):
        waterfall(0.0, {"a": 1.0}, margin=2.0)


@pytest.mark.parametrize("attributions", [{}, {"a": 0.0}])
def test_no_push_at_all(parse, texts, attributions):
    assert {"base", "margin"} <= set(texts(parse(waterfall(0.3, attributions))))


def test_what_is_not_finite_is_said(parse, texts):
    assert "The explanation holds values that are not finite" in texts(parse(waterfall(0.0, {"a": float("nan")})))
