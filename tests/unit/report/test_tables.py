import numpy as np
import pytest

from seaway.report.markup import tag
from seaway.report.tables import Column, table


def cells(read, markup):
    return [(name, attributes) for name, attributes in read(markup).elements if name in ("td", "th")]


def test_numbers_stand_to_the_right_with_the_same_decimals_and_their_value_to_sort_by(read):
    markup = table(["model", "score"], [["a", 0.912], ["b", 0.85], ["c", None]])
    assert [text for text in read(markup).text if text.startswith("0.")] == ["0.912", "0.850"]
    scores = [attributes for name, attributes in cells(read, markup) if name == "td"]
    assert [one["data-sort"] for one in scores] == ["0.912", "0.85", ""]
    assert {one["class"] for one in scores} == {"number"}


def test_text_truth_and_markup_are_not_taken_for_numbers(read):
    markup = table(["name", "ok", "mark"], [["x", True, tag("b", "yes!")], ["y", False, ""]])
    assert [one for one in read(markup).text if one.strip()] == [
        "name",
        "ok",
        "mark",
        "x",
        "yes",
        "yes!",
        "y",
        "no",
        "–",
    ]
    assert not any(attributes.get("class") == "number" for _, attributes in cells(read, markup))


def test_a_form_of_ones_own_and_numpy_numbers():
    markup = table([Column(title="n", form=lambda value: f"<{value:g}>")], [[np.int64(3)], [np.float32(2.5)]])
    assert "&lt;3&gt;" in markup
    assert "&lt;2.5&gt;" in markup


def test_values_that_are_not_finite_are_shown_and_sort_last():
    markup = table(["x"], [[float("nan")], [float("inf")], [1.0]])
    assert 'data-sort=""' in markup
    assert "∞" in markup
    assert "nan" not in markup


def test_the_first_cell_leads_further_and_only_to_pages(read):
    markup = table(["run"], [["1"], ["2"], ["3"]], links=["runs/1.html", "javascript:alert(1)", None])
    assert [attributes["href"] for attributes in read(markup).named("a")] == ["runs/1.html"]


def test_what_is_left_out_is_counted(read):
    markup = table(["x"], [[i] for i in range(30)], limit=10)
    assert len(read(markup).named("tr")) == 11
    assert "20 further rows not shown." in markup


def test_a_table_without_rows_says_so():
    assert "No rows." in table(["a", "b"], [])


def test_a_chosen_row_is_set_off(read):
    markup = table(["x"], [[1], [2]], chosen=1)
    assert [attributes.get("class") for attributes in read(markup).named("tr")] == [None, None, "chosen"]


def test_a_scrolling_table_can_be_reached_by_keyboard(read):
    region = read(table(["x"], [[1]], caption="Scores")).elements[0][1]
    assert (region["tabindex"], region["role"], region["aria-label"]) == ("0", "region", "Scores")


def test_misshaped_tables_are_refused():
    with pytest.raises(ValueError, match="row 1 of the table has 1 cells for 2 columns"):
        table(["a", "b"], [[1, 2], [3]])
    with pytest.raises(ValueError, match="1 links for 2 rows"):
        table(["a"], [[1], [2]], links=["x"])
