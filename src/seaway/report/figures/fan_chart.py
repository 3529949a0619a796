"""A forecast with its quantiles: the past as a line, the future as bands that widen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.canvas import WIDE, Frame, draw, empty, frame
from seaway.report.figures.legend import Key
from seaway.report.figures.paths import band, polyline, thin
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, can_be_drawn, numeric
from seaway.report.markup import Html, tag
from seaway.report.text import column, count, moment, number, percent

Floats = npt.NDArray[np.float64]


def fan(
    past_at: Values,
    past: Values,
    ahead_at: Values,
    quantiles: Mapping[float, Values],
    *,
    actual: Values | None = None,
    title: str = "Forecast",
    unit: str = "",
    is_time: bool = False,
    width: float = WIDE,
    height: float = 320,
) -> Html:
    """`quantiles` maps levels to values at `ahead_at`; pairs around the middle (0.1 and 0.9) make bands, the rest a line.

    `actual` is what came true at `ahead_at`, as far as it is known.
    """
    forecast = _prepare(past_at, past, ahead_at, quantiles, actual, is_time=is_time)
    if not len(forecast.at):
        return empty(title, "No finite forecast", width=width)
    heights = np.concatenate([forecast.past[1], forecast.actual[1], *forecast.levels.values()])
    y = linear(float(heights.min()), float(heights.max()), count=5)
    area = frame(title, width=width, height=height, left=y_room(y), right=16, keys=_keys(forecast), y_label=unit)
    places = np.concatenate([forecast.past[0], forecast.at])
    x = linear(float(places.min()), float(places.max()), count=int(width / 120), is_snug=True, is_time=forecast.is_time)
    x, y = area.x(x), area.y(y)
    middle = forecast.levels[forecast.middle]
    return draw(
        area,
        f"Forecast of {count(len(forecast.at), 'step')}, from {number(middle[0])} to {number(middle[-1])}",
        y_axis(area, y),
        x_axis(area, x),
        _lines(forecast, x, y),
        _tips(forecast, x, area),
    )


@dataclass(frozen=True, kw_only=True)
class _Forecast:
    """Finite numbers only: (moments, values) of the past and of what came true, levels ahead by quantile."""

    past: tuple[Floats, Floats]
    at: Floats
    levels: Mapping[float, Floats]
    actual: tuple[Floats, Floats]
    is_time: bool

    @property
    def middle(self) -> float:
        return min(self.levels, key=lambda level: abs(level - 0.5))

    @property
    def bands(self) -> list[tuple[float, float]]:
        """Levels as far below the middle as above it, the widest first."""
        return [(low, high) for low in self.levels for high in self.levels if low < 0.5 and abs(low + high - 1) < 1e-9]


def _prepare(
    past_at: Values,
    past: Values,
    ahead_at: Values,
    quantiles: Mapping[float, Values],
    actual: Values | None,
    *,
    is_time: bool,
) -> _Forecast:
    at = numeric(ahead_at)
    levels = {float(level): numeric(values) for level, values in sorted(quantiles.items())}
    for level, values in levels.items():
        if len(values) != len(at):
            raise ValueError(f"quantile {level} has {len(values)} values for {len(at)} steps ahead; they must match")
    is_whole = np.logical_and.reduce([can_be_drawn(at), *map(can_be_drawn, levels.values())])
    order = np.argsort(at, kind="stable")
    whole = order[is_whole[order]]
    true = numeric([] if actual is None else actual)
    return _Forecast(
        past=_finite(numeric(past_at), numeric(past)),
        at=at[whole] if levels else at[:0],
        levels={level: values[whole] for level, values in levels.items()},
        actual=_finite(at[: len(true)], true),
        is_time=is_time or any(np.asarray(moments).dtype.kind == "M" for moments in (past_at, ahead_at)),
    )


def _finite(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    if len(at) != len(values):
        raise ValueError(f"{len(values)} values for {len(at)} moments; they must match")
    keep = can_be_drawn(at) & can_be_drawn(values)
    order = np.argsort(at[keep], kind="stable")
    return at[keep][order], values[keep][order]


def _keys(forecast: _Forecast) -> list[Key]:
    keys = [Key("past", "line", "ink")] if len(forecast.past[0]) else []
    keys.append(Key("forecast", "line", "s1"))
    if forecast.bands:
        inside = " and ".join(percent(high - low) for low, high in forecast.bands)
        keys.append(Key(f"{inside} interval{'s' if len(forecast.bands) > 1 else ''}", "area", "s1"))
    return [*keys, Key("what came true", "dot", "s2")] if len(forecast.actual[0]) else keys


def _lines(forecast: _Forecast, x: Scale, y: Scale) -> Html:
    at, levels = x.many(forecast.at), {level: y.many(values) for level, values in forecast.levels.items()}
    marks = [
        tag("path", d=band(at, levels[low], levels[high]), class_="band fill-s1 area") for low, high in forecast.bands
    ]
    if len(forecast.past[0]):
        kept = thin(forecast.past[1])
        path = polyline(x.many(forecast.past[0][kept]), y.many(forecast.past[1][kept]))
        marks.append(tag("path", d=path, class_="past line-ink", stroke_width=1.6))
    marks.append(tag("path", d=polyline(at, levels[forecast.middle]), class_="line-s1 curve"))
    if len(at) == 1:  # a line needs two points
        marks.append(tag("circle", cx=float(at[0]), cy=float(levels[forecast.middle][0]), r=4, class_="fill-s1"))
    pairs = zip(x.many(forecast.actual[0]).tolist(), y.many(forecast.actual[1]).tolist(), strict=True)
    marks.append(tag("g", *(tag("circle", cx=i, cy=j, r=3.5) for i, j in pairs), class_="actual fill-s2 halo"))
    return tag("g", *marks)


def _tips(forecast: _Forecast, x: Scale, area: Frame) -> Html:
    """An unseen target over each step ahead that reads out its quantiles."""
    kept = thin(forecast.at)
    places = x.many(forecast.at[kept])
    half = float(np.min(np.diff(places))) / 2 if len(places) > 1 else 6.0
    size = {"y": area.top, "width": max(half * 2, 0.5), "height": area.bottom - area.top}
    targets = []
    for i, place in zip(kept.tolist(), places.tolist(), strict=True):
        at = float(forecast.at[i])
        shown = column([float(values[i]) for values in forecast.levels.values()])
        read = [f"{percent(level)}: {text}" for level, text in zip(forecast.levels, shown, strict=True)]
        tip = tag("title", "\n".join([moment(at) if forecast.is_time else number(at, 6), *read]))
        targets.append(tag("rect", tip, x=place - half, **size, class_="hit"))
    return tag("g", *targets)
