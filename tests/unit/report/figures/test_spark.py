import numpy as np

from seaway.report.figures import sparkline


def test_the_last_value_is_marked_where_it_lies(parse, points):
    root = parse(sparkline([1.0, 3.0, np.nan, 2.0], name="AUC"))
    corners = points(root.find("path").get("d"))
    dot = root.find("circle")
    assert len(corners) == 3
    assert corners[-1] == (float(dot.get("cx")), float(dot.get("cy")))
    assert corners[1][1] < corners[2][1] < corners[0][1]
    assert root.get("aria-label") == "AUC: from 1 to 2, lowest 1, highest 3"


def test_nothing_one_and_many():
    assert sparkline([]) == '<span class="muted">–</span>'
    assert "<path" not in sparkline([3.0])
    assert len(sparkline(np.arange(1e6))) < 3000
