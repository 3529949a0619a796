"""Two numbers against one another: single points while they can be told apart, hexagons shaded by count beyond."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, dropped_note, finite_rows
from seaway.report.markup import Html, coordinate, tag
from seaway.report.palette import HEAT
from seaway.report.text import count, integer, number

Floats = npt.NDArray[np.float64]

_POINTS = 800
_HEXAGON = 7.0  # pixels from centre to corner


def predicted_vs_actual(
    predicted: Values,
    actual: Values,
    *,
    title: str = "Predicted and actual",
    unit: str = "",
    width: float = HALF,
    height: float = 390,
) -> Html:
    """Each row's prediction against what came true; on the dashed line the model is right."""
    (across, up), dropped = finite_rows(predicted, actual)
    if not len(across):
        return empty(title, "No rows with a prediction and an outcome", width=width)
    both = np.concatenate([across, up])
    scale = linear(float(both.min()), float(both.max()), count=5)
    labels = (_with_unit("predicted", unit), _with_unit("actual", unit))
    return _cloud(across, up, scale, scale, (scale.low, scale.high), title, labels, dropped, width=width, height=height)


def residuals(
    predicted: Values,
    actual: Values,
    *,
    title: str = "Residuals",
    unit: str = "",
    width: float = HALF,
    height: float = 390,
) -> Html:
    """What the model was off by (actual - predicted) against what it predicted; a good model leaves no shape here."""
    (across, truth), dropped = finite_rows(predicted, actual)
    if not len(across):
        return empty(title, "No rows with a prediction and an outcome", width=width)
    off = truth - across
    x = linear(float(across.min()), float(across.max()), count=5)
    y = linear(min(0.0, float(off.min())), max(0.0, float(off.max())), count=5)
    labels = (_with_unit("predicted", unit), _with_unit("actual − predicted", unit))
    return _cloud(across, off, x, y, (0.0, 0.0), title, labels, dropped, width=width, height=height)


def scatter(
    x: Values,
    y: Values,
    *,
    title: str = "",
    x_label: str = "x",
    y_label: str = "y",
    width: float = HALF,
    height: float = 390,
) -> Html:
    """Any two columns against one another."""
    (across, up), dropped = finite_rows(x, y)
    if not len(across):
        return empty(title, "No rows with both values", width=width)
    scales = (linear(float(across.min()), float(across.max())), linear(float(up.min()), float(up.max())))
    return _cloud(across, up, *scales, None, title, (x_label, y_label), dropped, width=width, height=height)


def _cloud(
    across: Floats,
    up: Floats,
    x: Scale,
    y: Scale,
    reference: tuple[float, float] | None,
    title: str,
    labels: tuple[str, str],
    dropped: int,
    *,
    width: float,
    height: float,
) -> Html:
    is_binned = len(across) > _POINTS
    notes = dropped_note(dropped)
    if is_binned:
        notes = [f"{integer(len(across))} rows; the stronger the colour, the more of them", *notes]
    area = frame(
        title, width=width, height=height, left=y_room(y), right=16, x_label=labels[0], y_label=labels[1], notes=notes
    )
    x, y = area.x(x), area.y(y)
    line = None
    if reference:
        line = tag("line", x1=area.left, x2=area.right, y1=y(reference[0]), y2=y(reference[1]), class_="reference")
    marks = _hexagons(across, up, x, y, area) if is_binned else _points(across, up, x, y)
    described = f"{count(len(across), 'row')}; {labels[0]} from {number(across.min())} to {number(across.max())}, {labels[1]} from {number(up.min())} to {number(up.max())}"
    front, back = (line, marks) if not is_binned else (marks, line)
    return draw(area, described, y_axis(area, y), x_axis(area, x), front, back)


def _points(across: Floats, up: Floats, x: Scale, y: Scale) -> Html:
    pairs = zip(x.many(across).tolist(), y.many(up).tolist(), across.tolist(), up.tolist(), strict=True)
    dots = (tag("circle", tag("title", f"{number(a, 4)}, {number(b, 4)}"), cx=i, cy=j, r=3) for i, j, a, b in pairs)
    return tag("g", *dots, class_="points fill-s1 soft")


def _hexagons(across: Floats, up: Floats, x: Scale, y: Scale, area: Frame) -> Html:
    """Counts in hexagons (Carr et al. 1987): each point goes to the nearer of two shifted lattices' centres."""
    wide, tall = _HEXAGON * np.sqrt(3.0), _HEXAGON * 3.0
    i, j = (x.many(across) - area.left) / wide, (y.many(up) - area.top) / tall
    first, second = np.stack([np.rint(i), np.rint(j)]), np.stack([np.floor(i), np.floor(j)])
    to_first = (i - first[0]) ** 2 + 3 * (j - first[1]) ** 2
    to_second = (i - second[0] - 0.5) ** 2 + 3 * (j - second[1] - 0.5) ** 2
    centres = np.where(to_first <= to_second, first, second + 0.5)
    cells, counts = np.unique(centres, axis=1, return_counts=True)
    # By the logarithm, since counts of a cloud span decades; the palest step is nearly paper and is left out.
    steps = 1 + np.floor(np.log(counts) / np.log(max(2, counts.max())) * (HEAT - 1.001)).astype(np.int64)
    shapes = (
        tag("path", tag("title", count(int(n), "row")), d=_hexagon(a, b), class_=f"fill-h{int(step)}")
        for a, b, n, step in zip(
            (area.left + cells[0] * wide).tolist(), (area.top + cells[1] * tall).tolist(), counts, steps, strict=True
        )
    )
    return tag("g", *shapes, class_="hexagons")


def _hexagon(x: float, y: float) -> str:
    half, side = _HEXAGON * 0.866, _HEXAGON / 2
    corners = f"l{half:.1f} {side:.1f}v{_HEXAGON:.1f}l-{half:.1f} {side:.1f}l-{half:.1f} -{side:.1f}v-{_HEXAGON:.1f}z"
    return f"M{coordinate(x)} {coordinate(y - _HEXAGON)}{corners}"


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
