"""`seaway audit`: who changed what, and the proof that the record is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder

group = typer.Typer(
    name="audit",
    help="Read, verify and export the record of every change.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Target = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)]


@group.command()
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="FILE", help="A checkpoint kept elsewhere; may be repeated."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust", metavar="DIR", help="A folder of *.pub keys for these checkpoints; the project's without."
        ),
    ] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Check that no line was changed, removed, reordered or cut off; exit 1 when something does not hold."""
    from seaway.core.verdict import failed
    from seaway.workflow.audit import verify as run
    from seaway.workflow.workspace import open_project

    found = run(open_project(folder), checkpoint or (), trust=trust)
    output.emit({"verdicts": found}, lambda: output.verdicts(found), as_json=as_json)
    if failed(found):
        raise typer.Exit(1)


@group.command("list")
def list_lines(
    newest: Annotated[int, typer.Option("--newest", "-n", min=0, help="So many of the newest; 0 for all.")] = 50,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Print who changed what, when and why."""
    from seaway.workflow.audit import listed
    from seaway.workflow.workspace import open_project

    found = listed(open_project(folder), newest=newest)

    def render() -> None:
        rows = [
            (one.number, one.at[:19].replace("T", " "), one.model or "", one.kind, one.principal, one.reason)
            for one in found
        ]
        output.table("", ("number", "at", "model", "what", "who", "why"), rows, numbers=("number",))

    output.emit(found, render, as_json=as_json)


@group.command()
def checkpoint(target: Target, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Write a signed checkpoint, to be kept where nobody who can write to this project can reach."""
    from seaway.workflow.audit import checkpoint as run
    from seaway.workflow.workspace import open_project

    made = run(open_project(folder), target)

    def render() -> None:
        output.say(f"{target}: {made.size} lines, the last is {made.head[:12]}")
        output.say(f"Keep it elsewhere; later: seaway audit verify --checkpoint {target.name}")

    output.emit(made, render, as_json=as_json)


@group.command()
def export(target: Target, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Write every line as JSON, one a line, for other tools and for verifying without Seaway."""
    from seaway.workflow.audit import export as run
    from seaway.workflow.workspace import open_project

    count = run(open_project(folder), target)
    output.emit({"file": str(target), "lines": count}, lambda: output.say(f"{target}: {count} lines"), as_json=as_json)


@group.command()
def accept(
    reason: Annotated[str, typer.Option("--reason", help="What happened; it stands in the audit.")],
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Go on with a registry that is not the one its checkpoint saw, for example after restoring an older file by hand.

    Ends with 1 where something still does not hold.
    """
    from seaway.core.verdict import failed
    from seaway.workflow.audit import accept as run
    from seaway.workflow.workspace import open_project

    found = run(open_project(folder), reason=reason)
    output.emit({"verdicts": found}, lambda: output.verdicts(found), as_json=as_json)
    if failed(found):
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(group)
