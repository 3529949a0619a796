"""`seaway train`, `seaway runs` and `seaway explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from seaway.cli import output
from seaway.cli.options import HERE, AsJson, Folder
from seaway.cli.progress import STARTED, Bar

INTERRUPTED = 130


def train(
    budget: Annotated[str | None, typer.Option("--budget", help="Time to stop by, for example 60s or 5m.")] = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Fix the work instead of the time.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="bayes, random or grid.")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="fast, balanced or best.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Fixes every random choice.")] = None,
    replay: Annotated[str, typer.Option("--replay", metavar="RUN", help="Rebuild a run and compare its digest.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Search, validate, ensemble and calibrate; the same command resumes a run that was stopped."""
    from seaway.workflow import spans
    from seaway.workflow import train as lab
    from seaway.workflow.workspace import open_project

    given = {
        "train.budget_s": 0.0 if trials and budget is None else spans.seconds(budget),
        "train.trials": trials,
        "train.search": search,
        "train.preset": preset,
        "train.seed": seed,
    }
    workspace = open_project(folder, given)
    try:
        with Bar(quiet=as_json) as bar:
            if replay:
                done = lab.replay(workspace, replay, progress=bar)
            else:
                done = lab.train(workspace, progress=bar, started=STARTED)
    except KeyboardInterrupt:
        output.log.print("Stopped. Finished trials are kept: the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None

    def render() -> None:
        board = lab.leaderboard(done.candidate)
        output.table(
            f"Leaderboard, {board[0].metric} out of fold",
            ("model", "trials", "best", "weight", "seconds"),
            [(one.model, one.trials, f"{one.score:.4f}", f"{one.weight:.2f}", f"{one.seconds:.1f}") for one in board],
            numbers=("trials", "best", "weight", "seconds"),
        )
        first = f"test.{board[0].metric}"
        shown = {name: score for name, score in done.candidate.scores.items() if name.startswith("test.")}
        shown = dict(sorted(shown.items(), key=lambda pair: pair[0] != first))
        output.table(
            f"Run {done.run}",
            ("measure", "value", "95 % interval", "cases"),
            [
                (name, f"{score.value:.4f}", f"{score.low:.4f} to {score.high:.4f}", f"{score.n:,}")
                for name, score in (shown or done.candidate.scores).items()
            ],
            numbers=("value", "cases"),
        )
        output.verdicts(done.verdicts, all_of_them=False)
        output.say(f"{done.seconds:.1f} s; to look at: {done.report}")
        output.say("Next: seaway release")

    document = {
        "run": done.run,
        "digest": done.candidate.digest,
        "scores": done.candidate.scores,
        "leaderboard": lab.leaderboard(done.candidate),
        "trials": done.candidate.trials,
        "verdicts": done.verdicts,
        "seconds": done.seconds,
        "report": str(done.report),
    }
    output.emit(document, render, as_json=as_json)


def runs(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """List the runs of the project with their scores."""
    from seaway.workflow.train import runs as listed
    from seaway.workflow.workspace import open_project

    found = listed(open_project(folder))

    def render() -> None:
        rows = [
            (
                info.run,
                info.state,
                info.trials or "",
                ", ".join(f"{name} {score.value:.4f}" for name, score in list(info.scores.items())[:2]),
                info.finished,
            )
            for info in found
        ]
        output.table("", ("run", "state", "trials", "scores", "finished"), rows, numbers=("trials",))

    output.emit(found, render, as_json=as_json)


def explain(
    file: Annotated[str, typer.Argument(metavar="IN", help="Rows to explain, a file or an address.")],
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many.")] = 5,
    release: Annotated[str, typer.Option("--release", help="A version or digest; the champion without it.")] = "",
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Say why the model answers as it does: the columns that weigh most, then row by row."""
    from seaway.workflow import explain as why
    from seaway.workflow.workspace import open_project

    workspace = open_project(folder)
    weights = why.importance(workspace, release)
    found = why.explain(workspace, file, reference=release, rows=rows)

    def render() -> None:
        output.table(
            "What weighs most", ("column", "weight"), [(n, f"{w:.4g}") for n, w in weights[:15]], numbers=("weight",)
        )
        for number, one in enumerate(found):
            output.say(f"row {number}: margin {one['margin']:.4f} from a base of {one['base']:.4f}", style="bold")
            for reason in one["reasons"]:
                output.say(f"   {reason['attribution']:+.4f}  {reason['column']} = {reason['value']}")

    output.emit({"importance": dict(weights), "explanations": found}, render, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(train)
    app.command()(runs)
    app.command()(explain)
