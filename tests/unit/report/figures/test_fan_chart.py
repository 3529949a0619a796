import numpy as np
import pytest

from seaway.report.figures import fan

PAST_AT = np.datetime64("2025-09-01") + np.arange(20).astype("timedelta64[D]")
AHEAD_AT = np.datetime64("2025-09-21") + np.arange(4).astype("timedelta64[D]")
QUANTILES = {
    0.9: [13, 14, 15, 16],
    0.1: [7, 6, 5, 4],
    0.5: [10, 10, 10, 10],
    0.25: [9, 9, 8, 8],
    0.75: [11, 11, 12, 12],
}


def test_bands_pair_the_levels_and_widen(parse, classed, points, texts):
    root = parse(fan(PAST_AT, np.full(20, 10.0), AHEAD_AT, QUANTILES, actual=[10, 12]))
    outer, inner = (points(one.get("d")) for one in classed(root, "band"))
    for band, ratio in ((outer, 2.0), (inner, 2.0)):
        heights = [low[1] - high[1] for low, high in zip(band[:4], band[:3:-1], strict=True)]
        assert heights[-1] / heights[0] == pytest.approx(ratio, rel=0.01)
    assert "80% and 50% intervals" in texts(root)
    assert len(list(classed(root, "actual")[0])) == 2
    assert "1 Sep 2025" in texts(root) or any("Sep" in text for text in texts(root))


def test_each_step_reads_out_its_quantiles(parse, tips):
    root = parse(fan(PAST_AT, np.full(20, 10.0), AHEAD_AT, QUANTILES))
    assert tips(root)[0] == "2025-09-21 00:00 UTC\n10%: 7\n25%: 9\n50%: 10\n75%: 11\n90%: 13"
    assert len(tips(root)) == 4


def test_no_past_and_one_step(parse, classed):
    root = parse(fan([], [], [1], {0.5: [3.0]}))
    assert classed(root, "past") == []
    assert len(list(root.iter("circle"))) == 1


@pytest.mark.parametrize("quantiles", [{}, {0.5: [np.nan]}])
def test_nothing_to_show(parse, texts, quantiles):
    assert "No finite forecast" in texts(parse(fan([1], [2], [3], quantiles)))


def test_misshaped_forecasts_are_refused():
    with pytest.raises(ValueError, match=r"quantile 0.5 has 2 values for 1 steps ahead"):
        fan([1], [2], [3], {0.5: [1, 2]})
    with pytest.raises(ValueError, match="2 values for 1 moments"):
        fan([1], [2, 3], [3], {0.5: [1]})
