"""A forecast with its quantiles: the past as a line, the future as bands that widen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from seaway.report.figures.canvas import WIDE, Key, draw, empty, frame, x_axis, y_axis, y_room
from seaway.report.figures.paths import band, polyline, thin
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, numeric
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
    is_time = is_time or np.asarray(past_at).dtype.kind == "M" or np.asarray(ahead_at).dtype.kind == "M"
    before, known = _finite(numeric(past_at), numeric(past))
    at = numeric(ahead_at)
    levels = {float(level): numeric(values) for level, values in sorted(quantiles.items())}
    for level, values in levels.items():
        if len(values) != len(at):
            raise ValueError(f"quantile {level} has {len(values)} values for {len(at)} steps ahead; they must match")
    is_whole = np.isfinite(at) & np.all(
        [np.isfinite(values) for values in levels.values()] or [np.zeros(len(at), bool)], axis=0
    )
    at, levels = at[is_whole], {level: values[is_whole] for level, values in levels.items()}
    if not len(at):
        return empty(title, "No finite forecast", width=width)
    true = (
        (np.array([]), np.array([]))
        if actual is None
        else _finite(numeric(ahead_at)[: len(numeric(actual))], numeric(actual))
    )
    heights = np.concatenate([known, true[1], *levels.values()])
    y = linear(float(heights.min()), float(heights.max()), count=5)
    bands = _bands(list(levels))
    middle = min(levels, key=lambda level: abs(level - 0.5))
    area = frame(
        title,
        width=width,
        height=height,
        left=y_room(y),
        right=16,
        keys=_keys(bands, len(known), len(true[0])),
        y_label=unit,
    )
    places = np.concatenate([before, at])
    x = area.x(linear(float(places.min()), float(places.max()), count=int(width / 120), is_snug=True, is_time=is_time))
    y = area.y(y)
    past_kept = thin(known)
    return draw(
        area,
        f"Forecast of {count(len(at), 'step')}, from {number(levels[middle][0])} to {number(levels[middle][-1])}",
        y_axis(area, y),
        x_axis(area, x),
        [
            tag("path", d=band(x.many(at), y.many(levels[low]), y.many(levels[high])), class_="band fill-s1 area")
            for low, high in bands
        ],
        tag(
            "path",
            d=polyline(x.many(before[past_kept]), y.many(known[past_kept])),
            class_="past line-ink",
            stroke_width=1.6,
        )
        if len(known)
        else None,
        tag("path", d=polyline(x.many(at), y.many(levels[middle])), class_="line-s1 curve"),
        _actual(true, x, y),
        _tips(at, levels, x, area.top, area.bottom, is_time=is_time),
    )


def _finite(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    if len(at) != len(values):
        raise ValueError(f"{len(values)} values for {len(at)} moments; they must match")
    keep = np.isfinite(at) & np.isfinite(values)
    order = np.argsort(at[keep], kind="stable")
    return at[keep][order], values[keep][order]


def _bands(levels: list[float]) -> list[tuple[float, float]]:
    """Levels as far below the middle as above it, the widest first."""
    return [(low, high) for low in levels for high in levels if low < 0.5 and abs(low + high - 1) < 1e-9]


def _keys(bands: list[tuple[float, float]], past: int, actual: int) -> list[Key]:
    inside = " and ".join(percent(high - low) for low, high in bands)
    keys = [Key("past", "line", "ink")] if past else []
    keys.append(Key("forecast", "line", "s1"))
    keys += [Key(f"{inside} interval{'s' if len(bands) > 1 else ''}", "area", "s1")] if bands else []
    return keys + ([Key("what came true", "dot", "s2")] if actual else [])


def _actual(true: tuple[Floats, Floats], x: Scale, y: Scale) -> Html:
    dots = (
        tag("circle", cx=i, cy=j, r=3) for i, j in zip(x.many(true[0]).tolist(), y.many(true[1]).tolist(), strict=True)
    )
    return tag("g", *dots, class_="actual fill-s2 halo")


def _tips(at: Floats, levels: Mapping[float, Floats], x: Scale, top: float, bottom: float, *, is_time: bool) -> Html:
    """An unseen target over each step ahead that reads out its quantiles."""
    kept = thin(at)
    places = x.many(at[kept])
    half = float(np.min(np.diff(places))) / 2 if len(places) > 1 else 6.0
    targets = []
    for i, place in zip(kept.tolist(), places.tolist(), strict=True):
        shown = column([values[i] for values in levels.values()])
        lines = [
            moment(at[i]) if is_time else number(at[i], 6),
            *(f"{percent(level)}: {text}" for level, text in zip(levels, shown, strict=True)),
        ]
        targets.append(
            tag(
                "rect",
                tag("title", "\n".join(lines)),
                x=place - half,
                y=top,
                width=max(half * 2, 0.5),
                height=bottom - top,
                class_="hit",
            )
        )
    return tag("g", *targets)
