"""Distributions of numbers and times: one filled, further ones as outlines over it, the missing share in a column of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.binning import Bins, bin_numbers, closed
from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.dates import day
from seaway.report.figures.legend import Key, colour
from seaway.report.figures.letters import label
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, drawable, is_drawable, numeric
from seaway.report.markup import Html, tag
from seaway.report.text import column, count, integer, number, percent

Floats = npt.NDArray[np.float64]

_MISSING_WIDTH, _GAP, _OVERHANG = 30.0, 30.0, 12.0


def histogram(
    series: Mapping[str, Values],
    *,
    title: str = "",
    unit: str = "",
    bins: int | None = None,
    width: float = HALF,
    height: float = 270,
) -> Html:
    """How values are distributed, each series by its name. One series is counted; several are compared as shares.

    NaN is missing and gets a column; infinite values and tails far outside are counted in a note.
    """
    drawn = {name: drawable(values) for name, values in series.items()}
    if not any(len(one.numbers) for one in drawn.values()):
        held = sum(one.total for one in drawn.values())
        return empty(title, f"None of {count(held, 'value')} is a finite number" if held else "No values", width=width)
    return _draw(bin_numbers(drawn, bins), title=title, unit=unit, width=width, height=height)


def binned(
    edges: Values,
    counts: Mapping[str, Values],
    *,
    missing: Mapping[str, float] | None = None,
    title: str = "",
    unit: str = "",
    is_time: bool = False,
    width: float = HALF,
    height: float = 270,
) -> Html:
    """The same from counts made elsewhere: `edges` (bins + 1; the outer two may be infinite), counts (bins,) for each series."""
    limits = numeric(edges)
    tallies = {name: np.nan_to_num(numeric(values)) for name, values in counts.items()}
    if len(limits) < 2 or np.any(np.isnan(limits)) or np.any(np.diff(limits) <= 0):
        raise ValueError(f"bin edges must rise, got {len(limits)} edges; pass bins + 1 rising numbers")
    for name, tally in tallies.items():
        if len(tally) != len(limits) - 1:
            raise ValueError(f"series {name!r} has {len(tally)} counts for {len(limits) - 1} bins")
    if not any(tally.sum() for tally in tallies.values()):
        return empty(title, "No values", width=width)
    held = Bins(
        edges=closed(limits),
        counts=tallies,
        missing={name: float((missing or {}).get(name, 0.0)) for name in tallies},
        infinite=dict.fromkeys(tallies, 0.0),
        below=0 if is_drawable(limits[0]) else int(sum(tally[0] for tally in tallies.values())),
        above=0 if is_drawable(limits[-1]) else int(sum(tally[-1] for tally in tallies.values())),
        is_time=is_time,
    )
    return _draw(held, title=title, unit=unit, width=width, height=height)


def _draw(bins: Bins, *, title: str, unit: str, width: float, height: float) -> Html:
    is_share = len(bins.counts) > 1
    totals = {
        name: float(tally.sum()) + bins.missing[name] + bins.infinite[name] or 1.0
        for name, tally in bins.counts.items()
    }
    heights = {name: tally / totals[name] if is_share else tally for name, tally in bins.counts.items()}
    gone = {name: bins.missing[name] / (totals[name] if is_share else 1.0) for name in bins.counts}
    has_missing = any(gone.values())
    peak = max(*(float(values.max()) for values in heights.values()), *gone.values())
    y = linear(0.0, peak, count=4, is_percent=is_share, is_whole=not is_share)
    area = frame(
        title,
        width=width,
        height=height,
        left=y_room(y),
        right=_GAP + _MISSING_WIDTH + _OVERHANG if has_missing else 10.0,
        keys=_keys(list(bins.counts)),
        x_label=unit,
        y_label="share of rows" if is_share else "rows",
        notes=_notes(bins, totals),
    )
    x = area.x(linear(float(bins.edges[0]), float(bins.edges[-1]), count=6, is_snug=True, is_time=bins.is_time))
    y = area.y(y)
    marks = [
        _series(place, values, bins.edges, x, y, is_compared=is_share) for place, values in enumerate(heights.values())
    ]
    tips = [_tip(bins, place, x, area, totals, unit) for place in range(len(bins.edges) - 1)]
    return draw(
        area,
        _describe(bins),
        y_axis(area, y),
        *marks,
        x_axis(area, x),
        _missing(gone, bins, totals, area, y) if has_missing else None,
        *tips,
    )


def _keys(names: Sequence[str]) -> list[Key]:
    if len(names) < 2:
        return []
    return [
        Key(name, "line" if place else "soft", colour(place), pattern=max(0, place - 1) % 3)
        for place, name in enumerate(names)
    ]


def _series(place: int, values: Floats, edges: Floats, x: Scale, y: Scale, *, is_compared: bool) -> Html:
    """The first series as bars, any further one as the outline of its bars."""
    lefts, rights, tops = x.many(edges[:-1]), x.many(edges[1:]), y.many(values)
    if place == 0:
        gap = 1.0 if float(np.min(rights - lefts)) > 4 else 0.0
        bars = (
            tag("rect", x=left, y=top, width=max(right - left - gap, 0.5), height=y.start - top)
            for left, right, top, value in zip(lefts, rights, tops, values, strict=True)
            if value > 0
        )
        return tag("g", *bars, class_=f"bars fill-{colour(place)}{' soft' if is_compared else ''}")
    steps = "".join(f"V{top:.1f}H{right:.1f}" for right, top in zip(rights, tops, strict=True))
    path = f"M{lefts[0]:.1f} {y.start:.1f}{steps}V{y.start:.1f}"
    return tag("path", d=path, class_=f"line-{colour(place)} curve pattern-{(place - 1) % 3}")


def _missing(gone: Mapping[str, float], bins: Bins, totals: Mapping[str, float], area: Frame, y: Scale) -> Html:
    """The missing values beside the axis, to the same height scale."""
    left = area.right + _GAP
    each = _MISSING_WIDTH / len(gone)
    bars = (
        tag(
            "rect",
            tag(
                "title", f"missing, {name}: {percent(bins.missing[name] / totals[name])} ({number(bins.missing[name])})"
            ),
            x=left + place * each,
            y=y(share),
            width=each - 1,
            height=y.start - y(share),
            class_=f"bar fill-{colour(place) if len(gone) > 1 else 'none'}",
        )
        for place, (name, share) in enumerate(gone.items())
    )
    base = tag("line", x1=left, x2=left + _MISSING_WIDTH, y1=area.bottom, y2=area.bottom, class_="axis")
    return tag(
        "g",
        *bars,
        base,
        label("missing", left + _MISSING_WIDTH / 2, area.bottom + 18, anchor="middle"),
        class_="missing",
    )


def _tip(bins: Bins, place: int, x: Scale, area: Frame, totals: Mapping[str, float], unit: str) -> Html | None:
    """An unseen target over the whole bin, so that small bars can be pointed at too."""
    if not any(tally[place] for tally in bins.counts.values()):
        return None
    low, high = float(bins.edges[place]), float(bins.edges[place + 1])
    ends = (day(low), day(high)) if bins.is_time else column([low, high])
    lines = [f"{ends[0]} to {ends[1]}{' ' + unit if unit else ''}"]
    for name, tally in bins.counts.items():
        lines.append(f"{name}: {integer(int(tally[place]))} ({percent(float(tally[place]) / totals[name])})")
    return tag(
        "rect",
        tag("title", "\n".join(lines)),
        x=x(low),
        y=area.top,
        width=max(x(high) - x(low), 0.5),
        height=area.bottom - area.top,
        class_="hit",
    )


def _notes(bins: Bins, totals: Mapping[str, float]) -> list[str]:
    parts = [
        f"missing{', ' + name if len(totals) > 1 else ''}: {percent(gone / totals[name])}"
        for name, gone in bins.missing.items()
        if gone
    ]
    infinite = int(sum(bins.infinite.values()))
    parts += [f"{integer(infinite)} infinite not shown"] if infinite else []
    ends = [f"{integer(n)} {side}" for n, side in ((bins.below, "below"), (bins.above, "above")) if n]
    parts += [f"{' and '.join(ends)} the axis, counted in the end bars"] if ends else []
    return [" · ".join(parts)]


def _describe(bins: Bins) -> str:
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    ends = (day(low), day(high)) if bins.is_time else (number(low), number(high))
    sizes = ", ".join(f"{name}: {count(int(tally.sum()), 'value')}" for name, tally in bins.counts.items())
    return f"Histogram from {ends[0]} to {ends[1]}; {sizes}"
