"""A task's drawings on a page. SVG made by `seaway.report.figures` is taken as it is; any other is read and written anew.

Text inside a page's markup is markup, so what a plug-in hands over as SVG may hold shapes and words only.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from seaway.core.protocols import Drawing
from seaway.report.elements import figure, gallery
from seaway.report.markup import Html, tag

_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = frozenset(
    "svg g path rect circle ellipse line polyline polygon text tspan title desc defs linearGradient radialGradient stop".split()
)

# Attributes that run, fetch or refer: events, links, styles and paint servers elsewhere.
_REFUSED = re.compile(r"on.*|.*href|src|style|.*\{.*", re.IGNORECASE | re.DOTALL)
_REFERENCE = re.compile(r"url\s*\(\s*(?!#)|javascript:|data:", re.IGNORECASE)


def drawings(items: Sequence[Drawing]) -> Html:
    """The drawings side by side, each with the sentence that says what to see."""
    return gallery(*(figure(shapes_only(item.svg, title=item.title), item.note) for item in items))


def shapes_only(svg: str, *, title: str = "") -> Html:
    """The SVG as safe markup; ValueError where it is not well formed or holds anything but shapes and words."""
    if isinstance(svg, Html):
        return svg
    if "<!" in svg:
        # Entities a document type declares can grow without bound when read.
        raise ValueError(f"the drawing {title!r} holds a declaration or comment (<!...); leave it out")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"the drawing {title!r} is not well-formed SVG ({error}); escape its text") from error
    if root.tag.removeprefix(_SVG) != "svg":
        raise ValueError(f"the drawing {title!r} starts with <{root.tag.removeprefix(_SVG)}>; pass an <svg> element")
    return _rewritten(root, title, is_root=True)


def _rewritten(element: Element, title: str, *, is_root: bool = False) -> Html:
    name = str(element.tag).removeprefix(_SVG)
    if name not in _SHAPES:
        raise ValueError(f"the drawing {title!r} holds <{name}>; only shapes and words may enter a page")
    for key, value in element.attrib.items():
        if _REFUSED.fullmatch(key) or _REFERENCE.search(value):
            raise ValueError(f"the drawing {title!r} holds {key}={value!r}; only shapes and words may enter a page")
    attributes: dict[str, object] = dict(element.attrib)
    if is_root:
        attributes = {"role": "img", "aria-label": title or None} | attributes
        attributes["class"] = f"figure {attributes.get('class', '')}".strip()
        attributes["xmlns"] = _SVG.strip("{}")
    children = [(_rewritten(child, title), child.tail) for child in element]
    return tag(name, element.text, children, **attributes)
