"""`seaway serve`, `seaway score` and `seaway label`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, SOURCE, AsJson, Folder
from seaway.cli.progress import Bar


def serve(
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain in PEM: serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="The certificate's key in PEM.")] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help="Let other machines ask without keys or TLS; readiness says so.")
    ] = None,
    folder: Folder = HERE,
) -> None:
    """Serve the project's models over HTTP, following promotions without a restart."""
    from seaway.workflow.serve import serve as run
    from seaway.workflow.workspace import open_project

    given = {
        "serve.port": port,
        "serve.host": host,
        "serve.workers": workers,
        # A file the caller names is found from where they stand; one of the settings, from the project.
        "serve.tls_cert": str(tls_cert.absolute()) if tls_cert else None,
        "serve.tls_key": str(tls_key.absolute()) if tls_key else None,
        "serve.insecure": insecure,
    }
    raise typer.Exit(run(open_project(folder, given)))


def score(
    source: Annotated[str, typer.Argument(metavar="IN", help=SOURCE)],
    target: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT", help="CSV, JSON lines (.jsonl), Parquet or Arrow, to be made."),
    ],
    release: Annotated[str, typer.Option("--release", help="A version or digest; the champion without it.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Answer every row of a file with the handlers that serve."""
    from seaway.workflow.score import score as run
    from seaway.workflow.workspace import open_project

    with Bar(quiet=as_json) as bar:
        done = run(open_project(folder), source, target, reference=release, progress=bar)

    def render() -> None:
        output.say(
            f"{done.rows:,} row{'s' * (done.rows != 1)} answered in {done.seconds:.1f} s, {done.refused:,} refused: {target}"
        )
        output.cells(done.cells)

    document = {
        "rows": done.rows,
        "refused": done.refused,
        "cells": done.cells,
        "seconds": done.seconds,
        "output": str(target),
        "release": done.release,
    }
    output.emit(document, render, as_json=as_json)


def label(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="True values, by request_id (and row) or by id: a file or an address.")
    ],
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take in late ground truth, joined by request id or an id column."""
    from seaway.workflow.label import label as take
    from seaway.workflow.workspace import open_project

    done = take(open_project(folder), file)

    def render() -> None:
        output.say(f"{done.taken:,} labels taken in, {done.refused:,} refused")
        output.cells(done.cells)

    output.emit({"taken": done.taken, "refused": done.refused, "cells": done.cells}, render, as_json=as_json)
    if done.refused:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(serve)
    app.command()(score)
    app.command()(label)
