import numpy as np
import pytest

from seaway.core import chance
from seaway.report.figures import association, confusion, differences


def test_cells_hold_counts_and_shares_of_the_true_class(parse, classed, texts, tips):
    root = parse(confusion(["good", "bad"], [[60, 20], [5, 15]]))
    (cells,) = classed(root, "cells")
    assert texts(cells) == ["60", "20", "5", "15"]
    assert tips(cells)[1] == "true good, predicted bad\n20 rows, 25% of good"
    assert "75% of rows right" in root.get("aria-label")
    positions = [(float(cell.get("x")), float(cell.get("y"))) for cell in classed(root, "cell")]
    assert positions[0][1] == positions[1][1] < positions[2][1]


def test_the_shade_grows_with_the_share(parse, classed):
    root = parse(confusion(list("abcde"), np.diag([100] * 5) + np.triu(np.full((5, 5), 25), 1)))
    shades = {}
    for cell in classed(root, "cell"):
        share = float(cell.find("title").text.split(", ")[-1].split("%")[0])
        shades[share] = int(cell.get("class")[-1])
    assert [shades[share] for share in sorted(shades)] == sorted(shades.values())
    assert min(shades.values()) >= 1
    assert max(shades.values()) == 8


def test_many_classes_stay_small_and_every_row_can_be_read_out(parse, tips):
    rng = chance.rng(5)
    counts = rng.poisson(0.5, (77, 77)) + np.diag(rng.integers(20, 60, 77))
    counts[3, 9] = 19
    drawing = confusion([f"intent number {i}" for i in range(77)], counts)
    assert len(drawing) < 120_000
    row = next(tip for tip in tips(parse(drawing)) if tip.startswith("intent number 3:"))
    assert row.endswith("most often taken for intent number 9 (19)")
    assert f"{counts[3].sum()} rows" in row


def test_an_empty_class_is_no_division_by_zero(parse, texts):
    assert "3" in texts(parse(confusion(["a", "b"], [[3, 0], [0, 0]])))
    assert "No rows" in texts(parse(confusion(["a", "b"], [[0, 0], [0, 0]])))


def test_association_of_both_signs_and_of_one(parse, classed, tips):
    signed = parse(association(["a", "b", "c"], [[1, -0.5, np.nan], [-0.5, 1, 0.1], [np.nan, 0.1, 1]]))
    assert [cell.get("class") for cell in classed(signed, "cell")] == ["cell fill-d8", "cell fill-d2", "cell fill-d2", "cell fill-d8", "cell fill-d4", "cell fill-d4", "cell fill-d8"]  # fmt: skip
    assert "a and b: −0.500" in tips(signed)
    assert "strongest: a and b, −0.50" in signed.get("aria-label")
    unsigned = parse(association(["a", "b"], [[1, 0.5], [0.5, 1]]))
    assert [cell.get("class") for cell in classed(unsigned, "cell")] == [
        "cell fill-h8",
        "cell fill-h4",
        "cell fill-h4",
        "cell fill-h8",
    ]


def test_nothing_and_one(parse, texts):
    assert "No columns" in texts(parse(association([], [])))
    assert "1.00" in texts(parse(association(["a"], [[1.0]])))


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"the matrix is \(2, 2\) for 3 names; it must be square"):
        confusion(list("abc"), [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="holds counts, finite and not negative"):
        confusion(list("ab"), [[1, -2], [3, 4]])
    with pytest.raises(ValueError, match=r"association lies in \[-1, 1\], got 3"):
        association(list("ab"), [[1, 3], [3, 1]])


def test_differences_are_shaded_both_ways_and_end_at_two(parse, classed, texts, tips):
    root = parse(differences(["1", "2"], ["spent", "age", "orders"], [[-0.5, 3.0, 0.0], [1.0, -9.0, np.nan]]))
    assert [cell.get("class").split("-d")[1] for cell in classed(root, "cell")] == ["3", "6", "8", "0", "4"]
    assert "2, age: −9.00 standard deviations from the mean" in tips(root)
    assert "furthest: 2 in age, −9.00" in root.get("aria-label")
    assert "No values" in texts(parse(differences([], [], np.zeros((0, 0)))))
    with pytest.raises(ValueError, match=r"the matrix is \(1, 2\) for 2 groups and 1 columns"):
        differences(["1", "2"], ["spent"], [[1.0, 2.0]])
