"""`seaway new` and `seaway check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, SOURCE, AsJson, Folder
from seaway.cli.progress import Bar
from seaway.core.contract import Column, Contract, Series
from seaway.core.settings import DEFAULT_TASK


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder, to be made.")],
    data: Annotated[str, typer.Option("--data", metavar="FILE", help=SOURCE)],
    target: Annotated[str, typer.Option("--target", metavar="COL", help="The column to predict.")] = "",
    ids: Annotated[list[str] | None, typer.Option("--id", metavar="COL", help="A column that names the row.")] = None,
    time: Annotated[
        list[str] | None, typer.Option("--time", metavar="COL", help="A column that orders the rows.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, help="Series: how many rows ahead to answer.")
    ] = None,
    frequency: Annotated[
        str, typer.Option("--frequency", help="Series: the time between rows, as 15m, 1h, 1d, 1bd, 1w, 1mo.")
    ] = "",
    season: Annotated[
        int | None, typer.Option("--season", min=1, help="Series: rows after which a pattern repeats.")
    ] = None,
    zone: Annotated[str, typer.Option("--zone", help="Series: where clocks show these times, as Europe/Berlin.")] = "",
    ahead: Annotated[
        list[str] | None,
        typer.Option("--ahead", metavar="COL", help="Series: a column known for the time ahead."),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="COL", help="A column to leave out.")] = None,
    test: Annotated[str, typer.Option("--test", metavar="FILE", help="Rows kept for the judgement.")] = "",
    task: Annotated[
        str, typer.Option("--task", help=f"The kind of problem; {DEFAULT_TASK} or the recipe's without it.")
    ] = "",
    recipe: Annotated[str, typer.Option("--recipe", help="What makes the rows, as customer-behaviour.")] = "",
    name: Annotated[str, typer.Option("--name", help="The model's name; the folder's without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a project from a file: seaway.toml and contract.toml, inferred from the data."""
    from seaway.workflow.new import new as make

    told = {"horizon": horizon, "frequency": frequency, "season": season, "zone": zone, "ahead": ahead}
    made = make(
        folder,
        data,
        target=target,
        ids=ids or (),
        time=(time or [""])[0],
        ignore=ignore or (),
        task=task,
        name=name,
        test=test,
        recipe=recipe,
        shape={name: value for name, value in told.items() if value},
    )

    def render() -> None:
        output.say(f"{made.project.folder}: {made.rows:,} rows, {len(made.contract.columns)} columns")
        output.table(
            "",
            ("column", "kind", "role", "values"),
            [
                (column.name, column.kind, column.role, _values(column, made.contract))
                for column in made.contract.columns
            ],
        )
        if made.contract.series:
            output.say(_rhythm(made.contract.series))
        output.verdicts(made.verdicts, all_of_them=False)
        output.say(f"Read {made.project.contract} and correct what is wrong; then: cd {folder} && seaway check")

    document = {
        "project": str(made.project.folder),
        "rows": made.rows,
        "contract": made.contract,
        "verdicts": made.verdicts,
    }
    output.emit(document, render, as_json=as_json)


def _rhythm(series: Series) -> str:
    """Say in one line what shape the series have."""
    return (
        f"Series: one row every {series.frequency} ({series.zone}), a pattern of {series.season} rows, answers up to "
        f"{series.horizon} rows ahead from the newest {series.history}; a period without a row counts as {series.gaps}"
    )


def _values(column: Column, contract: Contract) -> str:
    """Say in a few words what a column holds."""
    if column.role == "target" and contract.classes:
        return ", ".join(contract.classes[:8])
    if column.categories:
        return f"{len(column.categories)} categories"
    return f"{column.range[0]:g} to {column.range[1]:g}" if column.range else ""


def check(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Another file or address than the project's.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Hold the data to the contract, run the checks, and write a report with the distributions."""
    from seaway.workflow.check import check as look
    from seaway.workflow.workspace import open_project

    with Bar(quiet=as_json) as bar:
        found = look(open_project(folder), file, progress=bar)

    def render() -> None:
        output.say(f"{found.source}: {found.rows:,} rows, {found.broken:,} of them break the contract")
        output.cells(found.cells)
        output.verdicts(found.verdicts, all_of_them=False)
        kept = [f"{c.name} ({c.role})" for c in found.contract.columns if c.role in ("id", "ignore")]
        if kept:
            output.say(f"Not learnt from, as they name or order the row or hold nothing: {', '.join(kept)}")
        passed = sum(verdict.outcome == "pass" for verdict in found.verdicts)
        output.say(f"{passed} of {len(found.verdicts)} checks passed; to look at: {found.report}")

    document = {
        "source": found.source,
        "rows": found.rows,
        "broken": found.broken,
        "cells": found.cells,
        "verdicts": found.verdicts,
        "outcome": found.outcome,
        "report": str(found.report),
    }
    output.emit(document, render, as_json=as_json)
    if found.outcome == "fail":
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(new)
    app.command()(check)
