"""Markup as values: whatever is not `Html` is escaped when it enters a page, so forgetting to escape is not possible.

An f-string over `Html` gives a plain `str`, which is escaped again: a mistake shows up as visible `&lt;`, never as an injected tag.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from urllib.parse import urlsplit

import numpy as np

from seaway.report.text import harmless


class Html(str):
    """Markup that is safe already: made by `tag`, `escape` and `join` only."""

    __slots__ = ()


# Elements that, when empty, are written as <name/>: HTML's void elements and the SVG shapes. Others need their end tag in HTML.
_SELF_CLOSING = frozenset(
    "br hr meta link img col input wbr path rect circle line polyline polygon ellipse use stop".split()
)


def escape(value: object) -> Html:
    """The value as markup: `Html` as it is, None as nothing, sequences joined, anything else as escaped text."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html("")
    if isinstance(value, str):
        return Html(html.escape(harmless(value), quote=True))
    if isinstance(value, Iterable):
        return join(value)
    return escape(str(value))


def join(parts: Iterable[object]) -> Html:
    """The parts one after another, each escaped unless it is `Html`."""
    return Html("".join(escape(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. `class_` is written class, `aria_label` aria-label; attributes that are None or False are left out."""
    head = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(key, value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    content = join(children)
    if not content and name in _SELF_CLOSING:
        return Html(f"<{name}{head}/>")
    return Html(f"<{name}{head}>{content}</{name}>")


def link(label: object, href: str) -> Html:
    """A link to a page beside this one, a place in it, or a web address; any other kind of address is shown as text only."""
    return tag("a", label, href=href) if _is_safe(href) else escape(label)


def _is_safe(href: str) -> bool:
    # Browsers skip control characters and spaces inside a scheme ("java\tscript:"), so an address that holds any is refused.
    if any(ord(character) <= 32 or ord(character) == 127 for character in href) or href.startswith(("//", "\\")):
        return False
    try:
        return urlsplit(href).scheme in ("", "http", "https", "mailto")
    except ValueError:
        return False


def _attribute(key: str, value: object) -> str:
    if value is True:
        return key
    if isinstance(value, float | np.floating):
        return coordinate(float(value))
    # Html is text here, not markup: an attribute holds no elements.
    return escape(str.__str__(value) if isinstance(value, str) else str(value))


def coordinate(value: float) -> str:
    """A length on the page, to a hundredth of a pixel: shorter pages, and the same bytes on every machine."""
    if not math.isfinite(value):
        raise ValueError(f"a coordinate must be finite, got {value}; drop such values before drawing")
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown
