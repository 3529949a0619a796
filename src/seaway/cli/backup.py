"""`seaway backup` and `seaway restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder


def backup(
    target: Annotated[Path, typer.Argument(metavar="DEST", help="A folder that does not exist yet.")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Take the private keys too: guard such a backup as you guard them.")
    ] = False,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Copy the project's state while it is in use, and read the copy again; exit 1 when something in it is damaged."""
    from seaway.core.verdict import failed
    from seaway.workflow.backup.take import backup as take
    from seaway.workflow.workspace import open_project

    done = take(open_project(folder), target, with_keys=with_keys)

    def render() -> None:
        output.verdicts(done.verdicts)
        output.say(f"{done.folder}: {len(done.listing.files):,} files, {done.bytes:,} bytes, as of {done.listing.made}")
        output.say(f"To bring it back: seaway restore {done.folder} DIR")

    document = {
        "folder": str(done.folder),
        "made": done.listing.made,
        "files": len(done.listing.files),
        "bytes": done.bytes,
        "with_keys": done.listing.with_keys,
        "missing": done.listing.missing,
        "damaged": done.listing.damaged,
        "verdicts": done.verdicts,
    }
    output.emit(document, render, as_json=as_json)
    if failed(done.verdicts):
        raise typer.Exit(1)


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder that `seaway backup` made.")],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder, which does not exist yet.")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="DIR", help="A folder of trusted *.pub keys; the backup's own without it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify all of a backup, then make the project from it; exit 1, with nothing written, when something does not hold."""
    from seaway.workflow.backup.restore import restore as bring_back

    done = bring_back(source, target, trust=trust)

    def render() -> None:
        output.verdicts(done.verdicts)
        if not done.is_done:
            output.say("Nothing was written.")
            return
        output.say(f"{done.folder}: the project as of {done.listing.made}")
        if not done.listing.with_keys:
            output.say("Its private keys were not in the backup: the next release is signed with a new one.")
            output.say("API keys of before open nothing here: make new ones with `seaway keys make`.")
        output.say("Data files are no part of a backup: put them where seaway.toml names them before you train.")

    document = {
        "folder": str(done.folder),
        "restored": done.is_done,
        "made": done.listing.made,
        "with_keys": done.listing.with_keys,
        "verdicts": done.verdicts,
    }
    output.emit(document, render, as_json=as_json)
    if not done.is_done:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(backup)
    app.command()(restore)
