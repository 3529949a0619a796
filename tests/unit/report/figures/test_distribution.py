import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seaway.core import chance
from seaway.report.figures import binned, histogram
from seaway.report.figures.binning import bin_numbers
from seaway.report.figures.values import drawable


def bars(root):
    return [
        rect for group in root.iter("g") if (group.get("class") or "").startswith("bars") for rect in group.iter("rect")
    ]


def heights(root):
    return np.array([float(rect.get("height")) for rect in bars(root)])


def texts(root):
    return ["".join(text.itertext()) for text in root.iter("text")]


def tips(root):
    return [rect.find("title").text for rect in root.iter("rect") if rect.get("class") == "hit"]


def test_bars_are_as_high_as_their_counts(parse):
    counts = [3, 10, 7, 0, 5]
    values = np.repeat([0, 1, 2, 3, 4], counts)
    root = parse(histogram({"x": values}))
    drawn = [count for count in counts if count]
    assert heights(root) / heights(root).max() == pytest.approx(np.array(drawn) / 10, abs=1e-3)
    assert [tip.splitlines()[1] for tip in tips(root)] == ["x: 3 (12%)", "x: 10 (40%)", "x: 7 (28%)", "x: 5 (20%)"]


def test_bars_reach_the_axis_labels(parse):
    """The tick that reads 10 lies at the top of the bar of 10."""
    root = parse(binned([0, 1, 2], {"x": [10, 4]}))
    tick = next(text for text in root.iter("text") if "".join(text.itertext()) == "10")
    assert float(bars(root)[0].get("y")) == pytest.approx(float(tick.get("y")) - 4)


@given(arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e9, 1e9)), st.integers(0, 20), st.integers(0, 5))
def test_no_value_is_lost(values, missing, infinite):
    everything = np.concatenate([values, np.full(missing, np.nan), np.full(infinite, np.inf)])
    bins = bin_numbers({"x": drawable(everything)})
    assert bins.counts["x"].sum() == len(values)
    assert bins.missing["x"] == missing
    assert bins.infinite["x"] == infinite
    assert np.all(np.diff(bins.edges) > 0)
    assert len(bins.edges) <= 110


def test_two_series_are_compared_as_shares_of_themselves(parse):
    root = parse(histogram({"train": np.repeat([1, 2], [750, 250]), "now": np.repeat([1, 2], [10, 30])}))
    assert [line for tip in tips(root) for line in tip.splitlines()[1:]] == ["train: 750 (75%)", "now: 10 (25%)", "train: 250 (25%)", "now: 30 (75%)"]  # fmt: skip
    assert "share of rows" in texts(root)
    assert {"train", "now"} <= set(texts(root))
    (outline,) = (path for path in root.iter("path") if "curve" in path.get("class"))
    assert outline.get("d").startswith("M")


def test_what_is_missing_or_infinite_is_said(parse):
    root = parse(histogram({"x": [1.0, 2.0, 3.0, np.nan, np.inf, None, -np.inf, 4.0]}))
    assert "missing: 25% · 2 infinite not shown" in texts(root)
    column = next(group for group in root.iter("g") if group.get("class") == "missing")
    assert column.find("rect").find("title").text == "missing, x: 25% (2)"


def test_a_far_tail_is_gathered_and_counted(parse):
    values = np.concatenate([np.linspace(0, 100, 1000), [1e9, 2e9]])
    root = parse(histogram({"x": values}))
    assert "2 above the axis, counted in the end bars" in texts(root)
    assert max(float(rect.get("width")) for rect in bars(root)) < 100


def test_whole_numbers_have_a_bar_each(parse):
    root = parse(histogram({"children": [0, 0, 1, 2, 5]}))
    assert len(bars(root)) == 4
    centres = [float(bar.get("x")) + (float(bar.get("width")) + 1) / 2 for bar in bars(root)]
    labels = {
        "".join(text.itertext()): float(text.get("x"))
        for text in root.iter("text")
        if text.get("text-anchor") == "middle"
    }
    assert centres == pytest.approx([labels[name] for name in ("0", "1", "2", "5")], abs=0.02)


def test_times_have_dates_on_their_axis(parse):
    days = np.datetime64("2025-01-01") + np.arange(180).astype("timedelta64[D]")
    root = parse(histogram({"day": np.append(days, np.datetime64("NaT"))}))
    assert "Jan 2025" in texts(root)
    assert any(text.startswith("missing: 0.6%") for text in texts(root))
    assert tips(root)[0].startswith("1 Jan 2025 to ")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "No values"),
        ([np.nan, np.inf], "None of 2 values is a finite number"),
        ([None], "None of 1 value is a finite number"),
    ],
)
def test_nothing_to_show_says_why(parse, values, says):
    assert says in texts(parse(histogram({"x": values}, title="x")))


@pytest.mark.parametrize(
    "values",
    [
        [3],
        [7.25] * 50,
        [0.0, 0.0],
        [9e299, -9e299],
        [1e-300, 2e-300],
        [5e-324, 1e-323],
        [1e9 + 1e-6, 1e9],
        [1.7e308, -1.7e308, 2.0],
    ],
)
def test_extreme_values_are_drawn(parse, values):
    root = parse(histogram({"x": values}))
    assert bars(root)
    assert all(0 <= float(bar.get("x")) <= 470 for bar in bars(root))


def test_a_million_points_are_a_few_kilobytes():
    values = chance.rng(1).normal(size=1_000_000)
    assert len(histogram({"a": values, "b": values + 1}, title="x")) < 60_000


def test_counts_made_elsewhere(parse):
    root = parse(binned([0, 10, 20], {"train": [30, 10], "now": [1, 3]}, missing={"now": 4}, unit="years"))
    assert tips(root)[0].splitlines() == ["0 to 10 years", "train: 30 (75%)", "now: 1 (12.5%)"]
    assert "missing, now: 50%" in texts(root)


def test_open_bins_are_closed_and_said_to_be_open(parse):
    root = parse(binned([-np.inf, 0, 10, np.inf], {"x": [3, 5, 2]}))
    assert len(bars(root)) == 3
    assert "3 below and 2 above the axis, counted in the end bars" in texts(root)


def test_misshaped_bins_are_refused():
    with pytest.raises(ValueError, match="bin edges must rise"):
        binned([0, 0, 1], {"x": [1, 2]})
    with pytest.raises(ValueError, match="series 'x' has 3 counts for 2 bins"):
        binned([0, 1, 2], {"x": [1, 2, 3]})
