"""What the marks of a figure stand for, and the colour of each series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from seaway.report.figures.letters import label, measure
from seaway.report.markup import Html, tag
from seaway.report.palette import SERIES

_ROW = 20.0


class Key(NamedTuple):
    """An entry of the legend: what a mark stands for."""

    name: str
    mark: Literal["fill", "soft", "line", "dot", "reference", "area"]
    colour: str
    pattern: int = 0


def colour(place: int) -> str:
    """The colour's name of the series at this place; after the last the first returns."""
    return f"s{place % SERIES + 1}"


def draw_legend(keys: Sequence[Key], top: float, width: float) -> tuple[Html, float]:
    """The entries, wrapped into rows, and the height they take."""
    if not keys:
        return Html(""), 0.0
    marks, x, row = [], 0.0, 0
    for key in keys:
        room = min(measure(key.name), width - 30) + 26 + 16
        if x and x + room > width + 16:
            x, row = 0.0, row + 1
        y = top + row * _ROW + 8
        marks += [_swatch(key, x, y), label(key.name, x + 26, y + 4, look="tick", room=width - 30)]
        x += room
    return tag("g", *marks), (row + 1) * _ROW


def _swatch(key: Key, x: float, y: float) -> Html:
    if key.mark in ("fill", "soft", "area"):
        shade = {"fill": "", "soft": " soft", "area": " area"}[key.mark]
        return tag("rect", x=x, y=y - 5, width=20, height=10, rx=2, class_=f"fill-{key.colour}{shade}")
    if key.mark == "dot":
        return tag("circle", cx=x + 10, cy=y, r=4.5, class_=f"fill-{key.colour}")
    kind = "reference" if key.mark == "reference" else f"line-{key.colour} curve pattern-{key.pattern}"
    return tag("line", x1=x, x2=x + 20, y1=y, y2=y, class_=kind)
