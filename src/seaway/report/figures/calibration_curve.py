"""Reliability: how often what is predicted with probability p comes true, with its uncertainty and how often p is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.legend import Key, colour
from seaway.report.figures.letters import label
from seaway.report.figures.paths import polyline
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, dropped_note, finite_rows
from seaway.report.markup import Html, join, tag
from seaway.report.text import count, fixed, integer, percent

Floats = npt.NDArray[np.float64]

_STRIP, _STRIP_GAP = 40.0, 12.0
_Z = 1.959963984540054  # of a 95 % interval


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Per bin that holds rows: how many, the mean prediction, the observed share with its 95 % interval."""

    counts: Floats
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    all_counts: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of predicted and observed, weighted by rows."""
        return float(np.sum(self.counts * np.abs(self.predicted - self.observed)) / np.sum(self.counts))


def reliability(truth: Floats, probability: Floats, bins: int = 10) -> Reliability:
    """Bins of equal width over [0, 1]; intervals after Wilson 1927, which hold near 0 and 1 and in small bins."""
    place = np.minimum((np.clip(probability, 0.0, 1.0) * bins).astype(np.int64), bins - 1)
    all_counts = np.bincount(place, minlength=bins).astype(np.float64)
    held = all_counts > 0
    n = all_counts[held]
    predicted = np.bincount(place, weights=probability, minlength=bins)[held] / n
    observed = np.bincount(place, weights=(truth > 0.5).astype(np.float64), minlength=bins)[held] / n
    middle = (observed + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * np.sqrt(observed * (1 - observed) / n + _Z**2 / (4 * n**2))
    low, high = np.clip(middle - reach, 0.0, observed), np.clip(middle + reach, observed, 1.0)
    return Reliability(counts=n, predicted=predicted, observed=observed, low=low, high=high, all_counts=all_counts)


def calibration(
    probabilities: Mapping[str, tuple[Values, Values]],
    *,
    title: str = "Calibration",
    bins: int = 10,
    width: float = HALF,
    height: float = 390,
) -> Html:
    """For each named model (truth 0 or 1, probability of 1): on the diagonal, predictions mean what they say."""
    tables, dropped = {}, 0
    for name, pair in probabilities.items():
        (truth, probability), gone = finite_rows(*pair)
        dropped += gone
        if len(truth):
            tables[name] = reliability(truth, probability, bins)
    if not tables:
        return empty(title, "No rows with a prediction and an outcome", width=width)
    keys = [
        Key(f"{name} (error {fixed(table.error, 3)})", "line", colour(place), place % 3)
        for place, (name, table) in enumerate(tables.items())
    ]
    unit = linear(0.0, 1.0, count=5, is_percent=True)
    whole = frame(
        title,
        width=width,
        height=height,
        left=y_room(unit),
        keys=keys,
        x_label="predicted",
        y_label="observed",
        notes=dropped_note(dropped),
    )
    split = whole.bottom - _STRIP - _STRIP_GAP
    x, y = whole.x(unit), unit.between(split, whole.top)
    marks = [
        _points(table, key, place, x, y) for place, (key, table) in enumerate(zip(keys, tables.values(), strict=True))
    ]
    return draw(
        whole,
        ", ".join(key.name for key in keys),
        y_axis(whole, y),
        tag("line", x1=x(0.0), x2=x(1.0), y1=y(0.0), y2=y(1.0), class_="reference"),
        *marks,
        _strip(tables, whole, x, bins),
        x_axis(whole, x),
    )


def _points(table: Reliability, key: Key, place: int, x: Scale, y: Scale) -> Html:
    shift = 3.0 * place  # intervals of several models stand beside one another
    across = x.many(table.predicted) + shift
    marks: list[Html] = [
        tag(
            "path",
            d=polyline(across, y.many(table.observed)),
            class_=f"line-{key.colour} curve soft pattern-{key.pattern}",
        )
    ]
    for i, middle in enumerate(across.tolist()):
        tip = (
            f"{key.name}\npredicted {percent(table.predicted[i])}, observed {percent(table.observed[i])} "
            f"({percent(table.low[i])} to {percent(table.high[i])})\n{count(int(table.counts[i]), 'row')}"
        )
        ends = {"x1": middle, "x2": middle, "y1": y(table.low[i]), "y2": y(table.high[i])}
        marks.append(tag("line", **ends, class_=f"line-{key.colour}", stroke_width=1.5))
        dot = tag(
            "circle", tag("title", tip), cx=middle, cy=y(table.observed[i]), r=4, class_=f"dot fill-{key.colour} halo"
        )
        marks.append(dot)
    return tag("g", *marks)


def _strip(tables: Mapping[str, Reliability], area: Frame, x: Scale, bins: int) -> Html:
    """How many rows each bin holds, under the curve."""
    most = max(float(table.all_counts.max()) for table in tables.values())
    step = (area.right - area.left) / bins
    each = (step - 2) / len(tables)
    bars = (
        tag(
            "rect",
            tag("title", f"{name}: {count(int(n), 'row')} from {percent(i / bins)} to {percent((i + 1) / bins)}"),
            x=area.left + i * step + 1 + place * each,
            y=area.bottom - _STRIP * n / most,
            width=each,
            height=_STRIP * n / most,
            class_=f"bar fill-{colour(place)} soft",
        )
        for place, (name, table) in enumerate(tables.items())
        for i, n in enumerate(table.all_counts.tolist())
        if n
    )
    most_text = label(integer(int(most)), area.left - 8, area.bottom - _STRIP + 8, anchor="end", look="tick small")
    return join((most_text, label("rows", area.left - 8, area.bottom, anchor="end", look="tick small"), *bars))
