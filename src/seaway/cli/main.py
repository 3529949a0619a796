"""The entry point: every error ends as a message and an exit code, never as a stack trace."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from seaway import __version__
from seaway.cli import (
    audit,
    backup,
    client,
    data,
    demo,
    doctor,
    keys,
    lab,
    output,
    registry,
    release,
    serve,
    top,
    watch,
)
from seaway.core import durable
from seaway.core.errors import MissingExtra, SeawayError

app = typer.Typer(
    name="seaway",
    help="From the lab to production, and right once it is there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (data, lab, release, serve, top, client, watch, registry, keys, audit, backup, doctor, demo):
    group.add_to(app)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """From the lab to production, and right once it is there."""
    if version:
        output.say(f"seaway {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    try:
        app(standalone_mode=True)
    except SeawayError as error:
        output.complain(error, as_json="--json" in sys.argv)
        sys.exit(error.exit)
    except ModuleNotFoundError as error:
        output.complain(_missing(error), as_json="--json" in sys.argv)
        sys.exit(MissingExtra.exit)
    except BrokenPipeError:  # the reader of a pipe has gone: nothing more to say to anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        # Whatever else comes up here is a fault of ours: it must not look like a check that said no (exit 1).
        if os.environ.get("SEAWAY_TRACE"):
            raise
        output.complain(_fault(error), as_json="--json" in sys.argv)
        sys.exit(SeawayError.exit)


def _missing(error: ModuleNotFoundError) -> SeawayError:
    """Say which extra brings a library; a module of our own that is missing is a fault."""
    if error.name is None or error.name.startswith("seaway"):
        return _fault(error)
    return MissingExtra(
        f"{error.name} is not installed: this environment can serve, but not do this",
        where=f"seaway {' '.join(sys.argv[1:2])}",
        fix='Run: pip install "seaway[lab]"',
    )


def _fault(error: Exception) -> SeawayError:
    """Return what is said of an error that nobody expected; a disk that fails anywhere is no fault of ours."""
    if isinstance(error, OSError) and error.errno in durable.FIXES:
        return durable.failed(error, "The disk fails")
    last = traceback.extract_tb(error.__traceback__)[-1]
    return SeawayError(
        f"This is a fault in Seaway: {type(error).__name__}: {error}",
        where=f"{os.path.basename(last.filename)}, line {last.lineno}",
        fix="Report it with what the same command prints under SEAWAY_TRACE=1. Nothing that was finished is lost.",
        code="fault",
    )
