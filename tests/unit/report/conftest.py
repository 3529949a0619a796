"""Reads pages and drawings back, as a browser would."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree.ElementTree import Element

import pytest

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "</title></svg><svg onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<!-- --><b>bold</b>",
    "]]><x/>",
    "&lt;script&gt; &#60;script&#62; &amp;",
    "javascript:alert(1)",
    "nul\x00 bell\x07 escape\x1b[31m delete\x7f",
    "right-to-left \u202egpj.exe \u2066isolate",
    "lone \ud800 surrogate",
    "\ufeff\ufffe\uffff",
    "日本語 العربية 🚢 n\u0303",
    "${7*7} {{7*7}} %s %(x)s",
    "",
    " ",
    "a" * 5000,
]


class Reader(HTMLParser):
    """What a browser's parser sees: the elements with their attributes, and the text of each kind of element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(params=HOSTILE, ids=lambda text: ascii(text[:24]))
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def read() -> Callable[[str], Reader]:
    def reading(markup: str) -> Reader:
        reader = Reader()
        reader.feed(markup)
        reader.close()
        return reader

    return reading


@pytest.fixture
def parse() -> Callable[[str], Element]:
    """An SVG as a tree, its namespace taken off; refuses what is not well formed."""

    def parsing(svg: str) -> Element:
        root = ElementTree.fromstring(svg.encode("utf-8"))
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    return parsing
