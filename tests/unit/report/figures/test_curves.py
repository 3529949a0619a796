import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from seaway.core import chance
from seaway.report.figures import precision_recall, roc
from seaway.report.figures.curves import precision_recall_points, roc_points


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60))
def test_areas_are_those_of_the_reference_also_under_ties(rows):
    truth = np.array([float(is_true) for is_true, _ in rows])
    score = np.array([float(value) for _, value in rows])
    if 0 < truth.sum() < len(truth):
        assert roc_points(truth, score)[2] == pytest.approx(roc_auc_score(truth, score))
        assert precision_recall_points(truth, score)[2] == pytest.approx(average_precision_score(truth, score))


def test_the_curve_is_drawn_where_the_rates_are(parse, classed, points, texts):
    root = parse(roc({"m": ([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8])}))
    assert "m (AUC 1.000)" in texts(root)
    path = next(one for one in classed(root, "curve") if one.tag == "path")
    start, corner, *_, end = points(path.get("d"))
    assert start[0] == pytest.approx(corner[0])
    assert corner[1] > end[1] - 1e-9


def test_guessing_is_marked(parse, classed):
    line = classed(parse(precision_recall({"m": ([0, 0, 0, 1], [1, 2, 3, 4])})), "reference")[0]
    assert line.get("y1") == line.get("y2")
    line = classed(parse(roc({"m": ([0, 0, 0, 1], [1, 2, 3, 4])})), "reference")[0]
    assert float(line.get("y1")) > float(line.get("y2"))


def test_a_million_scores_are_a_few_kilobytes():
    rng = chance.rng(1)
    truth = rng.random(1_000_000) < 0.3
    score = rng.random(1_000_000) + truth * 0.3
    assert len(roc({"a": (truth, score), "b": (truth, -score)})) < 40_000


def test_rows_without_a_score_are_counted(parse, texts):
    root = parse(roc({"m": ([0, 1, 1], [0.1, np.nan, 0.9])}))
    assert "1 row without finite values not shown" in texts(root)


@pytest.mark.parametrize("pair", [([1, 1], [0.2, 0.3]), ([], []), ([np.nan, 1], [0.1, 0.2])])
def test_one_class_has_no_curve(parse, texts, pair):
    assert "Needs rows of both classes" in texts(parse(roc({"m": pair})))


def test_misshaped_columns_are_refused():
    with pytest.raises(ValueError, match="have 2, 3 values; they must match row by row"):
        roc({"m": ([0, 1], [0.1, 0.2, 0.3])})
