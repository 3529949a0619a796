"""`seaway keys`: who may ask a server."""

from __future__ import annotations

from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder

group = typer.Typer(
    name="keys",
    help="Make, list, revoke and replace the keys that callers show.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Days = Annotated[float, typer.Option("--days", min=0, help="Days until it ends; 0 never.")]
Reference = Annotated[str, typer.Argument(metavar="KEY", help="Its id, or its name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")]


@group.command()
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it; stands in the log as key:NAME.")],
    role: Annotated[
        list[str],
        typer.Option("--role", help="viewer, predictor, labeler, operator, auditor or admin; may be repeated."),
    ],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="A model it is for; the project's own without. May be repeated.")
    ] = None,
    every_model: Annotated[bool, typer.Option("--every-model", help="For every model, also those to come.")] = False,
    days: Days = 365,
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="Requests per second over all workers; 0 for no limit.")
    ] = 0,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its text, once: it is kept nowhere."""
    from seaway.workflow.keys import make as run
    from seaway.workflow.workspace import open_project

    made = run(
        open_project(folder), name, roles=role, models=model or (), every_model=every_model, days=days, rate=rate
    )

    def render() -> None:
        models = "every model" if made.key.models == ("*",) else ", ".join(made.key.models)
        ends = f"until {made.key.expires[:10]}" if made.key.expires else "for ever"
        output.say(f"Key {made.key.id} ({name}): {', '.join(made.key.roles)} of {models}, {ends}")
        _show(made.text)

    output.emit(made, render, as_json=as_json)


@group.command("list")
def list_keys(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """List every key that was ever made: what it may do, until when, when it was last used."""
    from seaway.workflow.keys import listed
    from seaway.workflow.workspace import open_project

    found = listed(open_project(folder))

    def render() -> None:
        if not found:
            output.say("No key was ever made: servers on this machine ask for none.")
            return
        rows = [
            (one.id, one.name, one.state, ", ".join(one.roles), ", ".join(one.models), f"{one.rate:g}" if one.rate else "",
             one.expires[:10] or "never", one.used[:19].replace("T", " "), one.by)
            for one in found
        ]  # fmt: skip
        columns = ("id", "name", "state", "roles", "models", "a second", "ends", "last used", "by")
        output.table("", columns, rows, numbers=("a second",))

    output.emit(found, render, as_json=as_json)


@group.command()
def revoke(reference: Reference, reason: Reason = "asked for", folder: Folder = HERE, as_json: AsJson = False) -> None:
    """End a key now and for ever; running servers refuse it within a second."""
    from seaway.workflow.keys import revoke as run
    from seaway.workflow.workspace import open_project

    key = run(open_project(folder), reference, reason=reason)
    output.emit(key, lambda: output.say(f"Key {key.id} ({key.name}) is revoked"), as_json=as_json)


@group.command()
def rotate(
    reference: Reference,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old one opens still, for example 24h.")
    ] = "0s",
    days: Days = 365,
    reason: Reason = "rotated",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a key with the same name and rights, and print its text, once; the old one ends after the overlap."""
    from seaway.workflow import spans
    from seaway.workflow.keys import rotate as run
    from seaway.workflow.workspace import open_project

    overlap_s = spans.seconds(overlap, "--overlap") or 0.0
    made = run(open_project(folder), reference, overlap_s=overlap_s, days=days, reason=reason)

    def render() -> None:
        ends = f"ends at {made.ends[:19].replace('T', ' ')} UTC" if overlap_s else "is revoked"
        output.say(f"Key {made.key.id} ({made.key.name}) takes the place of {made.replaces}, which {ends}")
        _show(made.text)

    output.emit(made, render, as_json=as_json)


def _show(text: str) -> None:
    output.say(f"\n    {text}\n", style="bold")
    output.say("Keep it now: nobody can show it again. Callers send the header  Authorization: Bearer KEY")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.add_typer(group)
