"""The frame of every figure: title, legend, axes, notes, and the SVG element around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from seaway.report import look
from seaway.report.figures.letters import label, measure
from seaway.report.figures.scale import Scale
from seaway.report.markup import Html, join, tag
from seaway.report.palette import SERIES

HALF, WIDE = 470, 980  # pixels: two figures side by side, or one over the whole column

_TITLE, _LEGEND_ROW, _LABEL_ROW, _NOTE_ROW, _TICKS = 26.0, 20.0, 20.0, 17.0, 22.0


class Key(NamedTuple):
    """An entry of the legend: what a mark stands for."""

    name: str
    mark: Literal["fill", "soft", "line", "dot", "reference", "area"]
    colour: str
    pattern: int = 0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The plotting area's edges in pixels within a figure of `width` by `height`, and what is written around it."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    title: str
    around: Html

    def x(self, scale: Scale) -> Scale:
        """The scale across the plotting area."""
        return scale.between(self.left, self.right)

    def y(self, scale: Scale) -> Scale:
        """The scale up the plotting area."""
        return scale.between(self.bottom, self.top)


def frame(
    title: str,
    *,
    width: float = HALF,
    height: float | None = None,
    inner: float = 0.0,
    left: float = 0.0,
    right: float = 10.0,
    keys: Sequence[Key] = (),
    x_label: str = "",
    y_label: str = "",
    notes: Iterable[str] = (),
    has_ticks: bool = True,
    headroom: float = 0.0,
) -> Frame:
    """Lay a figure out. Either its whole `height` is given, or the plotting area's (`inner`) and the height follows.

    `left`, `right` and `headroom` are the room around the plotting area; `y_label` stands above it, so that nobody turns
    their head.
    """
    top = _TITLE if title else 6.0
    parts = [label(title, 0, 15, look="title", room=width, size=15.5)] if title else []
    legend, legend_height = _legend(keys, top, width)
    top += legend_height
    if y_label:
        parts.append(label(y_label, 0, top + 12, look="label", room=width))
        top += _LABEL_ROW
    top += 9.0 + headroom
    lines = [line for line in notes if line]
    under = (_TICKS if has_ticks else 6.0) + (_LABEL_ROW if x_label else 0.0) + _NOTE_ROW * len(lines)
    bottom = top + inner if height is None else max(top + 40.0, height - under)
    whole = bottom + under
    if x_label:
        parts.append(
            label(x_label, (left + width - right) / 2, bottom + _TICKS + 12, look="label", anchor="middle", room=width)
        )
    for place, line in enumerate(reversed(lines)):
        parts.append(label(line, 0, whole - 5 - place * _NOTE_ROW, look="note", room=width))
    return Frame(
        width=width,
        height=whole,
        left=left,
        right=width - right,
        top=top,
        bottom=bottom,
        title=title,
        around=join([*parts, legend]),
    )


def draw(area: Frame, description: str, *marks: object) -> Html:
    """The figure as one SVG element; `description` says in a sentence what the picture shows, for those who do not see it."""
    return tag(
        "svg",
        area.around,
        *marks,
        xmlns="http://www.w3.org/2000/svg",
        class_="figure",
        role="img",
        aria_label=". ".join(part.rstrip(".") for part in (area.title, description) if part),
        viewBox=f"0 0 {area.width:g} {area.height:.6g}",
        width=area.width,
        height=area.height,
    )


def empty(title: str, reason: str, *, width: float = HALF) -> Html:
    """A figure with nothing to show says so and why."""
    area = frame(title, width=width, inner=90, has_ticks=False)
    box = tag("rect", x=0, y=area.top, width=width, height=90, rx=6, class_="line-muted soft", stroke_dasharray="4 4")
    return draw(
        area, reason, box, label(reason, width / 2, area.top + 50, look="label", anchor="middle", room=width - 20)
    )


def standalone(figure: Html, *, width: float = HALF) -> str:
    """The figure as the text of an .svg file: its style inside, on the paper's colour."""
    head = figure.split(">", 1)[0]
    size = head.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split()
    return tag(
        "svg",
        Html(f"<style>{look.content_style().replace('<', '')}</style>"),
        tag("rect", width="100%", height="100%", class_="paper", fill="#fff"),
        figure,
        xmlns="http://www.w3.org/2000/svg",
        class_="sw",
        viewBox=f"-16 -16 {float(size[0]) + 32:g} {float(size[1]) + 32:g}",
    )


def y_room(scale: Scale, *, least: float = 18.0) -> float:
    """The room the labels of a vertical axis need."""
    return max([least, *(measure(text) + 9 for _, text in scale.ticks)])


def y_axis(area: Frame, scale: Scale) -> Html:
    """Grid lines with their labels; the scale is in the area's pixels."""
    lines = (
        join(
            (
                tag("line", x1=area.left, x2=area.right, y1=scale(value), y2=scale(value), class_="grid"),
                label(text, area.left - 8, scale(value) + 4, anchor="end"),
            )
        )
        for value, text in scale.ticks
    )
    return tag("g", *lines)


def x_axis(area: Frame, scale: Scale, *, has_grid: bool = False) -> Html:
    """The base line with its labels; labels that would touch are left out."""
    marks = [tag("line", x1=area.left, x2=area.right, y1=area.bottom, y2=area.bottom, class_="axis")]
    free_from = -1e9
    for value, text in scale.ticks:
        x, half = scale(value), measure(text) / 2
        if has_grid:
            marks.append(tag("line", x1=x, x2=x, y1=area.top, y2=area.bottom, class_="grid"))
        x_text = min(max(x, half), area.width - half)
        if x_text - half < free_from:
            continue
        marks.append(tag("line", x1=x, x2=x, y1=area.bottom, y2=area.bottom + 4, class_="axis"))
        marks.append(label(text, x_text, area.bottom + 18, anchor="middle"))
        free_from = x_text + half + 8
    return tag("g", *marks)


def colour(place: int) -> str:
    """The colour's name of the series at this place; after the last the first returns."""
    return f"s{place % SERIES + 1}"


def _legend(keys: Sequence[Key], top: float, width: float) -> tuple[Html, float]:
    """The entries, wrapped into rows, and the height they take."""
    if not keys:
        return Html(""), 0.0
    marks, x, row = [], 0.0, 0
    for key in keys:
        room = min(measure(key.name), width - 30) + 26 + 16
        if x and x + room > width + 16:
            x, row = 0.0, row + 1
        y = top + row * _LEGEND_ROW + 8
        marks += [_swatch(key, x, y), label(key.name, x + 26, y + 4, look="tick", room=width - 30)]
        x += room
    return tag("g", *marks), (row + 1) * _LEGEND_ROW


def _swatch(key: Key, x: float, y: float) -> Html:
    if key.mark in ("fill", "soft", "area"):
        shade = {"fill": "", "soft": " soft", "area": " area"}[key.mark]
        return tag("rect", x=x, y=y - 5, width=20, height=10, rx=2, class_=f"fill-{key.colour}{shade}")
    if key.mark == "dot":
        return tag("circle", cx=x + 10, cy=y, r=4.5, class_=f"fill-{key.colour}")
    kind = "reference" if key.mark == "reference" else f"line-{key.colour} curve pattern-{key.pattern}"
    return tag("line", x1=x, x2=x + 20, y1=y, y2=y, class_=kind)
