from seaway.report import elements
from seaway.report.markup import Html, tag


def test_tiles_show_numbers_to_three_digits_and_names_smaller(read):
    markup = elements.tiles(
        elements.Tile(label="AUC", value=0.80312, note="test", outcome="pass"),
        elements.Tile(label="model", value="ensemble of five"),
        elements.Tile(label="none", value=None),
    )
    assert read(markup).text == ["AUC", "0.803", "test", "model", "ensemble of five", "none", "–"]
    assert [one.get("class") for one in read(markup).named("dd")] == ["figure", "note", "figure long", "figure"]
    assert read(markup).named("div")[0]["class"] == "tile pass"


def test_nothing_to_show_is_nothing():
    assert elements.tiles() == ""
    assert elements.facts({}) == ""


def test_facts_pair_names_with_values(read):
    assert read(elements.facts({"Data": "a<b.csv", "Rows": 3})).text == ["Data", "a<b.csv", "Rows", "3"]


def test_plain_text_becomes_paragraphs_and_markup_stays():
    assert elements.callout("Mind", "a < b", tag("pre", "x"), tone="warn").count("<p>a &lt; b</p><pre>x</pre>") == 1
    assert elements.prose("one", Html("<i>two</i>")) == "<p>one</p><p><i>two</i></p>"


def test_code_is_kept_to_the_letter(read):
    source = "if a < b:\n\treturn '</code>'\n"
    assert "".join(read(elements.code(source)).text) == source


def test_a_fold_is_closed_unless_asked(read):
    assert "open" not in read(elements.details("more", "x")).elements[0][1]
    assert read(elements.details("more", "x", is_open=True)).elements[0][1]["open"] == "open"


def test_a_gallery_wraps_drawings_once(read):
    drawing = tag("svg")
    markup = elements.gallery(drawing, elements.figure(drawing, "caption"))
    assert len(read(markup).named("figure")) == 2
    assert read(markup).text == ["caption"]
