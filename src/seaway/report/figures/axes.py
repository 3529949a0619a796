"""The two axes of a figure: lines and labels at a scale's ticks."""

from __future__ import annotations

from seaway.report.figures.canvas import Frame
from seaway.report.figures.letters import label, measure
from seaway.report.figures.scale import Scale
from seaway.report.markup import Html, join, tag


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
