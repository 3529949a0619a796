"""`seaway client`: what people who ask a server from Python need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder

group = typer.Typer(name="client", help="For those who ask a server from Python.", no_args_is_help=True)


@group.callback()
def root() -> None:
    """For those who ask a server from Python."""


@group.command()
def stub(
    target: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.py", help="The module, to be made anew.")],
    release: Annotated[str, typer.Option("--release", help="A version or digest; the champion without it.")] = "",
    url: Annotated[str, typer.Option("--url", help="Ask this server; its key is taken from SEAWAY_KEY.")] = "",
    model: Annotated[str, typer.Option("--model", help="The server's model, where it has several.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file of who signed the server's certificate.")] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a Python module with the types of a model's rows and predictions, and clients that know them."""
    from seaway.workflow import stub as run
    from seaway.workflow.workspace import open_project

    if url:
        made = run.of_server(url, target, model=model, ca=ca)
    else:
        made = run.of_project(open_project(folder), target, release)

    def render() -> None:
        output.say(f"{made.path}: types and clients of {made.model}, release {made.release[:12]}")

    output.emit(made, render, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.add_typer(group)
