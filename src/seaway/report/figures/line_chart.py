"""Lines over time or steps: a metric by window with its interval, limits, alarms and the moments something changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.canvas import WIDE, Frame, draw, empty, frame
from seaway.report.figures.dates import day
from seaway.report.figures.events import Event, draw_events, headroom
from seaway.report.figures.legend import Key, colour
from seaway.report.figures.letters import label, measure
from seaway.report.figures.paths import band, polyline, thin
from seaway.report.figures.scale import Scale, linear
from seaway.report.figures.values import Values, can_be_drawn, is_drawable, numeric
from seaway.report.markup import Html, join, tag
from seaway.report.text import column, count, moment, number

Floats = npt.NDArray[np.float64]

_DOTS = 80  # up to this many points each is marked
_LEAST_SPAN = 0.02  # of the values' size: a flat line is not blown up into noise


@dataclass(frozen=True, kw_only=True)
class Line:
    """A series: `y` over `x` (numbers, or instants), its interval, and which points raised an alarm. NaN leaves a gap."""

    name: str
    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    alarms: Sequence[bool] | npt.NDArray[np.bool_] | None = None


def lines(
    series: Sequence[Line],
    *,
    title: str = "",
    unit: str = "",
    x_label: str = "",
    is_time: bool = False,
    is_percent: bool = False,
    limits: Mapping[str, float] | None = None,
    events: Sequence[Event] = (),
    width: float = WIDE,
    height: float = 300,
) -> Html:
    """The series over a common axis. `is_time` says that x is seconds since 1970; datetime64 says so itself."""
    is_time = is_time or any(np.asarray(one.x).dtype.kind == "M" for one in series)
    shown = [_Points.of(one) for one in series]
    shown = [points for points in shown if points.is_drawn.any()]
    if not shown:
        return empty(title, "No finite values", width=width)
    limits = {name: value for name, value in (limits or {}).items() if is_drawable(value)}
    y = _value_scale(shown, list(limits.values()), is_percent=is_percent)
    shown_events = [event for event in events if is_drawable(event.place)]
    dropped = sum(int((~points.is_drawn).sum()) for points in shown)
    area = frame(
        title,
        width=width,
        height=height,
        left=y_room(y),
        right=16.0 + max((measure(name) for name in limits), default=0.0),
        keys=_keys(shown),
        x_label=x_label,
        y_label=unit,
        headroom=headroom(shown_events),
        notes=[f"{count(dropped, 'point')} without a finite value not shown"] if dropped else [],
    )
    x = area.x(_position_scale(shown, [event.place for event in shown_events], is_time=is_time, width=width))
    y = area.y(y)
    return draw(
        area,
        _describe(shown, is_time=is_time),
        y_axis(area, y),
        x_axis(area, x),
        [_limit(area, y, name, value) for name, value in limits.items()],
        draw_events(area, x, shown_events),
        [_line(points, place, x, y, is_time=is_time) for place, points in enumerate(shown)],
    )


@dataclass(frozen=True, kw_only=True)
class _Points:
    name: str
    x: Floats
    y: Floats
    low: Floats
    high: Floats
    is_alarm: npt.NDArray[np.bool_]

    @staticmethod
    def of(line: Line) -> _Points:
        x, y = numeric(line.x), numeric(line.y)
        if len(x) != len(y):
            raise ValueError(f"line {line.name!r} has {len(x)} positions for {len(y)} values; they must match")
        order = np.argsort(x, kind="stable")
        none = np.full(len(x), np.nan)
        low = none if line.low is None else numeric(line.low)
        high = none if line.high is None else numeric(line.high)
        is_alarm = np.zeros(len(x), bool) if line.alarms is None else np.asarray(line.alarms, bool)
        return _Points(
            name=line.name, x=x[order], y=y[order], low=low[order], high=high[order], is_alarm=is_alarm[order]
        )

    @property
    def is_drawn(self) -> npt.NDArray[np.bool_]:
        return can_be_drawn(self.x) & can_be_drawn(self.y)

    @property
    def has_band(self) -> npt.NDArray[np.bool_]:
        return self.is_drawn & can_be_drawn(self.low) & can_be_drawn(self.high)


def _value_scale(shown: Sequence[_Points], limits: Sequence[float], *, is_percent: bool) -> Scale:
    values = np.concatenate(
        [part for one in shown for part in (one.y[one.is_drawn], one.low[one.has_band], one.high[one.has_band])]
        + [np.array(limits)]
    )
    low, high = float(values.min()), float(values.max())
    short = _LEAST_SPAN * max(abs(low), abs(high)) - (high - low)
    if short > 0:
        # Shares that never leave none are drawn from none upwards: there is nothing below it to show.
        low, high = (0.0, 1.0) if is_percent and low == high == 0.0 else (low - short / 2, high + short / 2)
    return linear(low, high, count=5, is_percent=is_percent)


def _position_scale(shown: Sequence[_Points], moments: Sequence[float], *, is_time: bool, width: float) -> Scale:
    places = np.concatenate([one.x[one.is_drawn] for one in shown] + [np.array(moments)])
    return linear(
        float(places.min()),
        float(places.max()),
        count=max(3, int(width / 120)),
        is_snug=True,
        is_time=is_time,
        is_whole=bool(np.all(places == np.rint(places))),
    )


def _keys(shown: Sequence[_Points]) -> list[Key]:
    has_band = any(one.has_band.any() for one in shown)
    keys = (
        [Key(one.name, "line", colour(place), place % 3) for place, one in enumerate(shown)]
        if len(shown) > 1 or has_band
        else []
    )
    if has_band:
        keys.append(Key("interval", "area", "muted" if len(shown) > 1 else colour(0)))
    if any(one.is_alarm[one.is_drawn].any() for one in shown):
        keys.append(Key("alarm", "dot", "fail"))
    return keys


def _line(points: _Points, place: int, x: Scale, y: Scale, *, is_time: bool) -> Html:
    drawn, banded = points.is_drawn, points.has_band
    # A gap in the values is a gap in the line: runs of drawn neighbours are drawn each by itself.
    runs = np.split(np.arange(len(drawn)), np.flatnonzero(np.diff(drawn.astype(int))) + 1)
    marks = []
    for run in (run for run in runs if len(run) and drawn[run[0]]):
        kept = run[thin(points.y[run])]
        inside = kept[banded[kept]]
        if len(inside) > 1:
            shade = band(x.many(points.x[inside]), y.many(points.low[inside]), y.many(points.high[inside]))
            marks.append(tag("path", d=shade, class_=f"fill-{colour(place)} area"))
        path = polyline(x.many(points.x[kept]), y.many(points.y[kept]))
        marks.append(tag("path", d=path, class_=f"line-{colour(place)} curve pattern-{place % 3}"))
    dots = np.flatnonzero(drawn if int(drawn.sum()) <= _DOTS else drawn & points.is_alarm)
    marks += [_dot(points, int(i), place, x, y, is_time=is_time) for i in dots]
    return tag("g", *marks)


def _dot(points: _Points, i: int, place: int, x: Scale, y: Scale, *, is_time: bool) -> Html:
    at = moment(points.x[i]) if is_time else number(points.x[i], 6)
    shown = column([points.y[i], points.low[i], points.high[i]], 4)
    interval = f" ({shown[1]} to {shown[2]})" if points.has_band[i] else ""
    is_alarm = bool(points.is_alarm[i])
    tip = tag("title", f"{points.name}, {at}\n{shown[0]}{interval}{chr(10) + 'alarm' if is_alarm else ''}")
    middle = {"cx": x(points.x[i]), "cy": y(points.y[i])}
    if not is_alarm:
        return tag("circle", tip, **middle, r=3.6, class_=f"dot fill-{colour(place)} halo")
    ring = tag("circle", **middle, r=9, class_="line-fail", stroke_width=1.5)
    return join((ring, tag("circle", tip, **middle, r=5, class_="dot fill-fail halo")))


def _limit(area: Frame, y: Scale, name: str, value: float) -> Html:
    line = tag("line", x1=area.left, x2=area.right, y1=y(value), y2=y(value), class_="reference")
    return join((line, label(name, area.right + 6, y(value) + 4)))


def _describe(shown: Sequence[_Points], *, is_time: bool) -> str:
    parts = []
    for one in shown:
        x, y = one.x[one.is_drawn], one.y[one.is_drawn]
        ends = (day(float(x[0])), day(float(x[-1]))) if is_time else (number(x[0]), number(x[-1]))
        alarms = int(one.is_alarm.sum())
        raised = f", {count(alarms, 'alarm')}" if alarms else ""
        parts.append(f"{one.name} from {number(y[0])} at {ends[0]} to {number(y[-1])} at {ends[1]}{raised}")
    return "Line chart; " + "; ".join(parts)
