"""What a model leans on: one bar for each column, with its interval where it was measured more than once."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.report.figures.axes import x_axis
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.rows import Estimate, name_room, row_name
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import is_drawable
from seaway.report.markup import Html, join, tag
from seaway.report.text import count, interval

_PITCH, _BAR = 23.0, 14.0


def importance(
    columns: Mapping[str, Estimate],
    *,
    title: str = "Importance",
    top: int = 20,
    x_label: str = "",
    width: float = HALF,
) -> Html:
    """The columns by size of their importance, the first `top`; negative values (worse than noise) go to the left."""
    finite = {name: one for name, one in columns.items() if is_drawable(one.value)}
    if not finite:
        return empty(title, "No columns", width=width)
    ordered = sorted(finite.items(), key=lambda pair: -abs(pair[1].value))
    shown, rest = ordered[:top], ordered[top:]
    ends = [end for _, one in shown for end in (one.value, one.low, one.high) if end is not None and is_drawable(end)]
    notes = (
        [f"{count(len(rest), 'further column')}, none above {interval(abs(rest[0][1].value), None, None)}"]
        if rest
        else []
    )
    notes += (
        [f"{count(len(columns) - len(finite), 'column')} without a finite value"] if len(finite) < len(columns) else []
    )
    area = frame(
        title,
        width=width,
        inner=_PITCH * len(shown),
        left=name_room([name for name, _ in shown], width),
        right=14,
        x_label=x_label,
        notes=notes,
    )
    x = area.x(linear(min(0.0, *ends), max(0.0, *ends), count=4))
    marks = [_row(area, x, name, one, area.top + (place + 0.5) * _PITCH) for place, (name, one) in enumerate(shown)]
    zero = tag("line", x1=x(0.0), x2=x(0.0), y1=area.top, y2=area.bottom, class_="axis")
    described = f"Importance of {count(len(finite), 'column')}; first {', '.join(name for name, _ in shown[:3])}"
    return draw(area, described, x_axis(area, x, has_grid=True), *marks, zero)


def _row(area: Frame, x: Scale, name: str, one: Estimate, middle: float) -> Html:
    left, right = sorted((x(0.0), x(one.value)))
    tip = tag("title", f"{name}: {interval(one.value, one.low, one.high)}")
    shade = "s1" if one.value >= 0 else "none"
    bar = tag(
        "rect", tip, x=left, y=middle - _BAR / 2, width=right - left, height=_BAR, rx=1.5, class_=f"bar fill-{shade}"
    )
    return join((row_name(area, name, middle), bar, whisker(x, one, middle)))


def whisker(x: Scale, one: Estimate, middle: float, *, look: str = "line-ink") -> Html | None:
    """The interval as a line with ends; nothing where it is not known."""
    if one.low is None or one.high is None or not (is_drawable(one.low) and is_drawable(one.high)):
        return None
    low, high = x(one.low), x(one.high)
    path = f"M{low:.2f} {middle - 3.5:.2f}v7M{low:.2f} {middle:.2f}H{high:.2f}M{high:.2f} {middle - 3.5:.2f}v7"
    return tag("path", d=path, class_=look, stroke_width=1.4, pointer_events="none")
