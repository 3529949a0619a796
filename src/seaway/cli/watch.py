"""`seaway monitor` and `seaway update`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder
from seaway.cli.progress import Bar
from seaway.core import chance
from seaway.core.verdict import Verdict, failed

Watch = Annotated[bool, typer.Option("--watch", help="Go on looking until stopped.")]
Every = Annotated[str, typer.Option("--every", help="Pause between looks under --watch.")]


def monitor(watch: Watch = False, every: Every = "60s", folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Judge the newest windows: drift, data quality, latency, performance; exit 1 on an alarm."""
    from seaway.workflow import spans
    from seaway.workflow.monitor import monitor as look
    from seaway.workflow.workspace import open_project

    workspace = open_project(folder)
    while True:
        found = look(workspace)
        document = {"verdicts": found.verdicts, "windows": found.windows, "report": str(found.page)}
        output.emit(document, partial(_findings, found.verdicts, str(found.page), watch), as_json=as_json)
        if not watch:
            raise typer.Exit(1 if failed(found.verdicts) else 0)
        chance.sleep(spans.seconds(every) or 60.0)


def _findings(verdicts: Sequence[Verdict], page: str, watch: bool) -> None:
    output.verdicts(verdicts, all_of_them=not watch)
    output.say(f"to look at: {page}")


def update(
    now: Annotated[bool, typer.Option("--now", help="Rebuild although nothing asks for it.")] = False,
    watch: Watch = False,
    every: Every = "60s",
    wait: Annotated[str | None, typer.Option("--wait", help="How long a step may wait for traffic.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Time to train by.")] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Decide, rebuild, compare, shadow, canary, promote or roll back; the same command resumes."""
    from seaway.workflow import spans
    from seaway.workflow.update import update as turn
    from seaway.workflow.workspace import open_project

    given = {"update.wait_s": spans.seconds(wait), "update.budget_s": spans.seconds(budget)}
    workspace = open_project(folder, given)
    while True:
        with Bar(quiet=as_json) as bar:
            done = turn(workspace, asked=now, progress=bar)
        document = {
            "state": done.state,
            "reason": done.reason,
            "verdicts": done.verdicts,
            "assignment": done.assignment,
        }
        output.emit(document, partial(_turned, done.verdicts, f"{done.state}: {done.reason}"), as_json=as_json)
        if not watch:
            return
        chance.sleep(spans.seconds(every) or 60.0)


def _turned(verdicts: Sequence[Verdict], line: str) -> None:
    output.verdicts(verdicts)
    output.say(line)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(monitor)
    app.command()(update)
