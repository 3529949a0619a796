"""A leaderboard: each model's score as a dot with its interval, so that a lead within the noise is seen as one."""

from __future__ import annotations

from collections.abc import Mapping

from seaway.report.figures.axes import x_axis
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.importance_chart import whisker
from seaway.report.figures.letters import label, measure
from seaway.report.figures.rows import Estimate, name_room, row_name
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import is_drawable
from seaway.report.markup import Html, join, tag
from seaway.report.text import column, count, interval

_PITCH = 26.0


def dots(
    scores: Mapping[str, Estimate],
    *,
    title: str = "Leaderboard",
    x_label: str = "",
    chosen: str = "",
    width: float = HALF,
) -> Html:
    """The scores in the order given, the best first; `chosen` is set off and its interval shaded behind the others."""
    shown = {name: one for name, one in scores.items() if is_drawable(one.value)}
    if not shown:
        return empty(title, "No finite scores", width=width)
    ends = [
        end for one in shown.values() for end in (one.value, one.low, one.high) if end is not None and is_drawable(end)
    ]
    texts = column([one.value for one in shown.values()])
    lost = len(scores) - len(shown)
    area = frame(
        title,
        width=width,
        inner=_PITCH * len(shown),
        left=name_room(shown, width),
        right=max(map(measure, texts)) + 16,
        x_label=x_label,
        notes=[f"{count(lost, 'score')} without a finite value not shown"] if lost else [],
    )
    low, high = min(ends), max(ends)
    x = area.x(linear(low - (high - low) * 0.04, high + (high - low) * 0.04, count=4, is_snug=True))
    rows = (
        _row(area, x, name, one, text, area.top + (place + 0.5) * _PITCH, is_chosen=name == chosen)
        for place, ((name, one), text) in enumerate(zip(shown.items(), texts, strict=True))
    )
    best = next(iter(shown))
    described = (
        f"{count(len(shown), 'score')}; first {best}, {interval(shown[best].value, shown[best].low, shown[best].high)}"
    )
    return draw(area, described, _shadow(area, x, shown.get(chosen)), x_axis(area, x, has_grid=True), *rows)


def _row(area: Frame, x: Scale, name: str, one: Estimate, text: str, middle: float, *, is_chosen: bool) -> Html:
    tip = tag("title", f"{name}: {interval(one.value, one.low, one.high)}")
    shade = "s1" if is_chosen else "muted"
    return join(
        (
            row_name(area, name, middle, is_bold=is_chosen),
            whisker(x, one, middle, look=f"line-{shade}"),
            tag("circle", tip, cx=x(one.value), cy=middle, r=5, class_=f"dot fill-{shade} halo"),
            label(text, area.width, middle + 4, anchor="end", look="bold" if is_chosen else "tick"),
        )
    )


def _shadow(area: Frame, x: Scale, one: Estimate | None) -> Html | None:
    if one is None or one.low is None or one.high is None or not (is_drawable(one.low) and is_drawable(one.high)):
        return None
    left, right = x(one.low), x(one.high)
    return tag("rect", x=left, y=area.top, width=right - left, height=area.bottom - area.top, class_="fill-s1 faint")
