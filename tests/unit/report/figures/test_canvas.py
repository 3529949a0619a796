from seaway.report.figures import histogram, standalone
from seaway.report.figures.canvas import draw, empty, frame
from seaway.report.figures.legend import Key
from seaway.report.figures.letters import fit, measure


def test_a_figure_has_the_height_asked_for_and_all_writing_lies_inside(parse):
    keys = [Key(f"a series with a rather long name {i}", "line", "s1") for i in range(6)]
    area = frame("A title", width=470, height=300, left=40, keys=keys, x_label="x", y_label="y", notes=["one", "two"])
    assert area.height == 300
    assert area.top < area.bottom < 300
    for text in parse(draw(area, "said")).iter("text"):
        assert 0 <= float(text.get("y")) <= 300


def test_the_inner_height_can_be_given_instead():
    area = frame("", inner=100)
    assert area.bottom - area.top == 100


def test_a_legend_wraps():
    one = frame("t", inner=10, keys=[Key("short", "fill", "s1")])
    many = frame("t", inner=10, keys=[Key("a name of some length", "fill", "s1")] * 6)
    assert many.top > one.top


def test_a_figure_describes_itself(parse):
    root = parse(histogram({"age": [1, 2, 3]}, title="Age"))
    assert root.get("aria-label") == "Age. Histogram from 0.500 to 3.50; age: 3 values"


def test_an_empty_figure_gives_its_reason(parse):
    assert parse(empty("Title", "No rows")).get("aria-label") == "Title. No rows"


def test_a_figure_stands_alone_as_a_file(parse):
    text = standalone(histogram({"age": [1, 2, 3]}, title='a "quoted" > title'))
    root = parse(text)
    assert "prefers-color-scheme" in root.find("style").text
    assert (root.get("width"), root.get("height")) == ("502", "302")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_names_are_cut_to_their_room():
    name = "a name that is much too long for the room it has"
    assert fit("short", 100) == "short"
    assert measure(fit(name, 100)) <= 100
    assert "…" in fit(name, 100)
    assert measure("WWW") > measure("iii")
    assert measure("日本") == 24
