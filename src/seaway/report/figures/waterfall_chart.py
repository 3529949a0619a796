"""One prediction explained: from the base value, each column's push up or down, to the margin."""

from __future__ import annotations

import math
from collections.abc import Mapping

from seaway.report.figures.axes import x_axis
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.letters import label, measure
from seaway.report.figures.rows import name_room, row_name
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import is_drawable
from seaway.report.markup import Html, join, tag
from seaway.report.text import column, count, number, signed

_PITCH, _BAR = 25.0, 15.0
_OPEN = 1e-6  # relative: base + attributions must give the margin this well


def waterfall(
    base: float,
    attributions: Mapping[str, float],
    *,
    margin: float | None = None,
    values: Mapping[str, str] | None = None,
    title: str = "Why this prediction",
    top: int = 12,
    x_label: str = "",
    width: float = HALF,
) -> Html:
    """Columns by size of their push, the small ones together; `values` are the row's values, shown beside the names.

    `margin` is what the parts must add up to; a figure that does not add up would lie, so it raises ValueError.
    """
    if not all(map(is_drawable, (base, *attributions.values()))):
        return empty(title, "The explanation holds values that are not finite", width=width)
    total = math.fsum((base, *attributions.values()))
    if margin is not None and abs(total - margin) > _OPEN * max(1.0, abs(margin)):
        raise ValueError(
            f"base and attributions add up to {total!r}, the margin is {margin!r}; pass the attributions of this very answer"
        )
    ordered = sorted(attributions.items(), key=lambda pair: -abs(pair[1]))
    shown, rest = (ordered, []) if len(ordered) <= top + 1 else (ordered[:top], ordered[top:])
    steps = [(_named(name, values or {}), push) for name, push in shown]
    if rest:
        steps.append((count(len(rest), "smaller push", "smaller pushes"), math.fsum(push for _, push in rest)))
    names = ["base", *(name for name, _ in steps), "margin"]
    area = frame(title, width=width, inner=_PITCH * len(names), left=name_room(names, width), right=14, x_label=x_label)
    levels = [base]
    for _, push in steps:
        levels.append(levels[-1] + push)
    texts = column([base, *(push for _, push in steps), total], 2)
    room = max(map(measure, texts)) + 16
    x = _scale(levels, area, room)
    marks = [_total(area, x, "base", base, texts[0], 0)]
    marks += [_step(area, x, name, levels[i], push, texts[i + 1], i + 1) for i, (name, push) in enumerate(steps)]
    marks.append(_total(area, x, "margin", total, texts[-1], len(names) - 1))
    described = f"From {number(base)} to {number(total)}; " + ", ".join(
        f"{name} {signed(push)}" for name, push in steps[:3]
    )
    return draw(area, described, x_axis(area, x, has_grid=True), *marks)


def _scale(levels: list[float], area: Frame, room: float) -> Scale:
    """A scale with room for a number beside the outermost bar on either side."""
    low, high = min(levels), max(levels)
    per_pixel = ((high - low) or abs(high) * 0.2 or 1.0) / max(40.0, area.right - area.left - 2 * room)
    return area.x(linear(low - room * per_pixel, high + room * per_pixel, count=4, is_snug=True))


def _named(name: str, values: Mapping[str, str]) -> str:
    return f"{name} = {values[name]}" if name in values else name


def _step(area: Frame, x: Scale, name: str, start: float, push: float, text: str, row: int) -> Html:
    middle = area.top + (row + 0.5) * _PITCH
    left, right = sorted((x(start), x(start + push)))
    is_up = push >= 0
    tip = tag("title", f"{name}: {signed(push)}")
    bar = {"x": left, "y": middle - _BAR / 2, "width": max(right - left, 1.0), "height": _BAR}
    beside, anchor = (right + 5, "start") if is_up else (left - 5, "end")
    return join(
        (
            row_name(area, name, middle),
            tag(
                "line",
                x1=x(start),
                x2=x(start),
                y1=middle - _PITCH + _BAR / 2,
                y2=middle - _BAR / 2,
                class_="axis",
                stroke_dasharray="2 2",
            ),
            tag("rect", tip, **bar, rx=1.5, class_=f"bar push fill-{'s2' if is_up else 's1'}"),
            label(f"+{text}" if push > 0 else text, beside, middle + 4, anchor=anchor),
        )
    )


def _total(area: Frame, x: Scale, name: str, value: float, text: str, row: int) -> Html:
    middle = area.top + (row + 0.5) * _PITCH
    place = x(value)
    return join(
        (
            row_name(area, name, middle, is_bold=True),
            tag("circle", tag("title", f"{name}: {number(value)}"), cx=place, cy=middle, r=5, class_="dot fill-ink"),
            label(text, place + 10, middle + 4, look="bold"),
        )
    )
