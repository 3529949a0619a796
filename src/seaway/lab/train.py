"""From a data set to a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from seaway.core import candidate as candidates
from seaway.core.batch import Json, Outcomes, Sample
from seaway.core.candidate import Candidate
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.protocols import Finish, Model, Task
from seaway.core.settings import Settings, TrainSettings
from seaway.data.profile import profile
from seaway.lab import report, threads
from seaway.lab.budget import budget_of
from seaway.lab.exam import everything, prepare
from seaway.lab.extent import chosen, extent
from seaway.lab.journal import Journal, Recipe, Trial
from seaway.lab.judge import judge_of, with_intervals
from seaway.lab.lineage import identity, lineage
from seaway.lab.members import Blend, Member, answers, choose, refit
from seaway.lab.progress import Progress
from seaway.lab.report import PLOTTED
from seaway.lab.samplers import sampler
from seaway.lab.search import Search, ranked, search
from seaway.lab.stop import EnoughTrials, NoImprovement, Stop
from seaway.lab.witness import witness

PATIENCE = {"fast": 15, "balanced": 40, "best": 100}
INTERVAL_ROUNDS = 100
UNBOUNDED_TRIALS = 40
"""Trials where neither their number nor the time is set."""


def train(
    data: Dataset,
    task: Task,
    settings: Settings,
    folder: Path,
    *,
    progress: Progress,
    started: float,
    recipe: Recipe | None = None,
) -> Candidate:
    """Train one candidate and save it with its report in `folder`.

    `started` is the monotonic time the command began. A folder whose run was interrupted is continued, a finished one is
    read back. With a `recipe` the recorded trials are made again instead of a search. Raises `Conflict` where the folder
    holds other work.
    """
    # Models are asked for first: that loads their libraries, and only what is loaded can be held to its threads.
    models = {model.name: model for model in task.models(data.contract, settings.train.preset)}
    with threads.limited(settings.train.threads) as count, Journal(folder, identity(data, settings)) as journal:
        if (folder / "candidate.json").exists():
            return candidates.load(folder)
        everyone = everything(data, data.split.train)
        work = _prepared(data, task, settings, models, journal, everyone, count, started, recipe)
        reason = search(work, journal, progress)
        _step(work, progress, "weighting the members")
        blend = choose(work, journal.trials, settings.train.preset)
        margins = work.exam.outcomes({"margin": blend.margin})
        finish = task.finish(margins, data.contract, {"calibrate": settings.train.calibrate})
        _step(work, progress, f"fitting {len(blend.parts)} members on all training rows")
        members = refit(work, blend, everyone, data.contract)
        _step(work, progress, "answering the test rows and the witness")
        notes = {
            "metric": work.judge.decides.name,
            "stopped": reason,
            "searched_rows": len(work.exam.rows),
            "training_rows": work.rows,
            "limited_rows": journal.header is not None and journal.header.rows < work.rows,
        }
        candidate = _candidate(data, settings, folder, work, journal, blend, finish, members, notes)
        candidates.save(candidate, folder)
        report.write(candidate, folder, data, task)
        progress.step(1, 1, "done", 0.0)
        return candidate


def _prepared(
    data: Dataset,
    task: Task,
    settings: Settings,
    models: Mapping[str, Model],
    journal: Journal,
    everyone: Sample,
    count: int,
    started: float,
    recipe: Recipe | None,
) -> Search:
    """Decide how many rows to search on, cut them into folds, and set the rules of the search."""
    train = settings.train
    learners = [model for model in models.values() if model.space(everyone)]
    if not learners:
        raise BadInput(
            "No model can learn under this contract",
            where="contract",
            fix="Give it at least one feature: a column with the role `feature` that is fed to the model.",
        )
    budget = budget_of(train, started, len(data.rows))
    rows = journal.header.rows if journal.header else recipe.rows if recipe else 0
    if not rows:
        rows = extent(everyone, data.contract, learners, settings.split.folds, train.preset, budget, count)
    journal.begin(rows)
    exam = prepare(data, task, chosen(data.split.train, rows, train.seed), settings.split.folds, train.seed)
    planned = train.trials or UNBOUNDED_TRIALS
    return Search(
        exam=exam,
        judge=judge_of(exam, task, train.metric),
        models=models,
        sampler=sampler(train.search),
        stops=_stops(train),
        budget=budget,
        threads=count,
        rows=everyone.batch.rows,
        planned=len(recipe.records) if recipe else planned + len(models) - len(learners),
        recipe=recipe,
    )


def _stops(train: TrainSettings) -> list[Stop]:
    """Return the rules besides the clock. `trials` alone decides where it is set: the same work every time."""
    if train.trials:
        return [EnoughTrials(train.trials)]
    patience: list[Stop] = [NoImprovement(PATIENCE[train.preset])]
    return patience if train.budget_s > 0 else [EnoughTrials(UNBOUNDED_TRIALS), *patience]


def _candidate(
    data: Dataset,
    settings: Settings,
    folder: Path,
    work: Search,
    journal: Journal,
    blend: Blend,
    finish: Finish,
    members: list[Member],
    notes: Mapping[str, Json],
) -> Candidate:
    """Put the candidate together: programs, evidence, scores, lineage."""
    asked = everything(data, data.split.test)
    real = answers(members, finish, asked.batch)
    test = Outcomes(
        answer=real,
        truth=asked.truth,
        case=data.split.test,
        step=np.zeros_like(data.split.test),
        weight=asked.weight,
    )
    order = np.argsort(work.exam.rows, kind="stable")
    oof = work.exam.outcomes(finish.apply({"margin": blend.margin})).take(order)
    seed, names = settings.train.seed, work.judge.names
    return Candidate(
        contract=data.contract,
        members=[(member.fitted.export(), member.weight) for member in members],
        blend="margin",
        finish=finish.export(),
        witness=witness(data, members, finish, real, settings.release.tolerance),
        oof=oof,
        test=test,
        scores=with_intervals(names, test, "test", seed) | with_intervals(names, oof, "oof", seed),
        trials=_leaderboard(work, journal, blend),
        lineage=lineage(data, settings, journal.trials, folder),
        profile=profile(data.rows.take(oof.case), data.contract, oof.answer).encode(),
        figures={
            **notes,
            "finish": finish.name,
            "importance": _importance(data, members),
            "members": [
                {"model": member.name, "weight": member.weight, "params": dict(member.params)} for member in members
            ],
        },
    )


def _leaderboard(work: Search, journal: Journal, blend: Blend) -> list[dict[str, Json]]:
    """Return every trial with its scores, seconds and weight."""
    shares = {trial.number: weight for trial, weight in blend.parts}
    intervals = {trial.number: _interval(work, trial) for trial in ranked(journal.trials, work.judge)[:PLOTTED]}
    return [
        {
            "number": trial.number,
            "model": trial.model,
            "params": trial.record.params,
            "scores": dict(trial.scores),
            "by_fold": list(trial.record.by_fold),
            "seconds": trial.record.took_s,
            "weight": shares.get(trial.number, 0.0),
            **({"interval": intervals[trial.number]} if intervals.get(trial.number) else {}),
            "is_baseline": not trial.record.params,
        }
        for trial in journal.trials
    ]


def _interval(work: Search, trial: Trial) -> tuple[float, float] | None:
    """Return the interval of the trial's deciding metric."""
    name = work.judge.decides.name
    outcomes = work.exam.outcomes(work.judge.link.apply({"margin": trial.margin}))
    found = with_intervals((name,), outcomes, "", work.exam.seed, rounds=INTERVAL_ROUNDS).get(f".{name}")
    return (found.low, found.high) if found else None


def _importance(data: Dataset, members: list[Member]) -> dict[str, float]:
    """Return the members' importance by matrix column, averaged by weight."""
    total = np.sum([member.weight * member.fitted.importance() for member in members], axis=0)
    return dict(zip(data.contract.encoded, total.tolist(), strict=True))


def _step(work: Search, progress: Progress, message: str) -> None:
    if work.budget.is_bounded:
        total, left = work.budget.end - work.budget.started, max(0.0, work.budget.left_s())
        progress.step(total - left, total, message, left)
    else:
        progress.step(work.planned, work.planned, message, 0.0)
