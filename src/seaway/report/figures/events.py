"""Moments on a time axis worth a line: their names stand above the plot, on two levels, none over another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seaway.report.figures.canvas import Frame
from seaway.report.figures.letters import label, measure
from seaway.report.figures.scale import Scale
from seaway.report.figures.values import numeric
from seaway.report.markup import Html, tag

_LEVEL, _LONGEST = 15.0, 190.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """A moment on the x axis: a release, a retraining, a drift. `at` is what the axis holds, or an instant."""

    at: float | np.datetime64
    name: str

    @property
    def place(self) -> float:
        """The moment as the axis counts it: instants in seconds since 1970."""
        return float(numeric(np.asarray([self.at]))[0])


def headroom(events: Sequence[Event]) -> float:
    """The room above the plot that the names need."""
    return _LEVEL * min(2, len(events))


def draw_events(area: Frame, x: Scale, events: Sequence[Event]) -> Html:
    """The lines with their names; a name for which neither level has room is left to the tooltip."""
    lines, names, taken = [], [], (list[tuple[float, float]](), list[tuple[float, float]]())
    for event in sorted(events, key=lambda one: (one.place, one.name)):
        place, room = x(event.place), min(measure(event.name, 11), _LONGEST)
        is_left = place + 5 + room > area.width
        ends = (place - 5 - room, place - 5) if is_left else (place + 5, place + 5 + room)
        level = next((row for row in (0, 1) if all(ends[1] + 6 < a or ends[0] > b + 6 for a, b in taken[row])), None)
        top = area.top - (headroom(events) - _LEVEL * (level or 0) if level is not None else 0)
        line = {"x1": place, "x2": place, "y1": top, "y2": area.bottom}
        lines.append(tag("line", **line, class_="event"))
        lines.append(
            tag("rect", tag("title", event.name), x=place - 4, y=top, width=8, height=area.bottom - top, class_="hit")
        )
        if level is not None:
            taken[level].append(ends)
            anchor, start = ("end", ends[1]) if is_left else ("start", ends[0])
            names.append(label(event.name, start, top + 10, look="small over", anchor=anchor, room=_LONGEST, size=11))
    return tag("g", *lines, *names, class_="events")
