"""`seaway demo`: the whole path on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the project is left to explore.")] = Path(
        "seaway-demo"
    ),
) -> None:
    """Walk the whole path with real flights, real processes and real HTTP, and say what happens."""
    from seaway.workflow.demo import story

    story.tell(folder, output.say)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(demo)
