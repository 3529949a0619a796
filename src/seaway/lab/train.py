"""From a data set to a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seaway.core import candidate as candidates
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Json, Outcomes, Sample, split
from seaway.core.candidate import Candidate
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.protocols import Finish, Model, Task
from seaway.core.settings import Settings, TrainSettings
from seaway.core.sheet import sheet
from seaway.data import comparable
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
from seaway.lab.steps import by_group, by_step
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
        blend = choose(work, journal.trials, settings.train.preset, blends=task.blends)
        _step(work, progress, f"fitting {len(blend.parts)} members on all training rows")
        members = refit(work, blend, everyone, data.contract)
        contract = task.settle(data.contract, [member.fitted for member in members])
        margins = work.exam.outcomes({"margin": blend.margin})
        finish = task.finish(margins, contract, {"calibrate": settings.train.calibrate})
        _step(work, progress, "answering the test rows and the witness")
        outcome = Outcome(contract=contract, blend=blend, members=members, finish=finish, stopped=reason)
        candidate = _candidate(data, settings, folder, work, journal, everyone, outcome)
        candidates.save(candidate, folder)
        report.write(candidate, folder, data, task)
        progress.step(1, 1, "done", 0.0)
        return candidate


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to: the contract that training has settled, the members, and the last step."""

    contract: Contract
    blend: Blend
    members: list[Member]
    finish: Finish
    stopped: str


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
    cases = encoder_of(data.contract).cases(data.rows.take(data.split.train))
    searched = chosen(data.split.train, cases, rows, train.seed)
    exam = prepare(data, task, searched, settings.split.folds, train.seed)
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
    everyone: Sample,
    outcome: Outcome,
) -> Candidate:
    contract, members, finish = outcome.contract, outcome.members, outcome.finish
    asked = encoder_of(contract).ask(data, data.split.train, data.split.test)
    real = answers(members, finish, asked.batch)
    test = sheet(asked, contract).outcomes(real)
    answered = finish.apply({"margin": outcome.blend.margin})
    oof = work.exam.outcomes(answered)
    oof = oof.take(np.argsort(oof.case, kind="stable"))
    seed, names = settings.train.seed, work.judge.names
    return Candidate(
        contract=contract,
        members=[(member.fitted.export(), member.weight) for member in members],
        blend="margin",
        finish=finish.export(),
        witness=witness(
            contract,
            members,
            finish,
            real=data.split.test,
            real_answers=real,
            tolerance=settings.release.tolerance,
        ),
        oof=oof,
        test=test,
        scores={
            **with_intervals(names, test, "test", seed),
            **by_group(work.judge.decides.name, test, "test", seed),
            **with_intervals(names, oof, "oof", seed),
        },
        trials=_leaderboard(work, journal, outcome.blend),
        lineage=lineage(data, settings, journal.trials, folder),
        profile=_profile(data, work, everyone, outcome, answered),
        figures=_figures(data, work, outcome, {"test": test, "oof": oof}),
    )


def _profile(data: Dataset, work: Search, everyone: Sample, outcome: Outcome, answered: Mapping[str, Array]) -> bytes:
    """Describe the training rows beside answers that are out of fold, or, where no truth could leak, the members' own."""
    contract = outcome.contract
    if contract.truth is None:
        asked = [(everyone.batch, answers(outcome.members, outcome.finish, everyone.batch))]
    else:
        batches = [fold.asked.batch for fold in work.exam.folds]
        asked = list(zip(batches, split(answered, [batch.cases for batch in batches]), strict=True))
    parts = [comparable.answers(contract, batch, answer) for batch, answer in asked]
    reference = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return profile(data.rows.take(data.split.train), contract, reference).encode()


def _figures(data: Dataset, work: Search, outcome: Outcome, judged: Mapping[str, Outcomes]) -> dict[str, Json]:
    """Return what reports and checks read beside the scores."""
    searched, known = len(work.exam.rows), len(data.split.train)
    steps = {name: by_step(work.judge.names, outcomes) for name, outcomes in judged.items()}
    return {
        "metric": work.judge.decides.name,
        "stopped": outcome.stopped,
        "searched_rows": searched,
        "training_rows": known,
        "limited_rows": searched < known,
        "finish": outcome.finish.name,
        "importance": _importance(outcome),
        "members": [_told(member) for member in outcome.members],
        **({"by_step": steps} if any(steps.values()) else {}),
    }


def _told(member: Member) -> dict[str, Json]:
    """Describe a member, with what it tells about itself for the figures of its task, where it does."""
    told = getattr(member.fitted, "told", None)
    about = {"model": member.name, "weight": member.weight, "params": dict(member.params)}
    return {**about, "told": dict(told)} if told else about


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


def _importance(outcome: Outcome) -> dict[str, float]:
    """Return the members' importance by matrix column, averaged by weight; nothing where no column matters."""
    total = np.sum([member.weight * member.fitted.importance() for member in outcome.members], axis=0)
    return dict(zip(outcome.contract.encoded, total.tolist(), strict=True)) if total.any() else {}


def _step(work: Search, progress: Progress, message: str) -> None:
    if work.budget.is_bounded:
        total, left = work.budget.end - work.budget.started, max(0.0, work.budget.left_s())
        progress.step(total - left, total, message, left)
    else:
        progress.step(work.planned, work.planned, message, 0.0)
