import pytest

from seaway.report.figures import bars


def test_bars_are_as_long_as_their_counts(parse, classed, texts):
    root = parse(bars({"rows": {"a": 30, "b": 60, "c": 10}}))
    lengths = [float(bar.get("width")) for bar in classed(root, "bar")]
    assert lengths[1] / lengths[0] == pytest.approx(0.5, abs=1e-3)
    assert lengths[2] / lengths[0] == pytest.approx(1 / 6, abs=1e-3)
    assert texts(root) == ["b", "60 · 60%", "a", "30 · 30%", "c", "10 · 10%"]


def test_the_given_order_can_be_kept(parse, texts):
    assert texts(parse(bars({"rows": {"low": 1, "high": 9}}, order="given")))[::2] == ["low", "high"]


def test_series_are_compared_as_shares(parse, classed, texts, tips):
    root = parse(bars({"train": {"own": 700, "rent": 300}, "now": {"own": 1, "squat": 3}}))
    assert tips(root) == [
        "own\ntrain: 700 (70%)", "own\nnow: 1 (25%)",
        "squat\ntrain: 0 (0%)", "squat\nnow: 3 (75%)",
        "rent\ntrain: 300 (30%)", "rent\nnow: 0 (0%)",
    ]  # fmt: skip
    assert texts(root)[:2] == ["train", "now"]


def test_many_categories_are_gathered_and_none_is_lost(parse, texts, tips):
    root = parse(bars({"rows": {f"c{i}": i + 1 for i in range(77)}}, top=12))
    assert "other (65 categories)" in texts(root)
    counts = [float(tip.split(": ")[1].split(" (")[0].replace("\u202f", "")) for tip in tips(root)]
    assert len(counts) == 13
    assert sum(counts) == sum(range(1, 78))


def test_one_category_too_many_is_shown_rather_than_called_other(parse, texts):
    assert not any("other" in text for text in texts(parse(bars({"rows": {f"c{i}": 1 for i in range(13)}}, top=12))))


def test_a_blank_category_has_a_name(parse, texts):
    assert "(blank)" in texts(parse(bars({"rows": {"": 3, "a": 1}})))


def test_a_long_name_is_cut_and_whole_in_its_tooltip(parse, texts, tips):
    name = "a category as long as a sentence that somebody typed into a free text field"
    root = parse(bars({"rows": {name: 3}}))
    assert any("…" in text for text in texts(root))
    assert name in tips(root)


@pytest.mark.parametrize("series", [{}, {"rows": {}}, {"rows": {"a": 0}}])
def test_nothing_to_show(parse, texts, series):
    assert texts(parse(bars(series))) == ["No values"]


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_counts_are_counts(value):
    with pytest.raises(ValueError, match=r"category 'a' has the count .*; counts are 0 or more"):
        bars({"rows": {"a": value}})
