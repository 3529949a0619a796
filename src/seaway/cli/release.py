"""`seaway release`, `seaway verify` and `seaway card`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder


def release(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="A run; the newest finished one without it.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Compile, prove equal, replay over HTTP, sign and register: champion if the first, else challenger."""
    from seaway.workflow.release import release as make
    from seaway.workflow.workspace import open_project

    done = make(open_project(folder), run)
    published = done.published

    def render() -> None:
        output.verdicts(published.verdicts)
        role = "champion: it answers now" if done.champion else "challenger: `seaway promote` or `seaway update` next"
        output.say(f"{published.model} version {published.version}, {role}")
        output.say(f"digest {published.digest}")
        if done.champion:
            output.say("Next: seaway serve")

    document = {
        "model": published.model,
        "version": published.version,
        "digest": published.digest,
        "folder": str(published.folder),
        "champion": done.champion,
        "verdicts": published.verdicts,
    }
    output.emit(document, render, as_json=as_json)


def verify(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A folder, a .zip, a version or a digest.")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="DIR", help="A folder of trusted *.pub keys; the project's without it."),
    ] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Check signature, digests, allowed program and parity, in that order; exit 1 when one says no."""
    from seaway.core.verdict import failed
    from seaway.workflow.bundles import verify_bundle

    found = verify_bundle(bundle, folder=folder, trust=trust)
    output.emit({"verdicts": found}, lambda: output.verdicts(found), as_json=as_json)
    if failed(found):
        raise typer.Exit(1)


def card(
    reference: Annotated[
        str, typer.Argument(metavar="[RELEASE]", help="A version or digest; the champion without it.")
    ] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Print the model card."""
    from seaway.workflow.bundles import card as read
    from seaway.workflow.workspace import open_project

    text = read(open_project(folder), reference)
    output.emit({"card": text}, lambda: output.say(text), as_json=as_json)


def import_(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A bundle: a folder, or the .zip of `export bundle`.")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="DIR", help="Trust the *.pub keys here; the one that signed is kept."),
    ] = None,
    older: Annotated[bool, typer.Option("--older", help="Take it in although a newer one is known.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why an older one; it stands in the history.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take in a release built elsewhere: verified, loaded within limits, registered; champion if the first."""
    from seaway.workflow.imports import import_bundle
    from seaway.workflow.workspace import open_project

    done = import_bundle(open_project(folder), path, trust=trust, is_older=older, reason=reason)

    def render() -> None:
        output.verdicts(done.verdicts)
        role = "champion: it answers now" if done.champion else "challenger: `seaway promote` next"
        output.say(f"{done.model} version {done.version}, {role}")
        output.say(f"digest {done.digest}")
        if done.trusted:
            output.say(f"This project trusts the key {done.trusted} from now on.")

    output.emit(done, render, as_json=as_json)


def export_bundle(
    reference: Annotated[str, typer.Argument(metavar="[V]", help="A version or digest; the champion without it.")] = "",
    out: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE.zip", help="The file to write.")] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a release as one file, which `seaway import` takes elsewhere."""
    from seaway.workflow.imports import export_bundle as write
    from seaway.workflow.workspace import open_project

    done = write(open_project(folder), reference, out)

    def render() -> None:
        output.say(f"{done.model} version {done.version}: {done.file} ({done.size} bytes)")
        output.say(f"digest {done.digest}")
        output.say(f"There: seaway import {done.file.name} --trust DIR, with this project's signing.pub in DIR")

    output.emit(done, render, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("import")(import_)
    export = typer.Typer(help="Write a release for somewhere else.", no_args_is_help=True, rich_markup_mode=None)
    export.command("bundle")(export_bundle)
    app.add_typer(export, name="export")
    app.command()(release)
    app.command()(verify)
    app.command()(card)
