import numpy as np
import pytest

from seaway.core import chance
from seaway.report.figures import predicted_vs_actual, residuals, scatter


def test_few_rows_are_points(parse, classed):
    root = parse(scatter([1.0, 2.0, np.nan], [3.0, 5.0, 1.0]))
    (group,) = classed(root, "points")
    assert [circle.find("title").text for circle in group] == ["1, 3", "2, 5"]


def test_many_rows_are_counted_in_hexagons(parse, classed):
    x = chance.rng(1).normal(size=5000)
    root = parse(predicted_vs_actual(x, x * 2))
    (group,) = classed(root, "hexagons")
    assert sum(int(hexagon.find("title").text.split()[0]) for hexagon in group) == 5000


def test_residuals_are_actual_minus_predicted(parse, classed, texts):
    root = parse(residuals([10.0, 20.0], [13.0, 15.0], unit="EUR"))
    (group,) = classed(root, "points")
    assert [circle.find("title").text for circle in group] == ["10, 3", "20, −5"]
    assert {"predicted (EUR)", "actual − predicted (EUR)"} <= set(texts(root))


def test_the_reference_is_where_the_model_is_right(parse, classed):
    root = parse(predicted_vs_actual([1.0, 5.0], [1.0, 5.0]))
    line = classed(root, "reference")[0]
    x1, x2, y1, y2 = (float(line.get(name)) for name in ("x1", "x2", "y1", "y2"))
    for circle in classed(root, "points")[0]:
        share = (float(circle.get("cx")) - x1) / (x2 - x1)
        assert float(circle.get("cy")) == pytest.approx(y1 + share * (y2 - y1), abs=0.02)


def test_a_million_rows_are_a_few_kilobytes():
    rng = chance.rng(2)
    x = rng.normal(size=1_000_000)
    assert len(residuals(x, x + rng.normal(size=1_000_000))) < 400_000


@pytest.mark.parametrize("draw", [predicted_vs_actual, residuals, scatter])
def test_edges(parse, texts, draw):
    assert any(text.startswith("No rows") for text in texts(parse(draw([np.nan], [1.0]))))
    parse(draw([1.0], [1.0]))
    parse(draw([1e200, -1e200], [1e-200, 0.0]))
