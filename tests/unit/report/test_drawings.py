import pytest

from seaway.core.protocols import Drawing
from seaway.report import figures
from seaway.report.drawings import drawings, shapes_only


def test_our_own_figures_are_taken_as_they_are():
    svg = figures.histogram({"x": [1, 2]}, title="x")
    assert svg in drawings([Drawing(title="x", svg=svg, note="Look & see.")])
    assert "<figcaption>Look &amp; see.</figcaption>" in drawings([Drawing(title="x", svg=svg, note="Look & see.")])


def test_foreign_shapes_are_kept(parse):
    foreign = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g fill="url(#a)"><rect width="3" height="4"/>a &lt; b<text x="1">x<tspan>y</tspan>z</text></g></svg>'
    root = parse(shapes_only(foreign, title="mine"))
    assert root.get("aria-label") == "mine"
    assert root.get("viewBox") == "0 0 9 9"
    assert root.find("g/rect").get("width") == "3"
    assert "".join(root.itertext()) == "a < bxyz"


@pytest.mark.parametrize(
    "inside",
    ["<script>alert(1)</script>", "<foreignObject><p/></foreignObject>", "<image href='http://a.example/x.png'/>", "<a href='javascript:alert(1)'/>", "<use href='#x'/>", "<style>@import 'x'</style>", "<animate/>", "<rect onclick='alert(1)'/>", "<rect ONLOAD='alert(1)'/>", "<rect style='fill:red'/>", "<rect fill='url(http://a.example/x)'/>", "<rect xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='#a'/>", "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>"],
)  # fmt: skip
def test_anything_that_runs_or_fetches_is_refused(inside):
    with pytest.raises(ValueError, match="only shapes and words may enter a page"):
        shapes_only(f"<svg>{inside}</svg>", title="theirs")


def test_what_is_no_svg_is_refused():
    with pytest.raises(ValueError, match="the drawing 'theirs' is not well-formed SVG"):
        shapes_only("<svg><text>a < b</text></svg>", title="theirs")
    with pytest.raises(ValueError, match="starts with <g>; pass an <svg> element"):
        shapes_only("<g/>", title="theirs")


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><svg><text>&b;</text></svg>'
    with pytest.raises(ValueError, match="holds a declaration or comment"):
        shapes_only(bomb, title="theirs")
