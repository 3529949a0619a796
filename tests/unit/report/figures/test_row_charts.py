"""Importance, leaderboard and boxes: figures of named rows."""

import numpy as np
import pytest

from seaway.core import chance
from seaway.core.candidate import Score
from seaway.report.figures import Interval, boxes, dots, importance


def test_importance_is_sorted_by_size_and_drawn_from_zero(parse, classed, texts):
    root = parse(importance({"b": Interval(0.02), "a": Interval(0.04, 0.03, 0.05), "worse": Interval(-0.01)}))
    first, second, third = (bar for bar in classed(root, "bar"))
    assert [text for text in texts(root) if text in ("a", "b", "worse")] == ["a", "b", "worse"]
    assert float(second.get("width")) / float(first.get("width")) == pytest.approx(0.5, abs=1e-2)
    assert float(third.get("x")) + float(third.get("width")) == pytest.approx(float(first.get("x")), abs=0.02)


def test_what_importance_leaves_out_is_counted(parse, texts):
    root = parse(
        importance({f"c{i}": Interval(100.0 - i) for i in range(30)} | {"nan": Interval(float("nan"))}, top=20)
    )
    assert "10 further columns, none above 80" in texts(root)
    assert "1 column without a finite value" in texts(root)


def test_dots_take_the_scores_of_a_candidate(parse, classed, texts, tips):
    scores = {
        "ensemble": Score(value=0.8, low=0.7, high=0.9, n=100),
        "baseline": Score(value=0.5, low=0.4, high=0.6, n=100),
    }
    root = parse(dots(scores, chosen="ensemble"))
    assert tips(root) == ["ensemble: 0.800 (0.700 to 0.900)", "baseline: 0.500 (0.400 to 0.600)"]
    best, worst = (float(dot.get("cx")) for dot in classed(root, "dot"))
    assert worst < best
    shadow = classed(root, "faint")[0]
    middle = float(shadow.get("x")) + float(shadow.get("width")) / 2
    assert middle == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("low", [None, float("nan"), -float("inf")])
def test_an_unknown_interval_is_left_out(parse, classed, low):
    root = parse(dots({"a": Interval(0.5, low, 0.6), "b": Interval(0.4, 0.3, 0.5)}, chosen="a"))
    assert len(classed(root, "dot")) == 2
    assert classed(root, "faint") == []


def test_boxes_show_the_quartiles(parse, classed, tips):
    values = chance.rng(1).normal(50, 10, 999)
    root = parse(boxes({"all": values}))
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    box = classed(root, "box")[0]
    median = float(classed(root, "median")[0].get("x1"))
    share = (median - float(box.get("x"))) / float(box.get("width"))
    assert share == pytest.approx((middle - low) / (high - low), abs=1e-3)
    assert f"median {middle:.1f}" in tips(root)[0]


def test_few_or_equal_values_are_dots(parse, classed):
    root = parse(boxes({"few": [1.0, 2.0, np.nan], "equal": [3.0] * 50}))
    assert classed(root, "box") == []
    assert len(list(root.iter("circle"))) == 2 + 8


def test_the_largest_groups_are_kept_and_the_rest_counted(parse, texts):
    root = parse(boxes({f"g{i}": np.arange(i + 1.0) for i in range(20)}, top=15))
    assert "5 smaller groups not shown" in texts(root)


def test_a_shape_stays_inside_its_row_and_small_for_a_million_values(parse, classed, points):
    values = chance.rng(1).normal(size=1_000_000)
    drawing = boxes({"a": values, "b": values + 3})
    assert len(drawing) < 10_000
    for shape in (one for one in classed(parse(drawing), "soft") if one.tag == "path"):
        corners = points(shape.get("d"))
        assert max(y for _, y in corners) - min(y for _, y in corners) == pytest.approx(26.0, abs=0.1)


@pytest.mark.parametrize(
    ("draw", "nothing"),
    [(importance, {}), (dots, {"a": Interval(float("nan"))}), (boxes, {"a": [np.nan]}), (boxes, {})],
)
def test_nothing_to_show_says_so(parse, texts, draw, nothing):
    assert any(text.startswith("No ") for text in texts(parse(draw(nothing))))
