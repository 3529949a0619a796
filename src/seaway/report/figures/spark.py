"""A line as small as a word, for the cells of a table."""

from __future__ import annotations

import numpy as np

from seaway.report.figures.paths import polyline, thin
from seaway.report.figures.scale import linear
from seaway.report.figures.values import Values, can_be_drawn, numeric
from seaway.report.markup import Html, tag
from seaway.report.text import number


def sparkline(values: Values, *, width: float = 96, height: float = 22, name: str = "trend") -> Html:
    """The values in their order, the last marked. Values that are not finite are left out."""
    numbers = numeric(values)
    numbers = numbers[can_be_drawn(numbers)]
    if not len(numbers):
        return tag("span", "–", class_="muted")
    low, high = float(numbers.min()), float(numbers.max())
    y = linear(low, high, is_snug=True).between(height - 3, 3)
    x = linear(0.0, float(max(1, len(numbers) - 1)), is_snug=True).between(3, width - 4)
    kept = thin(numbers, int(width))
    path = polyline(x.many(kept.astype(np.float64)), y.many(numbers[kept]))
    return tag(
        "svg",
        tag("path", d=path, class_="line-s1", stroke_width=1.5) if len(kept) > 1 else None,
        tag("circle", cx=x(float(len(numbers) - 1)), cy=y(float(numbers[-1])), r=2.6, class_="fill-s1"),
        xmlns="http://www.w3.org/2000/svg",
        class_="spark",
        role="img",
        aria_label=f"{name}: from {number(numbers[0])} to {number(numbers[-1])}, lowest {number(low)}, highest {number(high)}",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
    )
