import numpy as np
import pytest
from scipy.stats import binomtest

from seaway.report.figures import calibration
from seaway.report.figures.calibration_curve import reliability


def test_bins_hold_means_shares_and_wilson_intervals():
    truth = np.array([0, 0, 1, 1, 1, 0], dtype=float)
    probability = np.array([0.05, 0.07, 0.55, 0.58, 0.52, 1.0])
    table = reliability(truth, probability)
    assert table.counts.tolist() == [2, 3, 1]
    assert table.predicted == pytest.approx([0.06, 0.55, 1.0])
    assert table.observed == pytest.approx([0.0, 1.0, 0.0])
    for i, (n, hits) in enumerate([(2, 0), (3, 3), (1, 0)]):
        reference = binomtest(hits, n).proportion_ci(method="wilson")
        assert table.low[i] == pytest.approx(reference.low, abs=1e-12)
        assert table.high[i] == pytest.approx(reference.high, abs=1e-12)
    assert table.error == pytest.approx((2 * 0.06 + 3 * 0.45 + 1 * 1.0) / 6)


def test_points_lie_where_prediction_and_outcome_meet(parse, classed):
    root = parse(calibration({"m": ([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75])}))
    first, second = classed(root, "dot")
    diagonal = classed(root, "reference")[0]
    x1, x2, y1, y2 = (float(diagonal.get(name)) for name in ("x1", "x2", "y1", "y2"))
    assert (float(first.get("cx")) - x1) / (x2 - x1) == pytest.approx(0.25, abs=1e-3)
    assert (float(first.get("cy")) - y1) / (y2 - y1) == pytest.approx(0.5, abs=1e-3)
    assert (float(second.get("cy")) - y1) / (y2 - y1) == pytest.approx(1.0, abs=1e-3)


def test_the_strip_counts_rows(parse, tips, classed):
    root = parse(calibration({"m": ([0] * 9 + [1], [0.05] * 9 + [0.95])}))
    assert [tip for tip in tips(root) if tip.startswith("m: ")] == [
        "m: 9 rows from 0% to 10%",
        "m: 1 row from 90% to 100%",
    ]
    heights = [float(bar.get("height")) for bar in classed(root, "bar")]
    assert heights[0] / heights[1] == pytest.approx(9, rel=1e-2)


def test_rows_without_outcome_are_counted_and_none_left_is_said(parse, texts):
    assert "1 row without finite values not shown" in texts(parse(calibration({"m": ([0, None], [0.1, 0.2])})))
    assert "No rows with a prediction and an outcome" in texts(parse(calibration({"m": ([], [])})))
