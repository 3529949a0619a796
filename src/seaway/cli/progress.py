"""Long work on the terminal: a bar with the time left, on stderr, and nothing at all where nobody looks."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from seaway.cli import output
from seaway.core import chance

STARTED = chance.monotonic()
"""When the command began: budgets count from here, so that reading the data is part of them."""


class Bar:
    """Shows steps as a bar; on a terminal only, otherwise a line each time the message changes."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet or not output.log.is_terminal
        self._last = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TimeElapsedColumn(),
            console=output.log,
            transient=True,
            disable=self._quiet,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, done: float, total: float, message: str, left_s: float | None = None) -> None:
        """Show that `done` of `total` is done, what is going on, and the seconds left if they are known."""
        left = f"{left_s:.0f} s left" if left_s is not None else ""
        if self._task is None:
            self._task = self._bar.add_task(message, total=total, left=left)
        self._bar.update(self._task, completed=done, total=total, description=message, left=left)
