"""A number's distribution by class: quartiles as a box, 5 % to 95 % as a line, the shape of the density above it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.legend import colour
from seaway.report.figures.paths import polyline
from seaway.report.figures.rows import name_room, row_name
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, drawable
from seaway.report.markup import Html, join, tag
from seaway.report.text import column, count, number

Floats = npt.NDArray[np.float64]

_PITCH, _SHAPE, _BOX = 50.0, 26.0, 11.0
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STEPS, _FEW = 60, 8  # points of a density; fewer values than this are shown one by one


def boxes(groups: Mapping[str, Values], *, title: str = "", unit: str = "", top: int = 15, width: float = HALF) -> Html:
    """One row for each group, the largest `top` groups; the axis spans what lies between the 0.5 % and 99.5 % of all values."""
    held = {name: drawable(values) for name, values in groups.items()}
    shown = {name: one for name, one in held.items() if len(one.numbers)}
    if not shown:
        return empty(title, "No finite values", width=width)
    kept = set(sorted(shown, key=lambda name: -len(shown[name].numbers))[:top])
    rows = {name: one.numbers for name, one in shown.items() if name in kept}
    lost = sum(one.missing + one.infinite for one in held.values())
    everything = np.concatenate(list(rows.values()))
    low, high = (float(end) for end in np.quantile(everything, (0.005, 0.995)))
    far = int(((everything < low) | (everything > high)).sum()) if len(everything) >= 200 else 0
    if not far:
        low, high = float(everything.min()), float(everything.max())
    notes = [f"{count(len(shown) - len(rows), 'smaller group')} not shown"] if len(rows) < len(shown) else []
    notes += [f"{count(lost, 'value')} missing or infinite"] if lost else []
    area = frame(
        title,
        width=width,
        inner=_PITCH * len(rows),
        left=name_room(rows, width),
        right=14,
        x_label=unit,
        notes=[" · ".join(notes)],
    )
    x = area.x(linear(low, high, count=5, is_snug=bool(far), is_time=any(one.is_time for one in shown.values())))
    marks = [_row(area, x, name, values, place) for place, (name, values) in enumerate(rows.items())]
    medians = ", ".join(f"{name} {number(float(np.median(values)))}" for name, values in list(rows.items())[:8])
    return draw(area, f"Distribution by group; medians: {medians}", x_axis(area, x, has_grid=True), *marks)


def _row(area: Frame, x: Scale, name: str, values: Floats, place: int) -> Html:
    base = area.top + place * _PITCH + _SHAPE + 4
    middle = base + _BOX / 2 + 3
    shade = colour(place)
    parts = [row_name(area, name, middle - 8)]
    if len(values) >= _FEW and float(np.ptp(values)) > 0:
        parts.append(tag("path", d=_shape(values, x, base), class_=f"fill-{shade} soft"))
        parts.append(_box(values, x, middle, shade, name))
    else:
        dots = (
            tag("circle", tag("title", number(value)), cx=x(value), cy=middle, r=3.5)
            for value in values[:_FEW].tolist()
        )
        parts.append(tag("g", *dots, class_=f"fill-{shade} soft"))
    return join(parts)


def _box(values: Floats, x: Scale, middle: float, shade: str, name: str) -> Html:
    quantiles = np.quantile(values, _QUANTILES)
    low, quarter, half, three_quarters, high = x.many(quantiles).tolist()
    shown = column(quantiles.tolist())
    tip = f"{name}: {count(len(values), 'value')}\nmedian {shown[2]}\nhalf lie between {shown[1]} and {shown[3]}\nnine in ten between {shown[0]} and {shown[4]}"
    box = {"x": quarter, "y": middle - _BOX / 2, "width": max(1.0, three_quarters - quarter), "height": _BOX}
    return tag(
        "g",
        tag("title", tip),
        tag("line", x1=low, x2=high, y1=middle, y2=middle, class_=f"line-{shade}", stroke_width=1.5),
        tag("rect", **box, rx=2, class_=f"box fill-{shade}"),
        tag("line", x1=half, x2=half, y1=middle - _BOX / 2, y2=middle + _BOX / 2, class_="median", stroke_width=2.5),
    )


def _shape(values: Floats, x: Scale, base: float) -> str:
    """A Gaussian kernel density (bandwidth after Silverman 1986, eq. 3.31) from a fine histogram, so that size does not matter."""
    fine = 512
    counts, edges = np.histogram(np.clip(values, x.low, x.high), bins=fine, range=(x.low, x.high))
    middles = (edges[:-1] + edges[1:]) / 2
    spread = min(float(np.std(values)), float(np.subtract(*np.quantile(values, (0.75, 0.25)))) / 1.34 or np.inf)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, (x.high - x.low) / 200)
    grid = np.linspace(x.low, x.high, _STEPS)
    density = np.exp(-0.5 * ((grid[:, None] - middles[None, :]) / bandwidth) ** 2) @ counts
    drawn = density > density.max() * 1e-3
    first, last = int(np.argmax(drawn)), _STEPS - 1 - int(np.argmax(drawn[::-1]))
    across, up = grid[first : last + 1], density[first : last + 1] / density.max() * _SHAPE
    pixels = x.many(across)
    ends = np.array([base])
    return polyline(np.concatenate([pixels[:1], pixels, pixels[-1:]]), np.concatenate([ends, base - up, ends])) + "Z"
