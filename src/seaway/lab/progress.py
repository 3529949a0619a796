"""How a long job says where it is; who shows it decides how."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told after each step."""

    def step(self, done: float, total: float, message: str, left_s: float) -> None:
        """Take note: `done` of `total`, what is being done now, and the seconds left as far as they can be told."""
        ...


class Silent:
    """Shows nothing."""

    def step(self, done: float, total: float, message: str, left_s: float) -> None:
        """Do nothing."""
