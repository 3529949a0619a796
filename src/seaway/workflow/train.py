"""`seaway train` and `seaway runs`."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seaway.core import candidate, canonical, chance
from seaway.core.candidate import Candidate
from seaway.core.dataset import Dataset
from seaway.core.errors import NotFound, Refused
from seaway.core.metrics import metric
from seaway.core.metrics.figure import Figure
from seaway.core.settings import Settings, SplitSettings, TrainSettings
from seaway.core.verdict import Verdict
from seaway.lab import checks, journal, report
from seaway.lab import train as lab
from seaway.lab.journal import Recipe
from seaway.lab.progress import Progress, Silent
from seaway.workflow import dataset
from seaway.workflow.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run."""

    run: str
    folder: Path
    candidate: Candidate
    report: Path
    seconds: float
    verdicts: tuple[Verdict, ...]


def replay(workspace: Workspace, run: str, *, progress: Progress | None = None) -> Trained:
    """Do a recorded run's work again in a folder of its own; raises `Refused` where the digest differs.

    The recorded trials fix the work, so that a run which time had ended is replayed too.
    """
    recorded = opened(workspace, run)
    again = Workspace(workspace.project, _as_recorded(workspace.settings, recorded.candidate))
    folder = workspace.project.state / "replays" / recorded.run
    shutil.rmtree(folder, ignore_errors=True)  # work that is done already would prove nothing
    work = journal.recipe(recorded.folder)
    done = _worked(again, dataset.load(again), folder, progress=progress, began=chance.monotonic(), recipe=work)
    if done.candidate.digest != recorded.candidate.digest:
        raise Refused(
            f"The replay gives {done.candidate.digest[:12]}, recorded is {recorded.candidate.digest[:12]}",
            where=str(folder),
            fix="Compare the two reports: data, package versions and threads must be those of the record.",
            code="replay-differs",
        )
    return done


def _as_recorded(settings: Settings, recorded: Candidate) -> Settings:
    """Return the settings of a recorded run, without its clock."""
    held = recorded.lineage.settings
    train = {**held["train"], "budget_s": 0.0}
    return msgspec.structs.replace(
        settings,
        train=msgspec.convert(train, TrainSettings),
        split=msgspec.convert(held["split"], SplitSettings),
    )


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the leaderboard: a kind of model at its best, out of fold, with its share of the ensemble."""

    model: str
    trials: int
    metric: str
    score: float
    weight: float
    seconds: float


def leaderboard(candidate: Candidate) -> list[Line]:
    """Return each kind of model at its best, the best first."""
    figure = metric(str(candidate.figures["metric"]))
    by_model: dict[str, list[Mapping[str, Any]]] = {}
    for trial in candidate.trials:
        by_model.setdefault(str(trial["model"]), []).append(trial)
    lines = [
        Line(
            model=model,
            trials=len(trials),
            metric=figure.name,
            score=_best(trials, figure),
            weight=sum(float(trial["weight"]) for trial in trials),
            seconds=sum(float(trial["seconds"]) for trial in trials),
        )
        for model, trials in by_model.items()
    ]
    return sorted(lines, key=lambda line: line.score, reverse=figure.greater_is_better)


def _best(trials: Sequence[Mapping[str, Any]], figure: Figure) -> float:
    """Return the best score of the trials; NaN where the figure could not be told of any."""
    known = [float(trial["scores"][figure.name]) for trial in trials if figure.name in trial["scores"]]
    return (max if figure.greater_is_better else min)(known, default=math.nan)


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `seaway runs`."""

    run: str
    state: str
    finished: str
    trials: int
    scores: Mapping[str, candidate.Score]
    digest: str
    seconds: float


def train(
    workspace: Workspace,
    *,
    data: Dataset | None = None,
    progress: Progress | None = None,
    started: float | None = None,
) -> Trained:
    """Run the search to its end, or resume the run that the same data and settings began.

    The run's name is a digest of what it works on, so the same command finds its own unfinished work.
    """
    began = chance.monotonic() if started is None else started
    data = dataset.load(workspace) if data is None else data
    run = run_name(workspace, data)
    folder = workspace.project.make().runs / run
    if (folder / DONE).exists():
        return opened(workspace, run)
    return _worked(workspace, data, folder, progress=progress, began=began)


def _worked(
    workspace: Workspace,
    data: Dataset,
    folder: Path,
    *,
    progress: Progress | None,
    began: float,
    recipe: Recipe | None = None,
) -> Trained:
    found = lab.train(
        data,
        workspace.task,
        workspace.settings,
        folder,
        progress=progress or Silent(),
        started=began,
        recipe=recipe,
    )
    seconds = chance.monotonic() - began
    done = {"finished": chance.stamp(), "seconds": round(seconds, 3), "model": workspace.model}
    (folder / DONE).write_bytes(canonical.encode(done))
    return Trained(
        run=folder.name,
        folder=folder,
        candidate=found,
        report=folder / report.NAME,
        seconds=seconds,
        verdicts=tuple(checks.run(found, workspace.task)),
    )


DONE = "done.json"


def run_name(workspace: Workspace, data: Dataset) -> str:
    """Return the name of the run that these data, this contract and these settings make."""
    settings = workspace.settings
    content = {
        "data": data.fingerprint,
        "contract": data.contract.digest,
        "split": settings.split,
        "train": settings.train,
    }
    return canonical.digest(canonical.encode(content))[:12]


def opened(workspace: Workspace, run: str = "") -> Trained:
    """Open a finished run by its name or the start of it; the newest one without a name."""
    done = sorted(
        (path.parent for path in workspace.project.runs.glob(f"{run}*/{DONE}")),
        key=lambda folder: (folder / DONE).stat().st_mtime_ns,
    )
    if not done:
        raise NotFound(
            f"There is no finished run {run}".rstrip(),
            where=str(workspace.project.runs),
            fix="Run `seaway train`; the same command resumes one that was stopped.",
        )
    folder = done[-1]
    facts: dict[str, Any] = msgspec.json.decode((folder / DONE).read_bytes())
    return Trained(
        run=folder.name,
        folder=folder,
        candidate=candidate.load(folder),
        report=folder / report.NAME,
        seconds=float(facts["seconds"]),
        verdicts=(),
    )


def runs(workspace: Workspace) -> list[RunInfo]:
    """List the runs of a project, the newest first."""
    folders = sorted(workspace.project.runs.glob("*/"), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    return [_info(folder) for folder in folders]


def _info(folder: Path) -> RunInfo:
    if not (folder / DONE).exists():
        return RunInfo(run=folder.name, state="unfinished", finished="", trials=0, scores={}, digest="", seconds=0.0)
    facts: dict[str, Any] = msgspec.json.decode((folder / DONE).read_bytes())
    found = candidate.load(folder)
    return RunInfo(
        run=folder.name,
        state="finished",
        finished=facts["finished"],
        trials=len(found.trials),
        scores=found.scores,
        digest=found.digest,
        seconds=float(facts["seconds"]),
    )
