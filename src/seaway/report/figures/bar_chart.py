"""Bars by category: counts of one series, or shares of several side by side; what does not fit is gathered as "other"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from seaway.report.figures.canvas import HALF, Frame, draw, empty, frame
from seaway.report.figures.legend import Key, colour
from seaway.report.figures.letters import label
from seaway.report.figures.rows import name_room, row_name
from seaway.report.figures.scale import Scale, linear
from seaway.report.markup import Html, join, tag
from seaway.report.text import count, number, percent

_VALUE_ROOM = 92.0


def bars(
    series: Mapping[str, Mapping[str, float]],
    *,
    title: str = "",
    top: int = 12,
    order: Literal["size", "given"] = "size",
    width: float = HALF,
) -> Html:
    """How often each category occurs, counts by category for each named series. Several series are compared as shares of themselves."""
    tallies = {name: _counted(counts) for name, counts in series.items()}
    names = list(dict.fromkeys(name for counts in tallies.values() for name in counts))
    if not names or not any(sum(counts.values()) for counts in tallies.values()):
        return empty(title, "No values", width=width)
    if order == "size":
        names.sort(key=lambda name: -sum(_share(counts, name) for counts in tallies.values()))
    rows = _rows(names, tallies, top)
    totals = {name: sum(counts.values()) or 1.0 for name, counts in tallies.items()}
    is_compared = len(tallies) > 1
    thickness = 13.0 if is_compared else 16.0
    pitch = thickness * len(tallies) + (10.0 if is_compared else 8.0)
    area = frame(
        title,
        width=width,
        inner=pitch * len(rows),
        left=name_room([name for name, _ in rows], width),
        right=_VALUE_ROOM,
        keys=[Key(name, "fill", colour(place)) for place, name in enumerate(tallies)] if is_compared else (),
        has_ticks=False,
    )
    peak = max(
        counts[name] / totals[name] for _, by_series in rows for name, counts in [(s, by_series) for s in tallies]
    )
    x = area.x(linear(0.0, peak, is_snug=True))
    marks = [
        _row(area, x, name, values, totals, area.top + place * pitch, thickness)
        for place, (name, values) in enumerate(rows)
    ]
    return draw(area, _describe(rows, totals), *marks)


def _counted(counts: Mapping[str, float]) -> dict[str, float]:
    for name, value in counts.items():
        if not value >= 0:
            raise ValueError(f"category {name!r} has the count {value}; counts are 0 or more")
    return {str(name): float(value) for name, value in counts.items()}


def _share(counts: Mapping[str, float], name: str) -> float:
    return counts.get(name, 0.0) / (sum(counts.values()) or 1.0)


def _rows(
    names: Sequence[str], tallies: Mapping[str, Mapping[str, float]], top: int
) -> list[tuple[str, dict[str, float]]]:
    """(category, count by series) of the first categories, then of all others together."""
    shown = list(names) if len(names) <= top + 1 else list(names[:top])
    rest = names[len(shown) :]
    rows = [(name, {series: counts.get(name, 0.0) for series, counts in tallies.items()}) for name in shown]
    if rest:
        other = {series: sum(counts.get(name, 0.0) for name in rest) for series, counts in tallies.items()}
        rows.append((f"other ({count(len(rest), 'category', 'categories')})", other))
    return rows


def _row(
    area: Frame,
    x: Scale,
    name: str,
    values: Mapping[str, float],
    totals: Mapping[str, float],
    top: float,
    thickness: float,
) -> Html:
    parts = [row_name(area, name, top + thickness * len(values) / 2)]
    for place, (series, value) in enumerate(values.items()):
        share = value / totals[series]
        y = top + place * thickness
        tip = tag("title", f"{name}\n{series}: {number(value)} ({percent(share)})")
        length = x(share) - area.left
        shade = "none" if name.startswith("other (") and len(values) == 1 else colour(place)
        parts.append(
            tag("rect", tip, x=area.left, y=y, width=length, height=thickness - 1, rx=1.5, class_=f"bar fill-{shade}")
        )
        shown = percent(share) if len(values) > 1 else f"{number(value)} · {percent(share)}"
        look = "tick small" if len(values) > 1 else "tick"
        parts.append(label(shown, area.left + length + 6, y + thickness / 2 + 3.5, look=look))
    return join(parts)


def _describe(rows: Sequence[tuple[str, Mapping[str, float]]], totals: Mapping[str, float]) -> str:
    name, values = rows[0]
    shares = ", ".join(f"{series} {percent(value / totals[series])}" for series, value in values.items())
    return f"Bar chart of {count(len(rows), 'category', 'categories')}; the first is {name} ({shares})"
