"""How wide text will be, without a font at hand: close enough to leave room for labels and to cut the ones that do not fit."""

from __future__ import annotations

import unicodedata

from seaway.report.markup import Html, tag
from seaway.report.text import shorten

SIZE = 12.0  # of labels and ticks, in pixels, as content.css sets it

_NARROW = frozenset("ijl.,:;|!'`()[]{}ftrI \N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}")
_BROAD = frozenset("mwMW@%&—…QOGDHNU")


def measure(text: str, size: float = SIZE) -> float:
    """Estimated width in pixels, as wide as the widest common system fonts (Verdana, DejaVu Sans) write it."""
    return size * sum(map(_em, text))


def fit(text: str, room: float, size: float = SIZE) -> str:
    """The text, cut in the middle until it fits into `room` pixels."""
    if measure(text, size) <= room:
        return text
    limit = max(1, int(len(text) * room / measure(text, size)))
    while limit > 1 and measure(shorten(text, limit), size) > room:
        limit -= 1
    return shorten(text, limit)


def label(
    text: str,
    x: float,
    y: float,
    *,
    look: str = "tick",
    anchor: str = "start",
    room: float | None = None,
    size: float = SIZE,
) -> Html:
    """A line of text at its baseline; one that is cut to `room` shows itself whole in a tooltip."""
    shown = text if room is None else fit(text, room, size)
    whole = tag("title", text) if shown != text else None
    return tag("text", whole, shown, x=x, y=y, class_=look, text_anchor=anchor if anchor != "start" else None)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return 0.36
    if letter in _BROAD:
        return 0.92
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.7 if letter.isupper() else 0.62
