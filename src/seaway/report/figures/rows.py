"""Figures of named rows, one under another: where the names end and the plotting begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from seaway.report.figures.canvas import Frame
from seaway.report.figures.letters import label, measure
from seaway.report.markup import Html


class Estimate(Protocol):
    """A value with its interval; `seaway.core.candidate.Score` is one."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


@dataclass(frozen=True)
class Interval:
    """A value and its interval where one is known."""

    value: float
    low: float | None = None
    high: float | None = None


def name_room(names: Iterable[str], width: float) -> float:
    """Room for the names: what the longest needs, at most two fifths of the figure."""
    return min(width * 0.4, max((measure(name or "(blank)") for name in names), default=0.0) + 12)


def row_name(area: Frame, name: str, middle: float, *, is_bold: bool = False) -> Html:
    """A row's name left of the plotting area, cut where it is too long."""
    look = "bold" if is_bold else "tick"
    return label(
        name if name.strip() else "(blank)", area.left - 10, middle + 4, look=look, anchor="end", room=area.left - 10
    )
