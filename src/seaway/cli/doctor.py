"""`seaway doctor`."""

from __future__ import annotations

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder


def doctor(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Say what is wrong with this machine and this project, changing neither; exit 1 when something is."""
    from seaway.core.verdict import failed
    from seaway.workflow.doctor.examine import doctor as look

    found = look(folder)

    def render() -> None:
        output.verdicts(found)
        wrong = len(failed(found))
        output.say(f"{wrong} of {len(found)} questions failed" if wrong else "Nothing is broken")

    output.emit({"verdicts": found}, render, as_json=as_json)
    if failed(found):
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(doctor)
