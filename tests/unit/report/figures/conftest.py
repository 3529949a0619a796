"""Short ways to look into a drawing."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest


@pytest.fixture
def texts() -> Callable[[Element], list[str]]:
    """All that is written, without the tooltips."""
    return lambda root: [(text.text or "") + "".join(child.tail or "" for child in text) for text in root.iter("text")]


@pytest.fixture
def tips() -> Callable[[Element], list[str]]:
    return lambda root: [title.text or "" for title in root.iter("title")]


@pytest.fixture
def points() -> Callable[[str], list[tuple[float, float]]]:
    """The corners of a path of straight lines."""
    return lambda path: [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


@pytest.fixture
def classed() -> Callable[[Element, str], list[Element]]:
    """The elements of a class."""
    return lambda root, name: [element for element in root.iter() if name in (element.get("class") or "").split()]
