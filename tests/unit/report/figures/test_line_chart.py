import numpy as np
import pytest

from seaway.core import chance
from seaway.report.figures import Event, Line, lines
from seaway.report.figures.letters import measure

DAYS = np.datetime64("2025-09-01") + np.arange(30).astype("timedelta64[D]")


def test_the_line_goes_through_its_values(parse, classed, points):
    values = np.array([1.0, 4.0, 2.0, 8.0])
    root = parse(lines([Line(name="x", x=[0, 1, 2, 3], y=values)]))
    (path,) = classed(root, "curve")
    drawn = np.array(points(path.get("d")))
    assert np.diff(drawn[:, 0]) == pytest.approx(np.full(3, drawn[1, 0] - drawn[0, 0]), abs=0.02)
    assert np.corrcoef(drawn[:, 1], values)[0, 1] == pytest.approx(-1.0, abs=1e-6)


def test_a_gap_in_the_values_is_a_gap_in_the_line(parse, classed, texts):
    root = parse(lines([Line(name="x", x=np.arange(6.0), y=[1, 2, np.nan, np.inf, 3, 4])]))
    assert len(classed(root, "curve")) == 2
    assert "2 points without a finite value not shown" in texts(root)


def test_alarms_events_limits_and_intervals(parse, classed, texts, tips):
    y = np.linspace(0.8, 0.7, 30)
    root = parse(
        lines(
            [Line(name="AUC", x=DAYS, y=y, low=y - 0.02, high=y + 0.02, alarms=np.arange(30) >= 28)],
            limits={"limit": 0.72},
            events=[
                Event(at=np.datetime64("2025-09-10"), name="release 2"),
                Event(at=np.datetime64("2025-09-11"), name="drift"),
            ],
        )
    )
    assert [tip for tip in tips(root) if "alarm" in tip] == [
        "AUC, 2025-09-29 00:00 UTC\n0.7034 (0.6834 to 0.7234)\nalarm",
        "AUC, 2025-09-30 00:00 UTC\n0.7000 (0.6800 to 0.7200)\nalarm",
    ]
    assert len(classed(root, "event")) == 2
    assert {"limit", "release 2", "drift", "alarm", "interval"} <= set(texts(root))
    assert len(classed(root, "area")) == 2  # the band, and its entry in the legend
    assert "1 Sep 2025" in texts(root)


def test_names_of_events_do_not_lie_over_one_another(parse, classed, tips):
    events = [Event(at=float(i), name=f"event number {i}") for i in range(40)]
    root = parse(lines([Line(name="x", x=[0, 39], y=[0, 1])], events=events))
    (group,) = classed(root, "events")
    rows = {}
    for text in group.iter("text"):
        start = float(text.get("x"))
        width = measure(text.text, 11)
        left = start - width if text.get("text-anchor") == "end" else start
        rows.setdefault(text.get("y"), []).append((left, left + width))
    assert len(rows) == 2
    for ends in rows.values():
        assert all(right <= left for (_, right), (left, _) in zip(sorted(ends), sorted(ends)[1:], strict=False))
    assert [tip for tip in tips(root) if tip.startswith("event")] == [f"event number {i}" for i in range(40)]


def test_points_out_of_order_are_put_in_order(parse, classed, points):
    root = parse(lines([Line(name="x", x=[3, 1, 2], y=[3, 1, 2])]))
    drawn = points(classed(root, "curve")[0].get("d"))
    assert drawn == sorted(drawn)


def test_a_million_points_keep_their_peaks():
    rng = chance.rng(3)
    y = rng.normal(size=1_000_000)
    y[123_456] = 50.0
    drawing = lines([Line(name="x", x=np.arange(1e6), y=y)])
    assert len(drawing) < 40_000
    peak = min(
        float(corner.split(" ")[1])
        for path in drawing.split(' d="')[1:]
        for corner in path.split('"')[0][1:].split("L")
    )
    assert peak < 60


def test_several_lines_differ_by_more_than_colour(parse, classed):
    root = parse(lines([Line(name=name, x=[0, 1], y=[i, i]) for i, name in enumerate("abc")]))
    looks = {curve.get("class") for curve in classed(root, "curve")}
    assert {"pattern-0", "pattern-1", "pattern-2"} <= {word for look in looks for word in look.split()}


@pytest.mark.parametrize("series", [[], [Line(name="x", x=[], y=[])], [Line(name="x", x=[1], y=[np.nan])]])
def test_nothing_to_show(parse, texts, series):
    assert texts(parse(lines(series))) == ["No finite values"]


def test_one_point_and_a_flat_line_are_drawn(parse, classed):
    assert len(classed(parse(lines([Line(name="x", x=[1], y=[5])])), "dot")) == 1
    assert len(classed(parse(lines([Line(name="x", x=[1, 2], y=[0, 0])])), "dot")) == 2


def test_misshaped_lines_are_refused():
    with pytest.raises(ValueError, match="line 'x' has 2 positions for 3 values"):
        lines([Line(name="x", x=[1, 2], y=[1, 2, 3])])
