import html
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.report.markup import Html, coordinate, escape, join, link, tag

any_text = st.text(st.characters(exclude_categories=()), max_size=80)


@given(any_text)
def test_any_text_becomes_well_formed_markup_that_reads_back(value):
    element = ElementTree.fromstring(tag("p", value, title=value).encode("utf-8"))
    shown = element.text or ""
    # XML readers turn a carriage return into a line feed; nothing else may change but what is replaced on purpose.
    assert len(shown.replace("\r", "\n")) <= len(value)
    assert shown == html.unescape(escape(value)).replace("\r\n", "\n").replace("\r", "\n")
    assert [child.tag for child in element] == []


def test_letters_that_deceive_or_break_are_replaced():
    assert escape("a\u202eb\x00c\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert escape("tab\tline\nend") == "tab\tline\nend"


def test_markup_is_kept_and_everything_else_is_escaped():
    assert tag("b", Html("<i>x</i>"), "<i>") == "<b><i>x</i>&lt;i&gt;</b>"
    assert join(["<", Html("<br/>"), None, 3, ["&", 2.5]]) == "&lt;<br/>3&amp;2.5"
    assert isinstance(tag("b"), Html)


def test_a_string_made_from_markup_is_text_again():
    assert escape(f"{tag('b', 'x')}!") == "&lt;b&gt;x&lt;/b&gt;!"


def test_attributes():
    assert (
        tag("td", class_="number", data_sort="1", aria_label=None, hidden=False)
        == '<td class="number" data-sort="1"></td>'
    )
    assert tag("details", open=True) == '<details open="open"></details>'
    assert (
        tag("rect", x=1.0, y=-0.0001, width=np.float64(2.345), height=3)
        == '<rect x="1" y="0" width="2.35" height="3"/>'
    )
    assert tag("a", href=Html("&lt;")) == '<a href="&amp;lt;"></a>'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_coordinate_is_finite(value):
    with pytest.raises(ValueError, match="a coordinate must be finite"):
        coordinate(value)


@pytest.mark.parametrize(
    "href", ["run.html", "../runs/3.html", "#part", "https://example.org/a?b=1", "mailto:a@example.org"]
)
def test_links_to_pages(href):
    assert link("x", href).startswith("<a href=")


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", " javascript:alert(1)", "data:text/html,<script>", "vbscript:x", "//evil.example", "\\\\evil", "file:///etc/passwd", "http://[bad"],
)  # fmt: skip
def test_an_address_that_could_run_or_lead_astray_is_shown_as_text(href):
    assert link("<label>", href) == "&lt;label&gt;"
