"""The frame of every figure: title, legend, labels and notes around a plotting area, and the SVG element around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seaway.report import look
from seaway.report.figures.legend import Key, draw_legend
from seaway.report.figures.letters import label
from seaway.report.figures.scale import Scale
from seaway.report.markup import Html, join, tag

HALF, WIDE = 470, 980  # pixels: two figures side by side, or one over the whole column

_TITLE, _LABEL_ROW, _NOTE_ROW, _TICKS = 26.0, 20.0, 17.0, 22.0


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
    legend, legend_height = draw_legend(keys, top, width)
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


def standalone(figure: Html) -> str:
    """The figure as the text of an .svg file: its style inside, on the paper's colour."""
    head = figure.split(">", 1)[0]
    width, height = (float(side) + 32 for side in head.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split())
    return tag(
        "svg",
        Html(f"<style>{look.content_style()}</style>"),
        tag("rect", width="100%", height="100%", x="-16", y="-16", class_="paper"),
        figure,
        xmlns="http://www.w3.org/2000/svg",
        class_="sw",
        viewBox=f"-16 -16 {width:g} {height:g}",
        width=width,
        height=height,
    )
