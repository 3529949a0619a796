"""`seaway models`, `promote`, `rollback` and `history`."""

from __future__ import annotations

from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder
from seaway.core.assignment import Assignment

Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.", prompt=False)]


def models(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """List the models, their releases and who answers now."""
    from seaway.workflow.models import models as listed
    from seaway.workflow.workspace import open_project

    found = listed(open_project(folder))

    def render() -> None:
        rows = [(one.model, one.version, one.digest[:12], one.role, one.created, one.principal) for one in found]
        output.table("", ("model", "version", "digest", "answers as", "made", "by"), rows, numbers=("version",))

    output.emit(found, render, as_json=as_json)


def history(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Print everything that happened to the model, with who, why and the evidence."""
    from seaway.workflow.models import history as listed
    from seaway.workflow.workspace import open_project

    found = listed(open_project(folder))

    def render() -> None:
        for entry in found:
            output.say(f"{entry.at[:19].replace('T', ' ')}  {entry.kind}  ({entry.principal})", style="bold")
            output.say(f"    {entry.reason}")

    output.emit(found, render, as_json=as_json)


def promote(
    reference: Annotated[str, typer.Argument(metavar="V", help="A version or digest.")],
    reason: Reason,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a release the champion."""
    from seaway.workflow.models import promote as move
    from seaway.workflow.workspace import open_project

    _moved(move(open_project(folder), reference, reason=reason), as_json=as_json)


def rollback(reason: Reason = "asked for", folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Restore the whole former assignment: champion, canary and shadows as they were."""
    from seaway.workflow.models import rollback as move
    from seaway.workflow.workspace import open_project

    _moved(move(open_project(folder), reason=reason), as_json=as_json)


def _moved(assignment: Assignment, *, as_json: bool) -> None:
    def render() -> None:
        output.say(f"{assignment.model}: {assignment.champion[:12]} answers now (move {assignment.sequence})")

    output.emit(assignment, render, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(models)
    app.command()(history)
    app.command()(promote)
    app.command()(rollback)
